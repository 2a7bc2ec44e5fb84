import type { CheckConclusion, CheckSpec } from '../../protocol/check.ts';
import type { GitHubRun } from '../../protocol/github-run.ts';
import type { Annotation } from '../../protocol/outcome.ts';
import { isStepFinal, type RunView, type StepView } from '../../protocol/run.ts';
import type { SortedAnnotations } from './annotations.ts';
import { BODY_BYTES_MAX, fittingBody, fittingLines, paragraphs } from './body-size.ts';
import { APPROVE, CANCEL, DENY } from './check-actions.ts';
import { plainLine, safeCode, safeText } from './safe-text.ts';

export interface StepCheckContext {
  readonly run: RunView;
  readonly place: GitHubRun;
  readonly detailsUrl: string | null;
  /** `continue-on-error`: its failure is no reason for a red mark on the commit. */
  readonly isTolerated: boolean;
}

const TITLE_CHARS_MAX = 255;
const NAME_CHARS_MAX = 200;
const LOOSE_MAX = 20;
const REASONS_MAX = 5;

const SETTLED: Readonly<Partial<Record<StepView['status'], CheckConclusion>>> = {
  succeeded: 'success',
  skipped: 'skipped',
  cancelled: 'cancelled',
  denied: 'failure',
};

/** A step that waits for people. */
export function gateCheck(step: StepView, context: StepCheckContext): CheckSpec {
  const { kind, reason, dueAt } = step.hold ?? { kind: 'gate', reason: '', dueAt: null };
  const waitsFor = kind === 'unknown-outcome' ? 'Nobody knows how it ended' : 'Waiting for approval';
  const reasons = (step.decision?.reasons ?? []).slice(0, REASONS_MAX).map((one) => `- ${safeText(one, 300)}`);
  const base = baseOf(step, context);
  return {
    ...base,
    status: 'completed',
    conclusion: 'action_required',
    title: plainLine(reason === '' ? waitsFor : `${waitsFor}: ${reason}`, TITLE_CHARS_MAX),
    summary: paragraphs(
      safeText(reason, 500),
      reasons.join('\n'),
      dueAt === null ? '' : `Without an answer until ${safeText(dueAt)} it is denied.`,
      `Answer with the buttons above, or comment \`/maestro approve\` or \`/maestro deny\` with the step’s name (${safeText(step.id, 80)}) and a reason.`,
    ),
    actions: [APPROVE, DENY, CANCEL],
    completedAt: base.startedAt,
  };
}

/** What is known of a failure beside its step. */
export interface FailureDetails {
  /** The last lines of its log, as far as they are known. */
  readonly logTail: string | undefined;
  readonly annotations: SortedAnnotations;
}

/** A step that failed: why, where, and the end of its log. */
export function failedStepCheck(
  step: StepView,
  context: StepCheckContext,
  { logTail, annotations: { shown, loose, omitted } }: FailureDetails,
): CheckSpec {
  const exit = step.exitCode === null ? '' : ` (exit code ${step.exitCode})`;
  return {
    ...baseOf(step, context),
    status: 'completed',
    conclusion: context.isTolerated ? 'neutral' : 'failure',
    title: plainLine(`${step.reason ?? 'Failed'}${exit}`, TITLE_CHARS_MAX),
    summary: failureSummary(`${safeText(step.reason ?? 'The step failed.')}${exit}`, loose, {
      omitted,
      attempts: step.attempts > 1 ? `${step.attempts} attempts were made.` : '',
      log: logTail === undefined || logTail.trim() === '' ? '' : `Last lines of the log:\n\n${safeCode(logTail)}`,
    }),
    annotations: shown,
    actions: [],
    completedAt: step.finishedAt,
  };
}

/** The log tells more than remarks without a line: those have the room that it leaves. */
function failureSummary(
  reason: string,
  loose: readonly Annotation[],
  { omitted, attempts, log }: { readonly omitted: number; readonly attempts: string; readonly log: string },
): string {
  const bytes = Buffer.byteLength(paragraphs(reason, remainder(loose.length, omitted), attempts, log)) + 2;
  const lines = fittingLines(loose.slice(0, LOOSE_MAX).map(looseLine), BODY_BYTES_MAX - bytes);
  return fittingBody(
    paragraphs(reason, lines.join('\n'), remainder(loose.length - lines.length, omitted), attempts, log),
  );
}

/** A step that has a check but neither waits nor fails any more. */
export function settledCheck(step: StepView, context: StepCheckContext): CheckSpec {
  const conclusion = SETTLED[step.status] ?? 'success';
  const word = isStepFinal(step.status)
    ? step.kind === 'gate' && step.status === 'succeeded'
      ? 'Approved'
      : step.status
    : 'Approved: goes on';
  const title = `${word.charAt(0).toUpperCase()}${word.slice(1)}${step.reason ? `: ${step.reason}` : ''}`;
  return {
    ...baseOf(step, context),
    status: 'completed',
    conclusion,
    title: plainLine(title, TITLE_CHARS_MAX),
    summary: safeText(title),
    actions: [],
    completedAt: step.finishedAt ?? step.startedAt ?? context.run.createdAt,
  };
}

function baseOf(
  step: StepView,
  { run, place, detailsUrl }: StepCheckContext,
): Pick<CheckSpec, 'externalId' | 'name' | 'text' | 'annotations' | 'detailsUrl' | 'startedAt'> {
  return {
    externalId: `${run.id}/${step.id}`,
    name: plainLine(`${place.checkName} / ${step.id}`, NAME_CHARS_MAX),
    text: null,
    annotations: [],
    detailsUrl,
    startedAt: step.startedAt ?? run.startedAt ?? run.createdAt,
  };
}

function looseLine(annotation: Annotation): string {
  const { level, path, startLine, title, message } = annotation;
  const line = startLine === undefined ? '' : `:${startLine}`;
  const parts = [
    path === undefined ? '' : `${safeText(path, 200)}${line}`,
    title ? safeText(title, 200) : '',
    safeText(message, 300),
  ];
  return `- ${level}: ${parts.filter((part) => part !== '').join(': ')}`;
}

function remainder(loose: number, omitted: number): string {
  const parts = [
    loose > 0 ? `${loose} more remarks are not on a line of a file.` : '',
    omitted > 0 ? `${omitted} more annotations are not shown.` : '',
  ];
  return parts.filter((part) => part !== '').join(' ');
}
