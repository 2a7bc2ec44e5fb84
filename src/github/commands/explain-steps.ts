import type { ExplainView, PackView } from '../../protocol/explain.ts';
import type { StepView } from '../../protocol/run.ts';
import { safeCell, safeText } from '../report/safe-text.ts';
import { answerTable } from './answer-table.ts';
import type { CommandContext } from './command-context.ts';
import { type HeadRun, headRuns } from './head-runs.ts';
import { isStep, noStep } from './named-step.ts';

const STEPS_MAX = 20;
const REASONS_MAX = 5;
const REASON_CHARS_MAX = 500;
/** Questions whose packs are shown, each with a table of its own. */
const QUESTIONS_MAX = 5;

/** `/maestro explain [step]`: what came of it and why, then what each pack of policy says to it. */
export async function explainSteps(
  { tools, request, pull }: CommandContext,
  step: string | undefined,
): Promise<string> {
  const runs = await headRuns(tools, request.repository.id, pull);
  const found = runs.flatMap((run) =>
    run.view.steps
      .filter((one) => (step === undefined ? one.status !== 'succeeded' : isStep(one.id, step)))
      .map((one) => ({ run, step: one })),
  );
  if (found.length === 0 && step !== undefined) throw noStep(step);
  const runLines = step === undefined ? runs.flatMap(({ view }) => runLine(view) ?? []) : [];
  if (found.length === 0 && runLines.length === 0) return 'Everything succeeded, and policy allowed all of it.';
  const asked = await questionsOf(tools.engine, runs, step);
  return [runLines.join('\n'), stepTable(found), ...asked].filter((part) => part !== '').join('\n\n');
}

function runLine(view: HeadRun['view']): string | undefined {
  if (view.reason === null && view.decision?.verdict === 'allow') return undefined;
  return `- run \`${view.id}\` of **${safeText(view.pipeline)}** is ${view.status}: ${safeText(runReason(view))}`;
}

function runReason(view: HeadRun['view']): string {
  return (
    [view.reason, ...(view.decision?.reasons ?? [])].filter((one) => one !== null).join('; ') ||
    'policy was not asked yet'
  );
}

function stepTable(found: readonly { readonly run: HeadRun; readonly step: StepView }[]): string {
  if (found.length === 0) return '';
  const rows = found
    .slice(0, STEPS_MAX)
    .map(({ run, step }) => [
      safeCell(`${run.view.pipeline}/${step.id}`),
      step.status,
      safeCell(whyOf(step), 400),
      decisionOf(step),
    ]);
  const more = found.length > STEPS_MAX ? `\n\n${found.length - STEPS_MAX} more are not shown.` : '';
  return `${answerTable(['step', 'status', 'why', 'policy'], rows)}${more}`;
}

function whyOf(step: StepView): string {
  if (step.hold) return `waits (${step.hold.kind}): ${step.hold.reason}`;
  if (step.reason !== null) return step.reason;
  return step.status === 'pending' ? `waits for ${step.needs.join(', ')}` : '';
}

function decisionOf({ decision }: StepView): string {
  if (decision === null) return '';
  return safeCell([decision.verdict, ...decision.reasons.slice(0, REASONS_MAX)].join('; '), 400);
}

interface Place {
  readonly run: HeadRun;
  readonly name: string | undefined;
}

/** Of the step that is meant, or what policy did not simply allow. */
async function questionsOf(
  engine: CommandContext['tools']['engine'],
  runs: readonly HeadRun[],
  step: string | undefined,
): Promise<readonly string[]> {
  const places = runs.flatMap((run): readonly Place[] => {
    if (step === undefined) return isQuestioned(run.view) ? [{ run, name: undefined }] : [];
    return run.view.steps.filter(({ id }) => isStep(id, step)).map(({ id }) => ({ run, name: id }));
  });
  const texts: string[] = [];
  for (const { run, name } of places.slice(0, QUESTIONS_MAX)) {
    const { asked } = await engine.explain(run.run, name);
    const told = asked.filter(({ decision }) => step !== undefined || decision.verdict !== 'allow');
    texts.push(...told.map((one) => questionText(run.view.pipeline, one)));
  }
  return texts.slice(0, QUESTIONS_MAX);
}

function isQuestioned({ decision, steps }: HeadRun['view']): boolean {
  return [decision, ...steps.map((one) => one.decision)].some((one) => one !== null && one.verdict !== 'allow');
}

function questionText(pipeline: string, { step, phase, decision, packs, packDigest }: ExplainView): string {
  const what = step === null ? `run of ${pipeline}` : `${pipeline}/${step}`;
  const since =
    packDigest === decision.packDigest ? '' : ' Rules or data have changed since: this is what they say now.';
  const telling = packs.filter((pack) => pack.verdict !== 'allow' || pack.obligations.length > 0);
  const silent = packs.filter((pack) => !telling.includes(pack)).map(({ pack }) => pack);
  const rows = [...telling.map(packRow), ...(silent.length === 0 ? [] : [[silent.join(', '), 'allow', '']])];
  const head = `**${safeText(what)}**, asked as ${phase}: ${decision.verdict}.${since}`;
  return `${head}\n\n${answerTable(['pack', 'verdict', 'why, and what would change it'], rows)}`;
}

function packRow({ pack, verdict, reasons, obligations }: PackView): readonly string[] {
  const duties = obligations.map(({ type, value }) => `wants ${type}: ${value}`);
  const words = [...reasons.slice(0, REASONS_MAX), ...duties];
  const more = reasons.length > REASONS_MAX ? [`and ${reasons.length - REASONS_MAX} more reasons`] : [];
  return [safeCell(pack), verdict, safeCell([...words, ...more].join('; '), REASONS_MAX * REASON_CHARS_MAX)];
}
