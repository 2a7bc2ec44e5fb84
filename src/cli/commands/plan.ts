import { formatDuration } from '../../base/duration.ts';
import type { PlanStep } from '../../pipeline/plan.ts';
import type { PlanPreview, StartRun } from '../../protocol/client.ts';
import type { DecisionView } from '../../protocol/run.ts';
import type { Command } from '../command.ts';
import type { CommandContext } from '../context.ts';
import { EXIT } from '../exit-codes.ts';
import { plural } from '../finding-text.ts';
import { formatMicroUsd, shortDigest } from '../format.ts';
import type { Paint } from '../paint.ts';
import { readRunRequest } from '../run-request.ts';
import { safeText } from '../terminal-text.ts';
import { textTable } from '../text-table.ts';

export const plan: Command = async (args, context) => {
  const request = await readRunRequest(args, context);
  const preview = await (await context.openPreview())(request);
  if (context.output.isJson) context.output.json(planDocument(request, preview));
  else showPlan(request, preview, context);
  const verdicts = [preview.run, ...preview.steps.map((step) => step.decision)].map((decision) => decision.verdict);
  return verdicts.includes('deny') ? EXIT.denied : EXIT.ok;
};

function planDocument({ plan }: StartRun, preview: PlanPreview): object {
  const { name, steps, ...rest } = plan;
  return {
    name,
    digest: preview.digest,
    steps,
    decisions: { run: preview.run, steps: preview.steps },
    estimate: preview.estimate,
    ...rest,
  };
}

function showPlan({ plan }: StartRun, preview: PlanPreview, { output, terminal }: CommandContext): void {
  const { paint } = output;
  const decisions = new Map(preview.steps.map((step) => [step.step, step.decision]));
  output.line(`${paint.bold(plan.name)}  ${plural(plan.steps.length, 'step')}  ${paint.dim(preview.digest)}`);
  output.line(`run: ${verdictText(preview.run, paint)}`);
  output.line();
  const rows = plan.steps.map((step) => planRow(step, decisions.get(step.id)));
  const header = ['STEP', 'USES', 'POLICY', 'AFTER'];
  const style = (text: string, row: number, column: number): string => styleCell(text, row, column, paint);
  for (const line of textTable([header, ...rows], terminal.size().columns, style)) output.line(line);
  for (const line of reasonLines(preview, paint)) output.line(line);
  output.line();
  output.line(estimateText(preview));
}

function planRow(step: PlanStep, decision: DecisionView | undefined): readonly string[] {
  const uses = step.uses === 'shell' ? 'run' : step.uses;
  return [step.id, uses, decision?.verdict ?? '', step.needs.join(', ')].map(safeText);
}

function styleCell(text: string, row: number, column: number, paint: Paint): string {
  if (row === 0) return paint.dim(text);
  if (column !== 2) return column === 3 ? paint.dim(text) : text;
  return paintVerdict(text, paint);
}

function paintVerdict(text: string, paint: Paint): string {
  const verdict = text.trim();
  if (verdict === 'deny') return paint.red(text);
  return verdict === 'ask' ? paint.yellow(text) : paint.green(text);
}

function verdictText(decision: DecisionView, paint: Paint): string {
  const reasons = decision.reasons.map(safeText).join('; ');
  return `${paintVerdict(decision.verdict, paint)}${reasons ? `  ${reasons}` : ''}  ${paint.dim(`policy ${shortDigest(decision.packDigest)}`)}`;
}

/** Only what somebody must read: why a step is asked about or denied. */
function reasonLines(preview: PlanPreview, paint: Paint): readonly string[] {
  const notable = preview.steps.filter(({ decision }) => decision.verdict !== 'allow');
  if (notable.length === 0) return [];
  const lines = notable.map(
    ({ step, decision }) =>
      `${paintVerdict(decision.verdict, paint)} ${safeText(step)}: ${decision.reasons.map(safeText).join('; ')}`,
  );
  return ['', ...lines];
}

function estimateText({ estimate }: PlanPreview): string {
  const duration = estimate.durationMs === null ? 'duration unknown' : `about ${formatDuration(estimate.durationMs)}`;
  return `estimate: ${plural(estimate.steps, 'step')}, ${formatMicroUsd(estimate.microUsd)}, ${duration}`;
}
