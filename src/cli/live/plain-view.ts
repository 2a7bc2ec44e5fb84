import { formatDuration } from '../../base/duration.ts';
import type { LogLine, RunEvent } from '../../protocol/event.ts';
import type { CommandContext } from '../context.ts';
import { safeText } from '../terminal-text.ts';
import type { Tone } from './glyphs.ts';
import { paintTone } from './render-run.ts';
import type { RunModel } from './run-model.ts';
import { waitText } from './step-detail.ts';
import type { RunWatcher } from './watcher.ts';

/** One line for each event and each line of a log: for pipes, CI and dumb terminals. */
export class PlainView implements RunWatcher {
  readonly #model: RunModel;
  readonly #context: CommandContext;

  constructor(model: RunModel, context: CommandContext) {
    this.#model = model;
    this.#context = context;
  }

  start(): void {
    const { id, pipeline, steps } = this.#model;
    this.#context.output.line(`run ${id}: ${pipeline}, ${steps.length} step${steps.length === 1 ? '' : 's'}`);
  }

  event(event: RunEvent): void {
    const text = eventText(event, this.#model);
    if (text === undefined) return;
    const { output } = this.#context;
    const at = formatDuration(Date.parse(event.at) - this.#model.createdMs).padStart(6);
    output.line(`${output.paint.dim(`+${at}`)}  ${paintTone(text, toneOfEvent(event), output.paint)}`);
  }

  log(line: LogLine): void {
    const { output } = this.#context;
    output.line(`${output.paint.dim(`${safeText(line.step)} |`)} ${safeText(line.text)}`);
  }

  note(text: string): void {
    this.#context.output.note(text);
  }

  end(): void {}
}

/** Undefined for facts that no reader of lines needs. */
function eventText(event: RunEvent, model: RunModel): string | undefined {
  const [noun, verb = ''] = event.type.split('.');
  // Remarks stand in the log already, where the tool wrote them.
  if (event.type === 'step.annotated') return undefined;
  if (event.type === 'receipt.signed') return 'receipt signed';
  if (noun === 'run') return withDetail(`run ${verb}`, model.reason);
  const step = safeText(event.step ?? '');
  if (event.type === 'approval.requested') return `${step} ${waitText('gate', reasonOf(event))}`;
  if (event.type === 'approval.answered') return withDetail(`${step} was answered`, answerOf(event));
  return withDetail(`${step} ${verb}`, detailOf(event, model));
}

function withDetail(text: string, detail: string): string {
  return detail === '' ? text : `${text}: ${detail}`;
}

function detailOf(event: RunEvent, model: RunModel): string {
  const { exitCode, delayMs, isCacheHit } = event.data;
  const notes: string[] = [];
  if (event.attempt !== null && event.attempt > 1) notes.push(`attempt ${event.attempt}`);
  if (isCacheHit === true) notes.push('cached');
  if (typeof exitCode === 'number' && exitCode !== 0) notes.push(`exit ${exitCode}`);
  if (reasonOf(event) !== '') notes.push(reasonOf(event));
  if (typeof delayMs === 'number') notes.push(`again in ${formatDuration(delayMs)}`);
  if (event.type === 'step.succeeded' || event.type === 'step.failed') notes.push(...tookNote(event, model));
  return notes.join(', ');
}

function tookNote(event: RunEvent, model: RunModel): readonly string[] {
  const startedMs = model.step(event.step ?? '')?.startedMs ?? null;
  return startedMs === null ? [] : [formatDuration(Date.parse(event.at) - startedMs)];
}

function reasonOf(event: RunEvent): string {
  const text = event.data.reason ?? event.data.message;
  return typeof text === 'string' ? safeText(text) : '';
}

function answerOf(event: RunEvent): string {
  const decision = typeof event.data.decision === 'string' ? safeText(event.data.decision) : '';
  return [decision, reasonOf(event)].filter((text) => text !== '').join(', ');
}

const TONES: Partial<Record<string, Tone>> = {
  succeeded: 'good',
  signed: 'good',
  failed: 'bad',
  denied: 'bad',
  rejected: 'bad',
  lost: 'bad',
  requested: 'ask',
  retried: 'ask',
  held: 'ask',
  cancelling: 'ask',
  cancelled: 'ask',
  started: 'busy',
};

function toneOfEvent(event: RunEvent): Tone {
  return TONES[event.type.split('.')[1] ?? ''] ?? 'quiet';
}
