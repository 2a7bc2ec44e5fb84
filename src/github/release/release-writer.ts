import { isMaestroError, messageOf } from '../../base/errors.ts';
import type { CheckBoard } from '../../protocol/check.ts';
import type { ReleaseEvidence } from '../../protocol/release-evidence.ts';
import type { DueRelease, Written } from '../../protocol/report-book.ts';
import type { Octokit } from '../octokit.ts';
import type { AppIdentity } from '../report/comment-writer.ts';
import { failureOf } from '../report/github-failure.ts';
import { once } from '../report/request-limits.ts';
import { attestNext } from './attestations.ts';
import { evidenceSection, isSameBody, runOfSection, withEvidenceSection } from './evidence-section.ts';
import { judgePage, type PageState, type PieceOfWork } from './judge-page.ts';
import { releaseCheck } from './release-check.ts';
import { factsOf, type RemoteRelease, readRelease } from './remote-release.ts';
import { uploadAsset } from './upload-asset.ts';

export interface ReleaseTools {
  readonly evidence: ReleaseEvidence;
  readonly checks: CheckBoard;
}

interface Work extends ReleaseTools {
  readonly octokit: Octokit;
  readonly due: DueRelease;
  readonly app: AppIdentity;
  /** Says that the claim goes on; false where it was lost. */
  readonly renew: () => Promise<boolean>;
}

const ALREADY_THERE = /already_exists/;
/** Of the store of the files: another try reads the same. */
const UNREADABLE = ['ARTIFACT_NOT_FOUND', 'BLOB_CORRUPT'] as const;

/**
 * Brings the page of a release one write further. What is due next is read off the page itself, each time: whoever goes on after
 * a crash, or after an answer that was lost, sees what is done, and does nothing twice.
 */
export async function writeRelease(work: Work): Promise<Written> {
  const { octokit, due, app } = work;
  const page = await readRelease(octokit, due, app);
  if (!page && due.remoteId === null && !due.spec.isGiven) return await makeDraft(work);
  const speaker = page && runOfSection(page.body);
  const isTakenOver = speaker !== undefined && speaker !== due.spec.runId;
  const state = judgePage(due.spec, page, { isSettled: due.isSettled, isTakenOver });
  if (!page) return { ...(await end(work, state, undefined)), isLook: true };
  if (state.type === 'waiting') return { ...partOf(due, page), isWhole: true, isLook: true };
  if (state.type === 'filling') return await fill(work, page, state.next);
  if (state.type === 'ready') return await publish(work, page);
  return await settle(work, page, state);
}

/** Of the commit that the run is about: where its tag is gone, publishing would make it anew from somewhere else. */
async function makeDraft(work: Work): Promise<Written> {
  const { octokit, due } = work;
  const { owner, repo, headSha, spec } = due;
  const state = judgePage(spec, undefined, { isSettled: false, isTakenOver: false });
  const made = await orRefusal(work, undefined, () =>
    octokit.rest.repos.createRelease({
      owner,
      repo,
      tag_name: spec.tag,
      target_commitish: headSha,
      name: spec.title,
      body: withEvidenceSection(spec.notes, evidenceSection(spec, state, due, undefined)),
      draft: true,
      prerelease: spec.isPrerelease,
      request: once(),
    }),
  );
  if ('isWhole' in made) return made;
  return { ...partOf(due, factsOf(made.data)), isWhole: spec.gate === null };
}

async function fill(work: Work, page: RemoteRelease, next: PieceOfWork): Promise<Written> {
  const { octokit, due } = work;
  const { owner, repo } = due;
  const done = await orRefusal(work, page, async () => {
    if (next.type === 'upload') return upload(work, page, next.asset);
    return octokit.rest.repos.deleteReleaseAsset({ owner, repo, asset_id: next.asset.id, request: once() });
  });
  if (done && 'isWhole' in done) return done;
  return { ...partOf(due, page), isWhole: false, isCleanup: next.type === 'discard' };
}

async function upload(
  { octokit, due, evidence, renew }: Work,
  { id: releaseId, uploadUrl }: RemoteRelease,
  asset: Extract<PieceOfWork, { type: 'upload' }>['asset'],
): Promise<void> {
  const content = await evidence.read(due.spec.runId, asset);
  const { owner, repo } = due;
  await uploadAsset(octokit, { owner, repo, releaseId, uploadUrl }, asset, content, renew);
}

/** What vouches for it is stored first: a release that people see is one that they can check. */
async function publish(work: Work, page: RemoteRelease): Promise<Written> {
  const { octokit, due, evidence, renew } = work;
  const { owner, repo, spec } = due;
  const obstacle = await tagObstacle(work);
  if (obstacle !== undefined) return await settle(work, page, { type: 'refused', reasons: [obstacle] });
  const done = await orRefusal(work, page, async () => {
    const bundles = await attestNext(octokit, due, spec, evidence, due.sentBundles);
    if (bundles !== undefined) return { bundles };
    // Reading the bundles may have taken long.
    if (!(await renew())) throw new Error('somebody else has taken over the release meanwhile');
    const body = withEvidenceSection(page.body, evidenceSection(spec, { type: 'done' }, due, page));
    await octokit.rest.repos.updateRelease({
      owner,
      repo,
      release_id: page.id,
      // Somebody may have given it another one since it was looked at.
      tag_name: spec.tag,
      body,
      draft: false,
      ...(spec.isPrerelease ? { prerelease: true } : {}),
      request: once(),
    });
    return undefined;
  });
  if (!done) return await end(work, { type: 'done' }, page);
  return 'isWhole' in done ? done : { ...partOf(due, page), sentAnnotations: done.bundles, isWhole: false };
}

/** Publishing makes a tag that is missing, and shows these files beside the code of one that was moved. */
async function tagObstacle({ octokit, due }: Work): Promise<string | undefined> {
  const { owner, repo, headSha, spec } = due;
  const ref = `tags/${spec.tag}`;
  try {
    const { data } = await octokit.rest.repos.getCommit({ owner, repo, ref, per_page: 1, request: once() });
    return data.sha === headSha
      ? undefined
      : `the tag ${spec.tag} is on commit ${data.sha} now, the run was of ${headSha}`;
  } catch (error) {
    const { status } = error as { readonly status?: unknown };
    if (status !== 404 && status !== 422) throw error;
    return `the tag ${spec.tag} is gone`;
  }
}

/** The page says how it stands, unless it speaks of another run's files, which are published. */
async function settle(work: Work, page: RemoteRelease, state: PageState): Promise<Written> {
  const { octokit, due } = work;
  const { owner, repo, spec } = due;
  const body = withEvidenceSection(page.body, evidenceSection(spec, state, due, page));
  const speaker = runOfSection(page.body);
  const isOthers = !page.isDraft && speaker !== undefined && speaker !== spec.runId;
  if (isOthers || isSameBody(body, page.body)) return { ...(await end(work, state, page)), isLook: true };
  try {
    await octokit.rest.repos.updateRelease({ owner, repo, release_id: page.id, body, request: once() });
  } catch (error) {
    // The check says it all the same.
    if (failureOf(error, 0).type !== 'refused') throw error;
  }
  return await end(work, state, page);
}

/** The check is put before the end is recorded: whoever dies in between does both once more, which changes nothing. */
async function end({ due, checks }: Work, state: PageState, page: RemoteRelease | undefined): Promise<Written> {
  const check = releaseCheck(due.spec, state);
  if (check) await checks.put(due, check);
  const written = { remoteId: page?.id ?? due.remoteId, sentAnnotations: due.sentBundles, isWhole: true };
  if (state.type === 'done') return { ...written, isSettled: true };
  return state.type === 'gone' ? { ...written, isSettled: false } : written;
}

/** Does it, or says on page and check why GitHub, or the store of the files, does not let it be done. */
async function orRefusal<T>(work: Work, page: RemoteRelease | undefined, act: () => Promise<T>): Promise<T | Written> {
  try {
    return await act();
  } catch (error) {
    const isUnreadable = UNREADABLE.some((code) => isMaestroError(error, code));
    const type = isUnreadable ? 'refused' : failureOf(error, 0).type;
    // The page is not what it was a moment ago: the next look shows what it is.
    if (type === 'missing' || (type === 'refused' && ALREADY_THERE.test(messageOf(error))))
      throw new Error(`the release was changed meanwhile: ${messageOf(error)}`, { cause: error });
    if (type !== 'refused') throw error;
    const state = { type: 'refused', reasons: [`it cannot be done: ${messageOf(error)}`] } as const;
    const said = page ? await settle(work, page, state) : await end(work, state, undefined);
    return { ...said, isLook: false };
  }
}

function partOf({ sentBundles }: DueRelease, { id }: RemoteRelease): Pick<Written, 'remoteId' | 'sentAnnotations'> {
  return { remoteId: id, sentAnnotations: sentBundles };
}
