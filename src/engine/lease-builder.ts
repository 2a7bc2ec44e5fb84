import type { Lease, StepId } from '../protocol/lease.ts';
import type { Session } from '../store/database.ts';
import { loadOutcomes, type StepRow } from '../store/run-rows.ts';
import type { GrantedLease } from '../store/ticks.ts';
import { readIndexes, stepAt } from './compiled-plan.ts';
import { type KnownResults, stepContexts } from './contexts.ts';
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
  const read = readByRun(entries, granted);
  const outcomes = await loadReadOutcomes(session, read);
  const results = new Map(Array.from(read.keys(), (run): [number, KnownResults] => [run, new Map()]));
  return granted.flatMap((one) => {
    const entry = entries.get(one.run);
    return entry ? [toLease(entry, one, outcomes, results.get(one.run))] : [];
  });
}

type Outcomes = ReadonlyMap<StepId, StepRow>;
const NONE: Outcomes = new Map();

/** The steps whose results are read, each once: hundreds of steps may read what one step left. Most runs have none. */
function readByRun(entries: RunEntries, granted: readonly GrantedLease[]): ReadonlyMap<number, ReadonlySet<number>> {
  const read = new Map<number, Set<number>>();
  for (const { run, idx: reader } of granted) {
    const { compiled } = entries.get(run) ?? {};
    const indexes = compiled ? readIndexes(compiled, reader) : [];
    if (indexes.length === 0) continue;
    const own = read.get(run) ?? new Set();
    for (const idx of indexes) own.add(idx);
    read.set(run, own);
  }
  return read;
}

async function loadReadOutcomes(session: Session, read: ReturnType<typeof readByRun>): Promise<Outcomes> {
  const wanted = [...read].flatMap(([run, own]) => Array.from(own, (idx) => ({ run, idx })));
  if (wanted.length === 0) return NONE;
  const rows = await loadOutcomes(session, wanted);
  return new Map(rows.map((row) => [stepIdOf(row.run, row.idx), row]));
}

function toLease(entry: RunEntry, granted: GrantedLease, outcomes: Outcomes, results: KnownResults | undefined): Lease {
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
    contexts: stepContexts(
      entry.contexts,
      compiled,
      granted.idx,
      (idx) => outcomes.get(stepIdOf(granted.run, idx)),
      results,
    ),
    idempotencyKey: `${entry.key}/${step.id}/${granted.iteration}`,
  };
}
