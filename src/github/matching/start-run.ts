import type { Engine } from '../../engine/engine.ts';
import type { Plan } from '../../pipeline/plan.ts';
import type { CheckBoard, CheckTarget } from '../../protocol/check.ts';
import type { StartRun } from '../../protocol/client.ts';
import type { GitHubRun, GitHubRuns } from '../../protocol/github-run.ts';
import type { RunView } from '../../protocol/run.ts';
import type { CodeEvent } from '../code-event.ts';
import type { GitHubAccess } from '../octokit.ts';
import type { StartChoice } from '../starter.ts';
import type { Judgement } from './judge.ts';
import { waitsForPush } from './match.ts';
import { checkNameOf, queuedCheck } from './notices.ts';
import { occasionOf } from './occasion.ts';
import { runTrigger } from './run-trigger.ts';
import { isStillHead } from './still-head.ts';

export interface StartRunTools {
  readonly access: GitHubAccess;
  readonly engine: Pick<Engine, 'startRun' | 'readRun'>;
  readonly runs: GitHubRuns;
  readonly board: Pick<CheckBoard, 'put'>;
}

/** Starts the pipeline for an event, once for its occasion. Answers the public id. */
export async function startRun(
  tools: StartRunTools,
  event: CodeEvent,
  choice: StartChoice,
  judgement: Judgement,
  plan: Plan,
): Promise<string> {
  const { engine } = tools;
  const asked = requestOf(event, judgement, plan);
  const ask = async (occasion: string): Promise<RunView> => {
    const idempotencyKey = `github/${event.repository.id}/${judgement.path}/${event.headSha}/${occasion}`;
    return engine.readRun((await engine.startRun({ ...asked, idempotencyKey })).run);
  };
  const occasion = choice.occasion ?? occasionOf(event);
  const ref = asked.trigger.source.ref ?? event.ref;
  const known = await ask(occasion);
  const again =
    choice.occasion === undefined ? await newOccasion(tools, event, { ref, ...judgement }, known) : undefined;
  const view = again === undefined ? known : await ask(`${occasion}/${again}`);
  await belong(tools, event, { ref, ...judgement }, view.id);
  return view.id;
}

type Place = Pick<Judgement, 'path' | 'name'> & { readonly ref: string };

/** What a run of the pipeline would be started with. */
export function requestOf(event: CodeEvent, { triggers }: Judgement, plan: Plan): StartRun {
  const { pull, type } = event;
  // Push and pull request of one branch are one run, whichever comes first: so it has one ref, and one group. A job of
  // somebody's own workflow is neither.
  const isBranchs = pull !== null && !pull.isFork && type !== 'dispatch' && waitsForPush(triggers, pull.headRef);
  const ref = isBranchs ? `refs/heads/${pull.headRef}` : event.ref;
  return { plan, trigger: runTrigger({ ...event, ref }), isDedicated: true };
}

/**
 * Why the commit is run once more though it has a run of the same occasion: the branch had moved on to another commit and
 * comes back, or that run was cancelled and somebody opens, reopens or pushes the commit anew. Undefined where it is not.
 */
async function newOccasion(
  { access, runs }: StartRunTools,
  event: CodeEvent,
  { path, ref }: Place,
  known: RunView,
): Promise<string | undefined> {
  const { beforeSha, repository } = event;
  if (beforeSha !== null && beforeSha !== event.headSha) {
    const before = await runs.ofCommit(repository.id, beforeSha);
    const newest = before.find((row) => row.pipelinePath === path && row.ref === ref);
    // Ids grow with time. A run of the commit before that is newer than this one shows that the branch was there since.
    if (newest && newest.runId > known.id) return `after/${newest.runId}`;
  }
  if (known.status !== 'cancelled' || !isAskedAnew(event)) return undefined;
  const octokit = await access.installation(repository.installationId);
  return (await isStillHead(octokit, event)) ? `again/${event.deliveryId}` : undefined;
}

function isAskedAnew({ type, action, beforeSha }: CodeEvent): boolean {
  if (type === 'pull_request') return action === 'opened' || action === 'reopened';
  return type === 'push' && beforeSha === null;
}

/** Writes down where on GitHub a run belongs. Its row is written last: where it is there, everything was done. */
async function belong(
  { runs, board }: StartRunTools,
  event: CodeEvent,
  { path, name, ref }: Place,
  runId: string,
): Promise<void> {
  const pullNumber = event.pull?.number ?? null;
  const row = await runs.find(runId);
  if (row) {
    if (pullNumber !== null && row.pullNumber === null) await runs.join(runId, pullNumber);
    return;
  }
  await board.put(targetOf(event), queuedCheck(runId, name));
  const { installationId, id: repositoryId, owner, name: repo, defaultBranch } = event.repository;
  await runs.add({
    runId,
    installationId,
    repositoryId,
    owner,
    repo,
    headSha: event.headSha,
    ref,
    defaultBranch,
    pullNumber,
    isFork: event.pull?.isFork === true,
    pipelinePath: path,
    checkName: checkNameOf(name),
    survivesClosing: event.type === 'pull_request' && event.action === 'closed',
  } satisfies GitHubRun);
}

export function targetOf({ repository, headSha, pull }: CodeEvent): CheckTarget {
  const { installationId, id: repositoryId, owner, name: repo } = repository;
  return { installationId, repositoryId, owner, repo, headSha, pullNumber: pull?.number ?? null };
}
