import type { DueRelease } from '../../protocol/report-book.ts';
import type { Octokit } from '../octokit.ts';
import type { AppIdentity } from '../report/comment-writer.ts';
import { once } from '../report/request-limits.ts';

export interface RemoteAsset {
  readonly id: number;
  readonly name: string;
  /** `uploaded`; `starter` where the upload broke off, or goes on. */
  readonly state: string;
  readonly sizeBytes: number;
  /** `sha256:…`; null on an Enterprise Server that does not know digests yet. */
  readonly digest: string | null;
  /** The App uploaded it. */
  readonly isOurs: boolean;
}

/** The page of a release as it stands. */
export interface RemoteRelease {
  readonly id: number;
  /** What it is, or would be, published under: people can give it another one. */
  readonly tag: string;
  readonly isDraft: boolean;
  /** Its files can be neither added nor changed any more. */
  readonly isImmutable: boolean;
  readonly body: string;
  readonly uploadUrl: string;
  readonly assets: readonly RemoteAsset[];
}

const PAGE = 100;
/** GitHub takes a thousand files per release. */
const ASSET_PAGES_MAX = 10;
/** Drafts are in no index: they are looked for among the newest releases. */
const RELEASE_PAGES_MAX = 10;
const NOT_FOUND = 404;

type Release = Awaited<ReturnType<Octokit['rest']['repos']['getRelease']>>['data'];

/** Undefined where there is none. Where none is known by its id, that of the tag: published, or else the oldest draft. */
export async function readRelease(
  octokit: Octokit,
  due: DueRelease,
  app: AppIdentity,
): Promise<RemoteRelease | undefined> {
  const release =
    due.remoteId === null ? await findRelease(octokit, due) : await getRelease(octokit, due, due.remoteId);
  return release && { ...factsOf(release), assets: await readAssets(octokit, due, release.id, app) };
}

/** As a call that made or changed it answered; of one that was just made there are no files. */
export function factsOf(release: Release): RemoteRelease {
  const { id, tag_name: tag, draft, immutable, body, upload_url: uploadUrl } = release;
  return { id, tag, isDraft: draft, isImmutable: immutable === true, body: body ?? '', uploadUrl, assets: [] };
}

async function getRelease(
  octokit: Octokit,
  { owner, repo }: DueRelease,
  release_id: number,
): Promise<Release | undefined> {
  const answer = await octokit.rest.repos.getRelease({ owner, repo, release_id, request: once() }).catch(absent);
  return answer?.data;
}

async function findRelease(octokit: Octokit, { owner, repo, spec }: DueRelease): Promise<Release | undefined> {
  const place = { owner, repo };
  const published = await octokit.rest.repos
    .getReleaseByTag({ ...place, tag: spec.tag, request: once() })
    .catch(absent);
  if (published) return published.data;
  let oldest: Release | undefined;
  for (let page = 1; page <= RELEASE_PAGES_MAX; page++) {
    const { data } = await octokit.rest.repos.listReleases({ ...place, per_page: PAGE, page, request: once() });
    oldest = data.findLast((release) => release.tag_name === spec.tag) ?? oldest;
    if (data.length < PAGE) break;
  }
  return oldest;
}

async function readAssets(
  octokit: Octokit,
  { owner, repo }: DueRelease,
  release_id: number,
  app: AppIdentity,
): Promise<readonly RemoteAsset[]> {
  const assets: RemoteAsset[] = [];
  for (let page = 1; page <= ASSET_PAGES_MAX; page++) {
    const place = { owner, repo, release_id, per_page: PAGE, page };
    const { data } = await octokit.rest.repos.listReleaseAssets({ ...place, request: once() });
    for (const { id, name, state, size, digest, uploader } of data)
      assets.push({
        id,
        name,
        state,
        sizeBytes: size,
        digest: digest ?? null,
        isOurs: uploader?.type === 'Bot' && uploader.login === `${app.slug}[bot]`,
      });
    if (data.length < PAGE) break;
  }
  return assets;
}

function absent(error: unknown): undefined {
  if ((error as { readonly status?: unknown }).status !== NOT_FOUND) throw error;
}
