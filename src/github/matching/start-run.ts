import type { Engine } from '../../engine/engine.ts';
import type { Plan } from '../../pipeline/plan.ts';
import type { CheckBoard, CheckTarget } from '../../protocol/check.ts';
import type { StartRun } from '../../protocol/client.ts';
import type { GitHubRuns } from '../../protocol/github-run.ts';
import type { ReportBook } from '../../protocol/report-book.ts';
import type { CodeEvent } from '../code-event.ts';
import type { GitHubAccess } from '../octokit.ts';
import { repositoryNamespace } from '../repository-namespace.ts';
import type { StartChoice } from '../starter.ts';
import type { Judgement } from './judge.ts';
import { waitsForPush } from './match.ts';
import { checkNameOf, queuedCheck } from './notices.ts';
import { occasionOf } from './occasion.ts';
import { currentRun, type RunPlace } from './run-again.ts';
import { runTrigger } from './run-trigger.ts';

export interface StartRunTools {
  readonly access: GitHubAccess;
  readonly engine: Pick<Engine, 'startRun' | 'readRun' | 'resolve'>;
  readonly runs: GitHubRuns;
  readonly board: Pick<CheckBoard, 'put'> & Pick<ReportBook, 'standing'>;
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
  const { path, name } = judgement;
  const asked = requestOf(event, judgement, plan);
  const ask = async (occasion: string): Promise<string> => {
    const idempotencyKey = `github/${event.repository.id}/${path}/${event.headSha}/${occasion}`;
    return (await engine.readRun((await engine.startRun({ ...asked, idempotencyKey })).run)).id;
  };
  const occasion = choice.occasion ?? occasionOf(event);
  const ref = asked.trigger.source.ref ?? event.ref;
  const place = { path, name, ref, baseRef: event.pull?.baseRef ?? null, occasion };
  const known = await ask(occasion);
  const runId =
    choice.occasion === undefined
      ? await currentRun(tools, event, place, known, (reason) => ask(`${occasion}/${reason}`))
      : known;
  await belong(tools, event, place, runId);
  return runId;
}

/** What a run of the pipeline would be started with. */
export function requestOf(event: CodeEvent, { triggers }: Judgement, plan: Plan): StartRun {
  const { pull, type } = event;
  // Push and pull request of one branch are one run, whichever comes first: so it has one ref, and one group. A job of
  // somebody's own workflow is neither.
  const isBranchs = pull !== null && !pull.isFork && type !== 'dispatch' && waitsForPush(triggers, pull.headRef);
  const ref = isBranchs ? `refs/heads/${pull.headRef}` : event.ref;
  const namespace = repositoryNamespace(event.repository.installationId, event.repository.id);
  return { plan, trigger: runTrigger({ ...event, ref }), isDedicated: true, namespace };
}

/** Writes down where on GitHub a run belongs. Its row is written last: where it is there, everything was done. */
async function belong(
  { runs, board }: StartRunTools,
  event: CodeEvent,
  { path, name, ref, baseRef, occasion }: RunPlace,
  runId: string,
): Promise<void> {
  const pullNumber = event.pull?.number ?? null;
  const row = await runs.find(runId);
  if (row) {
    if (pullNumber !== null && row.pullNumber === null) await runs.join(runId, pullNumber);
    return;
  }
  await board.put(targetOf(event), queuedCheck(runId, checkNameOf(name)));
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
    baseRef,
    isFork: event.pull?.isFork === true,
    pipelinePath: path,
    checkName: checkNameOf(name),
    occasion,
    survivesClosing: event.type === 'pull_request' && event.action === 'closed',
  });
}

export function targetOf({ repository, headSha, pull }: CodeEvent): CheckTarget {
  const { installationId, id: repositoryId, owner, name: repo } = repository;
  return { installationId, repositoryId, owner, repo, headSha, pullNumber: pull?.number ?? null };
}
