import type { Lease, StepId } from '../protocol/lease.ts';
import type { Session } from '../store/database.ts';
import { loadOutcomes, type StepRow } from '../store/run-rows.ts';
import type { GrantedLease } from '../store/ticks.ts';
import { type CompiledPlan, stepAt } from './compiled-plan.ts';
import { stepContexts } from './contexts.ts';
import type { RunEntries, RunEntry } from './run-entry.ts';

export function stepIdOf(run: number, idx: number): StepId {
  return `${run}.${idx}`;
}

export function parseStepId(stepId: StepId): { readonly run: number; readonly idx: number } {
  const dot = stepId.indexOf('.');
  return { run: Number(stepId.slice(0, dot)), idx: Number(stepId.slice(dot + 1)) };
}

/** Leases as workers get them. Reads the database only for steps whose templates read outputs of others, and for unknown runs. */
export async function buildLeases(
  session: Session,
  entries: RunEntries,
  granted: readonly GrantedLease[],
): Promise<readonly Lease[]> {
  if (granted.some((one) => !entries.get(one.run)))
    await entries.load(
      session,
      granted.map((one) => one.run),
    );
  const outcomes = await loadReadOutcomes(session, entries, granted);
  return granted.flatMap((one) => {
    const entry = entries.get(one.run);
    return entry ? [toLease(entry, one, outcomes)] : [];
  });
}

type Outcomes = ReadonlyMap<StepId, StepRow>;
const NONE: Outcomes = new Map();

async function loadReadOutcomes(
  session: Session,
  entries: RunEntries,
  granted: readonly GrantedLease[],
): Promise<Outcomes> {
  const wanted = granted.flatMap((one) =>
    readIndexes(entries.get(one.run)?.compiled, one.idx).map((idx) => ({ run: one.run, idx })),
  );
  if (wanted.length === 0) return NONE;
  const rows = await loadOutcomes(session, wanted);
  return new Map(rows.map((row) => [stepIdOf(row.run, row.idx), row]));
}

const NO_INDEXES: readonly number[] = [];

function readIndexes(compiled: CompiledPlan | undefined, idx: number): readonly number[] {
  const bases = compiled?.facts[idx]?.reads.steps;
  if (!compiled || !bases || bases.size === 0) return NO_INDEXES;
  const names = bases.has('*') ? [...compiled.indexesByBase.keys()] : [...bases];
  return names.flatMap((base) => compiled.indexesByBase.get(base) ?? []);
}

function toLease(entry: RunEntry, granted: GrantedLease, outcomes: Outcomes): Lease {
  const { compiled } = entry;
  const step = stepAt(compiled, granted.idx);
  return {
    stepId: stepIdOf(granted.run, granted.idx),
    runId: entry.key,
    attempt: granted.attempt,
    iteration: granted.iteration,
    fence: granted.fence,
    planDigest: compiled.digest,
    step,
    contexts: stepContexts(entry.contexts, compiled, granted.idx, (idx) => outcomes.get(stepIdOf(granted.run, idx))),
    idempotencyKey: `${entry.key}/${step.id}/${granted.iteration}`,
  };
}
