import { formatDuration } from '../../base/duration.ts';
import { type HoldKind, isStepFinal } from '../../protocol/run.ts';
import type { RunModel, StepRow } from './run-model.ts';

/** What is worth saying behind a step, most telling first. Empty where its sign says everything. */
export function detailOf(row: StepRow, model: RunModel, nowMs: number, dot: string): string {
  return [...repetitionNotes(row), ...statusNotes(row, model, nowMs)].join(` ${dot} `);
}

function repetitionNotes(row: StepRow): readonly string[] {
  const notes: string[] = [];
  if (row.isCompensation) notes.push('undo');
  if (row.iteration > 0) notes.push(`round ${row.iteration + 1}`);
  if (row.attempts > 1) notes.push(`attempt ${row.attempts}`);
  if (row.isCacheHit) notes.push('cached');
  return notes;
}

function statusNotes(row: StepRow, model: RunModel, nowMs: number): readonly string[] {
  if (row.status === 'held') return [holdText(row, nowMs)];
  if (row.status === 'running') return row.tail.slice(-1);
  if (row.status === 'pending') return pendingNotes(row, model);
  if (!isStepFinal(row.status) || row.status === 'succeeded') return [];
  if (row.reason !== '') return [row.reason];
  return row.exitCode === null ? [] : [`exit ${row.exitCode}`];
}

/** What a step still waits for; siblings of a matrix are counted, not listed. */
function pendingNotes(row: StepRow, model: RunModel): readonly string[] {
  const counts = new Map<string, number>();
  for (const id of row.needs) {
    const need = model.step(id);
    if (need && isStepFinal(need.status)) continue;
    const base = id.replace(/\[.*$/, '');
    counts.set(base, (counts.get(base) ?? 0) + 1);
  }
  if (counts.size === 0) return [];
  const names = [...counts].map(([base, count]) => (count > 1 ? `${base} (${count})` : base));
  return [`after ${names.join(', ')}`];
}

function holdText(row: StepRow, nowMs: number): string {
  const left = row.dueMs === null ? '' : formatDuration(row.dueMs - nowMs);
  const reason = row.reason === '' ? '' : `: ${row.reason}`;
  if (row.holdKind === 'backoff') return `again ${left ? `in ${left}` : 'soon'}${reason}`;
  if (row.holdKind === 'wait') return `waits${left ? ` ${left} more` : ''}`;
  const denied = left === '' ? '' : ` (denied in ${left})`;
  return `${waitText(row.holdKind, row.reason)}${denied}`;
}

/** `waits for approval: two release managers`; a reason that says so itself stands alone. */
export function waitText(kind: HoldKind | null, reason: string): string {
  if (reason.startsWith('waits')) return reason;
  const what = kind === null || kind === 'gate' || kind === 'ask' ? 'waits for approval' : `waits: ${kind}`;
  return reason === '' ? what : `${what}: ${reason}`;
}
