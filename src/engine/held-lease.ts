import { MaestroError } from '../base/errors.ts';
import type { HeldLease } from '../protocol/lease.ts';
import type { Database } from '../store/database.ts';
import { type FencedStep, ownsLease } from '../store/workers.ts';
import { parseStepId, stepIdOf } from './lease-builder.ts';
import type { RunEntries, RunEntry } from './run-entry.ts';

/** @throws LEASE_LOST where the worker does not hold the step under that fence */
export async function assertOwner(db: Database, worker: number, held: HeldLease): Promise<void> {
  if (!(await ownsLease(db, worker, fenced(held)))) throw leaseLost(held);
}

export async function entryOf(
  { db, entries }: { readonly db: Database; readonly entries: RunEntries },
  held: HeldLease,
): Promise<RunEntry> {
  const { run } = fenced(held);
  await entries.load(db, [run]);
  const entry = entries.get(run);
  if (!entry) throw leaseLost(held);
  return entry;
}

export function fenced(held: HeldLease): FencedStep {
  return { ...parseStepId(held.stepId), fence: held.fence };
}

export function toHeld(step: FencedStep): HeldLease {
  return { stepId: stepIdOf(step.run, step.idx), fence: step.fence };
}

export function leaseLost(held: HeldLease): MaestroError {
  return new MaestroError('LEASE_LOST', `step ${held.stepId} is no longer leased under fence ${held.fence}`);
}

/** The attempt has left behind what it may. */
export function tooMuch(what: string): MaestroError {
  return new MaestroError('REQUEST_TOO_LARGE', `expected one attempt to leave no more behind than ${what}`);
}
