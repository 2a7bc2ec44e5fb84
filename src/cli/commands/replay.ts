import { formatDuration } from '../../base/duration.ts';
import { isRunFinal, type RunView } from '../../protocol/run.ts';
import type { Command } from '../command.ts';
import { compareRuns, type RunComparison } from '../compare-runs.ts';
import type { CommandContext, LocalMaestro } from '../context.ts';
import { drive, withMaestro } from '../drive-run.ts';
import { EXIT, type ExitCode, exitCodeOfRun } from '../exit-codes.ts';
import { plural } from '../finding-text.ts';
import { RunFollower } from '../follow-run.ts';
import { showRunSummary } from '../live/run-summary.ts';
import { principalOf, readSecrets } from '../run-request.ts';
import { safeText } from '../terminal-text.ts';
import { textTable } from '../text-table.ts';

export const replay: Command = async (args, context) =>
  withMaestro(context, readSecrets(args, context), async (maestro) => {
    const first = await maestro.client.readRun(args.required(0));
    const second = await startReplay(first, maestro, principalOf(args, context));
    const follower = new RunFollower(second, maestro.client, context, 0);
    const driven = await drive(follower, maestro, context, { isWaiting: false, sinceMs: 0 });
    if (!isRunFinal(driven.view.status)) {
      if (context.output.isJson) context.output.json({ run: driven.view, comparison: null });
      else showRunSummary(driven.view, follower.model, context);
      return driven.isLeft ? EXIT.interrupted : exitCodeOfRun(driven.view);
    }
    return report(driven.view, compareRuns(first, driven.view), context);
  });

/** The stored plan and the stored trigger; only who asks is new. */
async function startReplay(
  first: RunView,
  { client }: LocalMaestro,
  actor: RunView['trigger']['actor'],
): Promise<RunView> {
  const [plan, trigger] = await Promise.all([client.readPlan(first.id), client.readTrigger(first.id)]);
  return client.startRun({
    plan,
    trigger: { ...trigger, actor },
    relations: [{ type: 'replayOf', runId: first.id, payloadSha256: first.receipt?.payloadSha256 ?? null }],
  });
}

function report(view: RunView, comparison: RunComparison, { output, terminal }: CommandContext): ExitCode {
  const code = comparison.isEqual ? EXIT.ok : EXIT.failed;
  if (output.isJson) {
    output.json({ run: view, comparison });
    return code;
  }
  const { paint } = output;
  const header = ['STEP', 'FIRST', 'REPLAY', 'TOOK', 'DIFFERENCE'];
  const rows = comparison.steps.map((step) => [
    safeText(step.id),
    step.before ?? 'absent',
    step.after ?? 'absent',
    `${tookText(step.beforeMs)} -> ${tookText(step.afterMs)}${step.isCacheHit ? ' (cached)' : ''}`,
    step.differences.join(', '),
  ]);
  const style = (text: string, row: number, column: number): string =>
    row === 0 ? paint.dim(text) : column === 4 ? paint.yellow(text) : text;
  for (const line of textTable([header, ...rows], terminal.size().columns, style)) output.line(line);
  const changed = comparison.steps.filter(({ differences }) => differences.length > 0).length;
  output.line();
  output.line(
    comparison.isEqual
      ? `${paint.green('equal')}: ${plural(rows.length, 'step')} with the same statuses, outputs and artifacts  ${paint.dim(`run ${view.id}`)}`
      : `${paint.yellow('different')}: ${plural(changed, 'step')} of ${rows.length}  ${paint.dim(`run ${view.id}`)}`,
  );
  return code;
}

function tookText(ms: number | null): string {
  return ms === null ? '-' : formatDuration(ms);
}
