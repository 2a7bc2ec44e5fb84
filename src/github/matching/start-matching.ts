import type { CheckBoard } from '../../protocol/check.ts';
import type { CodeEvent } from '../code-event.ts';
import type { PipelineCommand, PipelineIntent, RepositoryPipelines } from '../commands/tools.ts';
import type { PolicyKeeper, StartChoice, Starter, StartReport } from '../starter.ts';
import { PolicyBringer, type PolicyTools } from './bring-policy.ts';
import { withDefinitions } from './definitions.ts';
import { type Judgement, type JudgeOptions, judgePipelines, listPipelines } from './judge.ts';
import { brokenNotice, checkNameOf, heldNotice, type Subject, skippedNotice } from './notices.ts';
import { OneByOne } from './one-by-one.ts';
import { isOutdated } from './outdated.ts';
import type { Compile } from './read-pipelines.ts';
import { BlobCache } from './repository-files.ts';
import { requestOf, type StartRunTools, startRun, targetOf } from './start-run.ts';

export interface StarterOptions extends Omit<StartRunTools, 'engine'> {
  readonly engine: StartRunTools['engine'] & PolicyTools['engine'];
  readonly parsePolicy: PolicyTools['parsePolicy'];
  readonly board: CheckBoard & StartRunTools['board'];
  readonly compile: Compile;
  /** Whether somebody vouched for the head of a fork. */
  readonly isTrusted: (event: CodeEvent) => Promise<boolean>;
}

/** Starts what matches events, and tells commands what would match. */
export function openStarter(options: StarterOptions): Starter & RepositoryPipelines & PolicyKeeper {
  const cache = new BlobCache();
  const commits = new OneByOne();
  const policies = new PolicyBringer(options, cache);
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
      const { octokit } = await toolsOf(event);
      const [judgements] = await Promise.all([judged(event, choice), policies.bring(octokit, event.repository)]);
      // Push and pull request of one commit come at one moment: the second must see what came of the first.
      return commits.run(`${event.repository.id}/${event.headSha}`, () => act(options, event, choice, judgements));
    },
    commands: async (event) => {
      const tools = await toolsOf(event);
      return (await listPipelines(tools, await withDefinitions(tools.octokit, event))).flatMap(commandOf);
    },
    intents: async (event) => {
      const { octokit } = await toolsOf(event);
      await policies.bring(octokit, event.repository);
      return (await judged(event, {})).flatMap((judgement) => intentOf(event, judgement));
    },
    bringPolicy: async (repository) =>
      policies.bring(await options.access.installation(repository.installationId), repository),
  };
}

async function act(
  options: StarterOptions,
  event: CodeEvent,
  choice: StartChoice,
  judgements: readonly Judgement[],
): Promise<StartReport> {
  if (choice.occasion === undefined && (await isOutdated(options, event))) return { ...NOTHING, isOutdated: true };
  await follow(options, event, judgements);
  const isHeld = event.pull?.isFork === true && !(choice.isTrusted ?? (await options.isTrusted(event)));
  const reports: Partial<StartReport>[] = [];
  for (const judgement of judgements) {
    const { verdict, name } = judgement;
    if (verdict.type === 'other') continue;
    if (verdict.type !== 'start') reports.push(await tell(options, event, judgement));
    else if (isHeld) reports.push(await hold(options, event, judgement));
    else {
      const runId = await startRun(options, event, choice, judgement, verdict.plan);
      reports.push({ started: [{ runId, pipeline: name }] });
    }
  }
  return joined(reports);
}

const NOTHING: StartReport = { started: [], skipped: [], broken: [], held: [] };

function joined(reports: readonly Partial<StartReport>[]): StartReport {
  return {
    started: reports.flatMap(({ started }) => started ?? []),
    skipped: reports.flatMap(({ skipped }) => skipped ?? []),
    broken: reports.flatMap(({ broken }) => broken ?? []),
    held: reports.flatMap(({ held }) => held ?? []),
  };
}

async function hold(options: StarterOptions, event: CodeEvent, judgement: Judgement): Promise<Partial<StartReport>> {
  await options.board.put(targetOf(event), heldNotice(event, await subjectOf(options, event, judgement)));
  return { held: [judgement.name] };
}

/** Says that the pipeline is broken, or was filtered out, where that is to be said. */
async function tell(options: StarterOptions, event: CodeEvent, judgement: Judgement): Promise<Partial<StartReport>> {
  const { verdict, name } = judgement;
  const { board } = options;
  if (verdict.type === 'broken') {
    const { reason, findings } = verdict;
    await board.put(targetOf(event), brokenNotice(event, await subjectOf(options, event, judgement), reason, findings));
    return { broken: [name] };
  }
  if (verdict.type !== 'filtered' || !isSkipTold(event, judgement)) return {};
  const notice = skippedNotice(event, await subjectOf(options, event, judgement), verdict.reason);
  return (await board.putSkip(targetOf(event), notice)) ? { skipped: [name] } : {};
}

async function subjectOf({ board }: StarterOptions, event: CodeEvent, { path, name }: Judgement): Promise<Subject> {
  const standing = await board.standing(event.repository.id, event.headSha);
  return { path, name, last: standing.findLast(({ spec }) => spec.name === checkNameOf(name))?.spec };
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
