import { MaestroError } from '../../base/errors.ts';
import type { RetryScope } from '../../protocol/client.ts';
import { isRunFinal } from '../../protocol/run.ts';
import { isDeploymentDecision } from '../protection/deployment-decision.ts';
import { safeText } from '../report/safe-text.ts';
import { type CommandContext, occasionOf, targetOf } from './command-context.ts';
import { type HeadRun, headRuns } from './head-runs.ts';
import { rerun } from './rerun.ts';

/** `/maestro retry [step]` */
export async function retryRuns(context: CommandContext, step: string | undefined): Promise<string> {
  const { tools, request, pull } = context;
  const { target } = await targetOf(context, async () => {
    const ofHead = await headRuns(tools, request.repository.id, pull);
    const runs = ofHead.filter(({ row }) => !isDeploymentDecision(row));
    const meant = step === undefined ? runs : await runsWithStep(context, runs, step);
    return { runIds: chooseRuns(runs, meant, step).map(({ view }) => view.id) };
  });
  const scope: RetryScope = step === undefined ? { type: 'failed' } : { type: 'from', step };
  const lines: string[] = [];
  for (const runId of target.runIds) {
    const row = await tools.runs.find(runId);
    if (!row) throw new MaestroError('RUN_NOT_FOUND', `run ${runId} is not known`);
    const view = await rerun(tools, row, scope, { key: `${occasionOf(context)}/${runId}`, isOpen: pull.isOpen });
    lines.push(`Run \`${view.id}\` of **${safeText(view.pipeline)}** takes up where \`${runId}\` failed.`);
  }
  return lines.join('\n');
}

function chooseRuns(runs: readonly HeadRun[], meant: readonly HeadRun[], step: string | undefined): readonly HeadRun[] {
  if (runs.length === 0) throw new MaestroError('RUN_NOT_FOUND', 'there is no run of the newest commit');
  if (meant.length === 0) throw new MaestroError('STEP_NOT_FOUND', `no run of the newest commit has a step ${step}`);
  const ended = meant.filter(({ view }) => isRunFinal(view.status));
  const chosen = step === undefined ? ended.filter(({ view }) => view.status !== 'succeeded') : ended;
  if (chosen.length > 0) return chosen;
  throw ended.length < meant.length
    ? new MaestroError('CONFLICT', 'the runs of the newest commit have not ended yet')
    : new MaestroError('CONFLICT', 'everything succeeded: name a step to run it again');
}

/** By the step's id, or the name that all combinations of a matrix share. */
async function runsWithStep(
  { tools }: CommandContext,
  runs: readonly HeadRun[],
  step: string,
): Promise<readonly HeadRun[]> {
  const plans = await Promise.all(runs.map(({ run }) => tools.engine.readPlan(run)));
  return runs.filter((_, at) => plans[at]?.steps.some(({ id, base }) => id === step || base === step));
}
