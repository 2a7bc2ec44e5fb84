import { formatDuration } from '../../src/base/duration.ts';
import type { Completion, CompletionAnswer, Lease, LogChunk } from '../../src/protocol/lease.ts';
import type { Outcome } from '../../src/protocol/outcome.ts';
import { AnnotationWriter, foreignGroup, tableCell, type WriteLine } from '../job-log.ts';
import type { LeaseWatcher } from './watched-client.ts';

/** Characters of one step's log in the job's log; the conductor has the whole. */
const LOG_CHARS_MAX = 262_144;
const ROWS_MAX = 200;

interface OpenStep {
  readonly title: string;
  readonly startedAt: number;
  text: string;
  isCut: boolean;
}

interface StepRow {
  readonly title: string;
  readonly outcome: Outcome;
  readonly isLost: boolean;
  readonly durationMs: number;
}

/** Tells the job's own log what its worker does: a folded group per attempt, annotations, and a table at the end. */
export class StepReporter implements LeaseWatcher {
  readonly #write: WriteLine;
  readonly #now: () => number;
  readonly #annotations: AnnotationWriter;
  readonly #open = new Map<string, OpenStep>();
  readonly #rows: StepRow[] = [];

  constructor(write: WriteLine, now: () => number) {
    this.#write = write;
    this.#now = now;
    this.#annotations = new AnnotationWriter(write);
  }

  get attemptCount(): number {
    return this.#rows.length;
  }

  onLease({ stepId, fence, step, attempt }: Lease): void {
    const title = attempt > 1 ? `${step.id} (attempt ${attempt})` : step.id;
    this.#open.set(`${stepId}/${fence}`, { title, startedAt: this.#now(), text: '', isCut: false });
    this.#write(`started ${title}`);
  }

  onLog(chunks: readonly LogChunk[]): void {
    for (const { stepId, fence, text } of chunks) {
      const open = this.#open.get(`${stepId}/${fence}`);
      if (!open || open.isCut) continue;
      const room = LOG_CHARS_MAX - open.text.length;
      open.text += text.slice(0, room);
      open.isCut = text.length > room;
    }
  }

  onComplete(completions: readonly Completion[], answers: readonly CompletionAnswer[]): void {
    completions.forEach(({ stepId, fence, outcome }, i) => {
      const key = `${stepId}/${fence}`;
      const open = this.#open.get(key);
      if (!open) return;
      this.#open.delete(key);
      const row = {
        title: open.title,
        outcome,
        isLost: answers[i] === 'lost',
        durationMs: this.#now() - open.startedAt,
      };
      this.#rows.push(row);
      this.#tell(open, row);
    });
  }

  /** Markdown for the job's summary. */
  summary(): string {
    this.#annotations.end();
    if (this.#rows.length === 0) return 'Maestro: no step was left for this job.';
    const rows = this.#rows
      .slice(0, ROWS_MAX)
      .map(
        (row) =>
          `| ${tableCell(row.title)} | ${endOf(row)} | ${formatDuration(row.durationMs)} | ${tableCell(row.outcome.message ?? '')} |`,
      );
    const more = this.#rows.length > ROWS_MAX ? [`\n${this.#rows.length - ROWS_MAX} more`] : [];
    return ['| step | ended | after | |', '|---|---|---|---|', ...rows, ...more].join('\n');
  }

  #tell(open: OpenStep, row: StepRow): void {
    const cut = open.isCut ? '\n… the rest is in the log that the conductor keeps' : '';
    const title = `${open.title}: ${endOf(row)} after ${formatDuration(row.durationMs)}`;
    for (const line of foreignGroup(title, open.text + cut)) this.#write(line);
    for (const annotation of row.outcome.annotations ?? []) this.#annotations.add(annotation);
    const isAnnotated = row.outcome.annotations?.some(({ level }) => level === 'failure') === true;
    if (row.outcome.kind === 'failed' && !isAnnotated)
      this.#annotations.add({ level: 'failure', title: open.title, message: row.outcome.message ?? 'the step failed' });
  }
}

function endOf({ outcome, isLost }: StepRow): string {
  if (isLost) return 'lost to another worker';
  return outcome.isCacheHit ? `${outcome.kind} (cached)` : outcome.kind;
}
