import type { Engine } from '../../engine/engine.ts';
import type { Plan } from '../../pipeline/plan.ts';
import type { CheckBoard, CheckSpec, CheckTarget } from '../../protocol/check.ts';
import type { StartRun } from '../../protocol/client.ts';
import type { GitHubRuns } from '../../protocol/github-run.ts';
import type { RunView } from '../../protocol/run.ts';
import type { CodeEvent } from '../code-event.ts';
import type { PipelineCommand, PipelineIntent, RepositoryPipelines } from '../commands/tools.ts';
import type { GitHubAccess } from '../octokit.ts';
import type { StartChoice, Starter, StartReport } from '../starter.ts';
import { type Judgement, judgePipelines } from './judge.ts';
import { brokenNotice, checkNameOf, heldNotice, queuedCheck, skippedNotice } from './notices.ts';
import { occasionOf } from './occasion.ts';
import { OneByOne } from './one-by-one.ts';
import type { Compile } from './read-pipelines.ts';
import { BlobCache } from './repository-files.ts';
import { runTrigger } from './run-trigger.ts';

export interface StarterOptions {
  readonly access: GitHubAccess;
  readonly engine: Pick<Engine, 'startRun' | 'readRun'>;
  readonly runs: GitHubRuns;
  readonly board: CheckBoard;
  readonly compile: Compile;
  /** Whether somebody vouched for the head of a fork. */
  readonly isTrusted: (event: CodeEvent) => Promise<boolean>;
}

/** Starts what matches events, and tells commands what would match. */
export function openStarter(options: StarterOptions): Starter & RepositoryPipelines {
  const cache = new BlobCache();
  const commits = new OneByOne();
  const judged = async (event: CodeEvent, choice: StartChoice): Promise<readonly Judgement[]> => {
    const octokit = await options.access.installation(event.repository.installationId);
    return judgePipelines({ octokit, compile: options.compile, cache }, event, choice);
  };
  return {
    start: async (event, choice = {}) => {
      const judgements = await judged(event, choice);
      // Push and pull request of one commit come at one moment: the second must see what came of the first.
      return commits.run(`${event.repository.id}/${event.headSha}`, () => act(options, event, choice, judgements));
    },
    commands: async (event) => (await judged(event, {})).flatMap(commandOf),
    intents: async (event) => (await judged(event, {})).flatMap((judgement) => intentOf(event, judgement)),
  };
}

async function act(
  options: StarterOptions,
  event: CodeEvent,
  choice: StartChoice,
  judgements: readonly Judgement[],
): Promise<StartReport> {
  const report = {
    started: [] as { runId: string; pipeline: string }[],
    skipped: [] as string[],
    broken: [] as string[],
    held: [] as string[],
  };
  const isHeld = event.pull?.isFork === true && !(choice.isTrusted ?? (await options.isTrusted(event)));
  for (const judgement of judgements) {
    const { verdict, name } = judgement;
    if (verdict.type === 'start' && !isHeld) {
      const runId = await startRun(options, event, choice, judgement, verdict.plan);
      report.started.push({ runId, pipeline: name });
    } else if (verdict.type === 'start') {
      const isOverRun = await hasRun(options, event, judgement);
      await put(options, event, heldNotice(event, judgement, isOverRun));
      report.held.push(name);
    } else if (verdict.type === 'broken') {
      await put(options, event, brokenNotice(event, judgement, verdict.reason, verdict.findings));
      report.broken.push(name);
    } else if (verdict.type === 'filtered' && (await isSkipShown(options, event, judgement))) {
      await put(options, event, skippedNotice(event, judgement, verdict.reason));
      report.skipped.push(name);
    }
  }
  return report;
}

/**
 * Whether a filtered pipeline is reported as skipped, which a branch rule takes for a pass. Never over a run of the same
 * commit. Of a push only where no pull request would judge the commit by itself, and not for branches that the filter
 * leaves out: no rule waits for them, and each push would cost a write per pipeline.
 */
async function isSkipShown(options: StarterOptions, event: CodeEvent, judgement: Judgement): Promise<boolean> {
  const { triggers, verdict } = judgement;
  if (event.type === 'push' && (triggers.pullRequest || (verdict.type === 'filtered' && verdict.by === 'branch')))
    return false;
  return !(await hasRun(options, event, judgement));
}

async function hasRun({ runs }: StarterOptions, event: CodeEvent, { path }: Judgement): Promise<boolean> {
  const ofCommit = await runs.ofCommit(event.repository.id, event.headSha);
  return ofCommit.some(({ pipelinePath }) => pipelinePath === path);
}

/** Answers the public id. Its row is written last: where it is there, everything was done. */
async function startRun(
  { engine, runs, board }: StarterOptions,
  event: CodeEvent,
  choice: StartChoice,
  { path, name }: Judgement,
  plan: Plan,
): Promise<string> {
  const ask = async (occasion: string): Promise<RunView> => {
    const idempotencyKey = `github/${event.repository.id}/${path}/${event.headSha}/${occasion}`;
    return engine.readRun((await engine.startRun({ ...requestOf(event, plan), idempotencyKey })).run);
  };
  let view = await ask(choice.occasion ?? occasionOf(event));
  // Closing a pull request cancelled it, and opening it again means it.
  if (view.status === 'cancelled' && event.action === 'reopened') view = await ask(`reopened/${event.deliveryId}`);
  if (await runs.find(view.id)) return view.id;
  await board.put(targetOf(event), queuedCheck(view.id, name));
  const { installationId, id: repositoryId, owner, name: repo, defaultBranch } = event.repository;
  await runs.add({
    runId: view.id,
    installationId,
    repositoryId,
    owner,
    repo,
    headSha: event.headSha,
    ref: event.ref,
    defaultBranch,
    pullNumber: event.pull?.number ?? null,
    isFork: event.pull?.isFork === true,
    pipelinePath: path,
    checkName: checkNameOf(name),
  });
  return view.id;
}

function requestOf(event: CodeEvent, plan: Plan): StartRun {
  return { plan, trigger: runTrigger(event), isDedicated: true };
}

async function put({ board }: StarterOptions, event: CodeEvent, spec: CheckSpec): Promise<void> {
  await board.put(targetOf(event), spec);
}

function targetOf({ repository, headSha, pull }: CodeEvent): CheckTarget {
  const { installationId, id: repositoryId, owner, name: repo } = repository;
  return { installationId, repositoryId, owner, repo, headSha, pullNumber: pull?.number ?? null };
}

function commandOf({ name, triggers: { command } }: Judgement): readonly PipelineCommand[] {
  return command ? [{ name: command.name, pipeline: name, permission: command.permission }] : [];
}

function intentOf(event: CodeEvent, { name, verdict }: Judgement): readonly PipelineIntent[] {
  if (verdict.type === 'other') return [];
  if (verdict.type === 'start') return [{ pipeline: name, request: requestOf(event, verdict.plan), reason: null }];
  return [{ pipeline: name, request: null, reason: verdict.reason }];
}
