import { formatDuration } from '../../base/duration.ts';
import { isRunFinal, type RunView, type StepView } from '../../protocol/run.ts';
import type { CommandContext } from '../context.ts';
import { plural } from '../finding-text.ts';
import { shortRunId } from '../format.ts';
import type { Output } from '../output.ts';
import { safeText } from '../terminal-text.ts';
import { toneOf } from './glyphs.ts';
import { paintTone } from './render-run.ts';
import type { RunModel } from './run-model.ts';
import { waitText } from './step-detail.ts';

const FAILURES_SHOWN_MAX = 5;

/** What a reader needs when a run ends or stops to wait: how it went, what went wrong, and the command that comes next. */
export function showRunSummary(view: RunView, model: RunModel, { output, terminal }: CommandContext): void {
  const { paint } = output;
  output.line();
  // In a pipe the lines of the log stand above already.
  if (terminal.isTty) showFailures(model, output);
  const end =
    view.finishedAt && view.startedAt
      ? ` in ${formatDuration(Date.parse(view.finishedAt) - Date.parse(view.startedAt))}`
      : '';
  const what = isRunFinal(view.status) ? `${view.status}${end}` : waitingText(view);
  const tone = isRunFinal(view.status) ? toneOf(view.status) : 'ask';
  output.line(
    `${paintTone(what, tone, paint)}  ${paint.dim(`run ${view.id}`)}${view.reason ? `  ${safeText(view.reason)}` : ''}`,
  );
  if (view.receipt?.status === 'signed')
    output.line(paint.dim(`receipt signed: sha256:${view.receipt.payloadSha256 ?? ''}`));
  const next = nextCommand(view);
  if (next) output.next(next);
}

function showFailures(model: RunModel, output: Output): void {
  const failed = model.steps.filter(({ status, tail }) => status === 'failed' && tail.length > 0);
  for (const { id, tail } of failed.slice(0, FAILURES_SHOWN_MAX)) {
    output.line(output.paint.red(`${id} wrote last:`));
    for (const text of tail) output.line(`  ${output.paint.dim(text)}`);
    output.line();
  }
}

export function waitingSteps(view: RunView): readonly StepView[] {
  return view.steps.filter(
    ({ status, hold }) => status === 'held' && hold !== null && hold.kind !== 'wait' && hold.kind !== 'backoff',
  );
}

function waitingText(view: RunView): string {
  const [first, ...others] = waitingSteps(view);
  if (!first) return view.status;
  if (others.length > 0) return `${plural(others.length + 1, 'step')} wait`;
  return `${safeText(first.id)} ${waitText(first.hold?.kind ?? null, safeText(first.hold?.reason ?? ''))}`;
}

/** The next command, with the shell's quotes where a step's id needs them. */
function nextCommand(view: RunView): string | undefined {
  const id = shortRunId(view.id);
  const [waiting] = waitingSteps(view);
  if (!isRunFinal(view.status)) {
    if (!waiting) return `maestro resume ${id}`;
    return `maestro approve ${id} --gate ${quoted(waiting.id)} --reason "..."   (or deny)`;
  }
  if (view.status === 'failed') return `maestro logs ${id}, then maestro retry ${id} --failed`;
  return view.status === 'succeeded' ? `maestro receipt ${id} -o proof` : undefined;
}

function quoted(text: string): string {
  return /^[\w.-]+$/.test(text) ? text : `'${safeText(text).replaceAll("'", "'\\''")}'`;
}
