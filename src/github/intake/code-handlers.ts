import type { Engine } from '../../engine/engine.ts';
import type { GitHubRun, GitHubRuns } from '../../protocol/github-run.ts';
import { isRunFinal } from '../../protocol/run.ts';
import type { CodeEvent } from '../code-event.ts';
import type { Delivery, DeliveryHandler } from '../delivery-handler.ts';
import { codeEventsFrom, repositoryOf } from '../matching/code-events.ts';
import type { GitHubAccess } from '../octokit.ts';
import type { Starter, StartReport } from '../starter.ts';
import { flagAt, numberAt, textAt } from './payload.ts';
import { endsWithPull, reasonToEnd } from './reason-to-end.ts';

/** A branch has few runs that are open; more than this are left to the sweeper. */
const CANCELLED_AT_ONCE_MAX = 200;

export interface CodeHandlersOptions {
  readonly access: GitHubAccess;
  readonly starter: Starter;
  readonly engine: Pick<Engine, 'resolve' | 'readRun' | 'cancelRun'>;
  readonly runs: GitHubRuns;
}

/** Handlers of the webhooks that say that code is there to be run, or is there no more. By the name of the event. */
export function codeHandlers(options: CodeHandlersOptions): Readonly<Record<string, DeliveryHandler>> {
  const start = (delivery: Delivery): Promise<readonly string[]> => startAll(options.starter, codeEventsFrom(delivery));
  return {
    push: async (delivery) =>
      joined(flagAt(delivery.payload, 'deleted') ? [await cancelBranch(options, delivery)] : await start(delivery)),
    release: async (delivery) => {
      const events = await released(options.access, codeEventsFrom(delivery));
      return joined(await startAll(options.starter, events));
    },
    pull_request: async (delivery) => {
      const isGivenUp = delivery.action === 'closed' && !flagAt(delivery.payload, 'pull_request.merged');
      const cancelled = isGivenUp ? await cancelPull(options, delivery) : '';
      // Before its own closing is looked at: a pipeline may wait for that.
      return joined([cancelled, ...(await start(delivery))]);
    },
    merge_group: async (delivery) =>
      joined(delivery.action === 'destroyed' ? [await cancelGroup(options, delivery)] : await start(delivery)),
  };
}

async function startAll(starter: Starter, events: readonly CodeEvent[]): Promise<readonly string[]> {
  const notes: string[] = [];
  for (const event of events) notes.push(...notesOf(await starter.start(event)));
  return notes;
}

/** A release names its tag only. A draft's tag may not exist yet: then there is nothing to run. */
async function released(access: GitHubAccess, events: readonly CodeEvent[]): Promise<readonly CodeEvent[]> {
  const found: CodeEvent[] = [];
  for (const event of events) {
    const octokit = await access.installation(event.repository.installationId);
    const place = { owner: event.repository.owner, repo: event.repository.name, ref: `tags/${event.tag}`, per_page: 1 };
    const commit = await octokit.rest.repos.getCommit(place).catch(absent);
    if (commit) found.push({ ...event, headSha: commit.data.sha, definitionsSha: commit.data.sha });
  }
  return found;
}

/** 404: no such repository. 422: no such commit. */
function absent(error: unknown): undefined {
  const { status } = error as { readonly status?: unknown };
  if (status !== 404 && status !== 422) throw error;
}

/** Where it is still closed: the webhook may come late, and the pull request may be open again. */
async function cancelPull(options: CodeHandlersOptions, delivery: Delivery): Promise<string> {
  const repository = repositoryOf(delivery);
  const number = numberAt(delivery.payload, 'pull_request.number');
  if (!repository || number === undefined) return '';
  const rows = (await options.runs.ofPull(repository.id, number)).filter(endsWithPull);
  const [first] = rows;
  if (!first) return '';
  const reason = await reasonToEnd(await options.access.installation(repository.installationId), first);
  return reason === null ? '' : cancelRuns(options, rows, reason);
}

/** Of its last commit: what else the branch had going is left to the sweeper. */
async function cancelBranch(options: CodeHandlersOptions, delivery: Delivery): Promise<string> {
  const repository = repositoryOf(delivery);
  const headSha = textAt(delivery.payload, 'before');
  const ref = textAt(delivery.payload, 'ref');
  if (!repository || headSha === undefined) return '';
  const ofCommit = await options.runs.ofCommit(repository.id, headSha);
  const rows = ofCommit.filter((row) => row.ref === ref);
  const [first] = rows;
  if (!first) return '';
  const reason = await reasonToEnd(await options.access.installation(repository.installationId), first);
  return reason === null ? '' : cancelRuns(options, rows, reason);
}

/** The queue gave the group up: it is tested again in another one, or not at all. */
async function cancelGroup(options: CodeHandlersOptions, delivery: Delivery): Promise<string> {
  const repository = repositoryOf(delivery);
  const headSha = textAt(delivery.payload, 'merge_group.head_sha');
  const ref = textAt(delivery.payload, 'merge_group.head_ref');
  // A group that was merged is destroyed as well, and its commit is then the branch's.
  if (!repository || headSha === undefined || textAt(delivery.payload, 'reason') === 'merged') return '';
  const rows = await options.runs.ofCommit(repository.id, headSha);
  return cancelRuns(
    options,
    rows.filter((row) => row.ref === ref),
    'the merge queue gave its group up',
  );
}

/** Cancels those that still go on. Answers a line for the record. */
export async function cancelRuns(
  { engine }: Pick<CodeHandlersOptions, 'engine'>,
  rows: readonly GitHubRun[],
  reason: string,
): Promise<string> {
  const cancelled: string[] = [];
  for (const { runId } of rows.slice(0, CANCELLED_AT_ONCE_MAX)) {
    const run = await engine.resolve(runId);
    if (isRunFinal((await engine.readRun(run)).status)) continue;
    await engine.cancelRun(run, reason);
    cancelled.push(runId);
  }
  return cancelled.length === 0 ? '' : `cancelled ${cancelled.join(', ')}`;
}

function notesOf({ started, skipped, broken, held, isOutdated }: StartReport): readonly string[] {
  return [
    isOutdated ? 'nothing started: its branch has gone on since' : '',
    listed(
      'started',
      started.map(({ runId, pipeline }) => `${pipeline} (${runId})`),
    ),
    listed('skipped', skipped),
    listed('broken', broken),
    listed('held', held),
  ];
}

function listed(what: string, names: readonly string[]): string {
  return names.length === 0 ? '' : `${what} ${names.join(', ')}`;
}

function joined(notes: readonly string[]): string {
  return notes.filter((note) => note !== '').join('; ') || 'nothing to do';
}
