import type { GitHubRun } from '../../protocol/github-run.ts';
import type { CodeEvent } from '../code-event.ts';
import { checkNameOf } from './notices.ts';
import type { StartRunTools } from './start-run.ts';
import { isStillHead } from './still-head.ts';

/** What tells runs of one commit apart: the pipeline, the ref, for a fork the branch that its pipelines come from, and why. */
export interface RunPlace {
  readonly path: string;
  readonly name: string;
  readonly ref: string;
  readonly baseRef: string | null;
  readonly occasion: string;
}

/**
 * The run that stands for an event whose occasion has the run `known`: the newest one of its place and occasion, or another
 * one, where there is a reason to run again. `runAgain` starts one for a reason, the same reason once.
 */
export async function currentRun(
  tools: StartRunTools,
  event: CodeEvent,
  place: RunPlace,
  known: string,
  runAgain: (reason: string) => Promise<string>,
): Promise<string> {
  const rows = await tools.runs.ofCommit(event.repository.id, event.headSha);
  // New, or its start was interrupted: it is begun before anything is made of it.
  if (!rows.some(({ runId }) => runId === known)) return known;
  const there = rows.filter((row) => isAt(row, place));
  const at = there.findIndex(({ occasion }) => occasion === place.occasion);
  const newest = there[at]?.runId ?? known;
  const state = { newest, since: there.slice(0, Math.max(0, at)) };
  const reason = (await foreignWord(tools, event, place, rows)) ?? (await comeback(tools, event, place, state));
  return reason === undefined ? newest : runAgain(reason);
}

/** How a commit stands at a place. */
interface Standing {
  /** The newest run of the occasion. */
  readonly newest: string;
  /** Runs that came after it, for a label, a command or the closing say, newest first: they may have left out what it is about. */
  readonly since: readonly GitHubRun[];
}

function isAt(row: GitHubRun, { path, ref, baseRef }: RunPlace): boolean {
  return row.pipelinePath === path && row.ref === ref && (!row.isFork || row.baseRef === baseRef);
}

/**
 * GitHub goes by the newest check of a name. Where that is of another base branch of a fork, or says that the commit is held,
 * the verdict of before has to be given anew.
 */
async function foreignWord(
  { board }: StartRunTools,
  { pull, repository, headSha }: CodeEvent,
  place: RunPlace,
  rows: readonly GitHubRun[],
): Promise<string | undefined> {
  if (pull?.isFork !== true) return undefined;
  const standing = await board.standing(repository.id, headSha);
  const said = standing.map(({ spec }) => spec).filter(({ name }) => name === checkNameOf(place.name));
  // A run without a row is one whose start was interrupted: what stood before it is the reason for it.
  const last = said.findLast(
    ({ externalId }) => isNotice(externalId) || rows.some(({ runId }) => runId === externalId),
  );
  if (!last) return undefined;
  const row = rows.find(({ runId }) => runId === last.externalId);
  return row && isAt(row, place) ? undefined : `over/${last.externalId}`;
}

function isNotice(externalId: string): boolean {
  return externalId.startsWith('notice/');
}

/** Why the commit runs again, if it is the head: the event may come late. */
async function comeback(
  tools: StartRunTools,
  event: CodeEvent,
  place: RunPlace,
  state: Standing,
): Promise<string | undefined> {
  const reason = (await wayBack(tools, event, place, state.newest)) ?? (await askedAnew(tools, event, state));
  if (reason === undefined) return undefined;
  const octokit = await tools.access.installation(event.repository.installationId);
  return (await isStillHead(octokit, event)) ? reason : undefined;
}

/** The branch had moved on to another commit and comes back. */
async function wayBack(
  { runs }: StartRunTools,
  { beforeSha, headSha, repository }: CodeEvent,
  place: RunPlace,
  newest: string,
): Promise<string | undefined> {
  if (beforeSha === null || beforeSha === headSha) return undefined;
  const between = (await runs.ofCommit(repository.id, beforeSha)).find((row) => isAt(row, place))?.runId;
  // Ids grow with time. A run of the commit before that is newer than this one shows that the branch was there since.
  return between !== undefined && between > newest ? `after/${between}` : undefined;
}

/**
 * Somebody opens, reopens or pushes the commit anew, and closing it has cancelled its run or the last one of its check, or had
 * a run of its own.
 */
async function askedAnew(
  { engine }: StartRunTools,
  event: CodeEvent,
  { newest, since }: Standing,
): Promise<string | undefined> {
  if (!isAskedAnew(event)) return undefined;
  const last = since[0]?.runId ?? newest;
  const isDue =
    since.some(({ survivesClosing }) => survivesClosing) ||
    (await isCancelled(engine, newest)) ||
    (last !== newest && (await isCancelled(engine, last)));
  return isDue ? `again/${last}` : undefined;
}

function isAskedAnew({ type, action, beforeSha }: CodeEvent): boolean {
  if (type === 'pull_request') return action === 'opened' || action === 'reopened';
  return type === 'push' && beforeSha === null;
}

async function isCancelled(engine: StartRunTools['engine'], runId: string): Promise<boolean> {
  const { status } = await engine.readRun(await engine.resolve(runId));
  return status === 'cancelled' || status === 'cancelling';
}
