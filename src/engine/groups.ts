import type { Database } from '../store/database.ts';
import { activeMembers, lockGroup, waitingGroups } from '../store/groups.ts';
import { claimOutbox, clearOutbox } from '../store/outbox.ts';
import type { Scope } from '../store/scope.ts';
import type { Settler } from './settler.ts';

const CLAIM_MS = 10_000;
const CLAIMS_MAX = 64;

/**
 * After a run joined its concurrency group, as for Actions: at most one runs and one waits. The newest waits, the one
 * that waited before is cancelled; with cancel-in-progress the running one is cancelled as well.
 */
export async function joinGroup(
  db: Database,
  settler: Settler,
  group: string,
  run: number,
  cancelsOthers: boolean,
): Promise<void> {
  const doomed = await db.transaction(async (session) => {
    await lockGroup(session, group);
    const others = (await activeMembers(session, group)).filter((member) => member.run < run);
    return others.filter((member) => cancelsOthers || member.isQueued).map((member) => member.run);
  });
  await Promise.all(
    doomed.map((other) => settler.settle(other, { type: 'cancel', reason: `run ${run} of group ${group} is newer` })),
  );
  await startNext(db, settler, group);
}

/** Starts the waiting run of a group where none of it runs. Racing conductors agree: `released` counts once. */
async function startNext(db: Database, settler: Settler, group: string): Promise<void> {
  const next = await db.transaction(async (session) => {
    await lockGroup(session, group);
    const members = await activeMembers(session, group);
    return members.some((member) => !member.isQueued) ? undefined : members.at(-1)?.run;
  });
  if (next !== undefined) await settler.settle(next, { type: 'released' });
}

/** Groups of runs that are over, from the outbox. */
export async function advanceGroups(db: Database, settler: Settler, scope: Scope): Promise<void> {
  const runs = (await claimOutbox(db, scope, 'group', CLAIMS_MAX, CLAIM_MS)).map((item) => item.run);
  if (runs.length === 0) return;
  await advanceWaiting(db, settler, scope);
  await clearOutbox(db, 'group', runs);
}

/** Every group in which a run waits: the conductor that should have started it may have died. */
export async function advanceWaiting(db: Database, settler: Settler, scope: Scope): Promise<void> {
  for (const group of await waitingGroups(db, scope)) await startNext(db, settler, group);
}
