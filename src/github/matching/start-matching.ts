import type { CheckBoard, CheckSpec } from '../../protocol/check.ts';
import type { CodeEvent } from '../code-event.ts';
import type { PipelineCommand, PipelineIntent, RepositoryPipelines } from '../commands/tools.ts';
import type { StartChoice, Starter, StartReport } from '../starter.ts';
import { withDefinitions } from './definitions.ts';
import { type Judgement, type JudgeOptions, judgePipelines, listPipelines } from './judge.ts';
import { brokenNotice, checkNameOf, heldNotice, skippedNotice } from './notices.ts';
import { OneByOne } from './one-by-one.ts';
import type { Compile } from './read-pipelines.ts';
import { BlobCache } from './repository-files.ts';
import { requestOf, type StartRunTools, startRun, targetOf } from './start-run.ts';

export interface StarterOptions extends StartRunTools {
  readonly board: CheckBoard;
  readonly compile: Compile;
  /** Whether somebody vouched for the head of a fork. */
  readonly isTrusted: (event: CodeEvent) => Promise<boolean>;
}

/** Starts what matches events, and tells commands what would match. */
export function openStarter(options: StarterOptions): Starter & RepositoryPipelines {
  const cache = new BlobCache();
  const commits = new OneByOne();
  const toolsOf = async ({ repository }: CodeEvent): Promise<JudgeOptions> => ({
    octokit: await options.access.installation(repository.installationId),
    compile: options.compile,
    cache,
  });
  const judged = async (event: CodeEvent, choice: StartChoice): Promise<readonly Judgement[]> => {
    const tools = await toolsOf(event);
    return judgePipelines(tools, await withDefinitions(tools.octokit, event), choice);
  };
  return {
    start: async (event, choice = {}) => {
      const judgements = await judged(event, choice);
      // Push and pull request of one commit come at one moment: the second must see what came of the first.
      return commits.run(`${event.repository.id}/${event.headSha}`, () => act(options, event, choice, judgements));
    },
    commands: async (event) => {
      const tools = await toolsOf(event);
      return (await listPipelines(tools, await withDefinitions(tools.octokit, event))).flatMap(commandOf);
    },
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
  await follow(options, event, judgements);
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
    } else if (verdict.type === 'filtered' && isSkipTold(event, judgement)) {
      if (await options.board.putSkip(targetOf(event), skippedNotice(event, judgement, verdict.reason)))
        report.skipped.push(name);
    }
  }
  return report;
}

/** The comment of a pull request tells of its head, which a push may have started the runs of. */
async function follow({ board }: StarterOptions, event: CodeEvent, judgements: readonly Judgement[]): Promise<void> {
  if (event.type !== 'pull_request' || !event.pull || event.action === 'closed' || judgements.length === 0) return;
  await board.follow({ ...targetOf(event), pullNumber: event.pull.number });
}

/**
 * Whether a filtered pipeline is reported as skipped, which a branch rule takes for a pass. Of a push only where no pull
 * request would judge the commit by itself, and not for branches that the filter leaves out: no rule waits for them, and
 * each push would cost a write per pipeline.
 */
function isSkipTold({ type }: CodeEvent, { triggers, verdict }: Judgement): boolean {
  return type !== 'push' || !(triggers.pullRequest || (verdict.type === 'filtered' && verdict.by === 'branch'));
}

async function hasRun({ runs }: StarterOptions, event: CodeEvent, { name }: Judgement): Promise<boolean> {
  const ofCommit = await runs.ofCommit(event.repository.id, event.headSha);
  return ofCommit.some(({ checkName }) => checkName === checkNameOf(name));
}

async function put({ board }: StarterOptions, event: CodeEvent, spec: CheckSpec): Promise<void> {
  await board.put(targetOf(event), spec);
}

function commandOf({ name, triggers: { command } }: Pick<Judgement, 'name' | 'triggers'>): readonly PipelineCommand[] {
  return command ? [{ name: command.name, pipeline: name, permission: command.permission }] : [];
}

function intentOf(event: CodeEvent, judgement: Judgement): readonly PipelineIntent[] {
  const { name, verdict } = judgement;
  if (verdict.type === 'other') return [];
  if (verdict.type === 'start')
    return [{ pipeline: name, request: requestOf(event, judgement, verdict.plan), reason: null }];
  return [{ pipeline: name, request: null, reason: verdict.reason }];
}
