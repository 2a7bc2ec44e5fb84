import { renderTemplate } from '../pipeline/expression.ts';
import type { StartRun } from '../protocol/client.ts';
import type { Database, Session } from '../store/database.ts';
import { activeMembers, lockGroup, waitingGroups } from '../store/groups.ts';
import { claimOutbox, clearOutbox } from '../store/outbox.ts';
import { loadRuns } from '../store/run-rows.ts';
import type { Scope } from '../store/scope.ts';
import { expressionContexts } from './admission.ts';
import { compilePlan } from './compiled-plan.ts';
import { runContexts } from './contexts.ts';
import { repositoryKey } from './repository-key.ts';
import type { Settled } from './settle.ts';
import type { Settler } from './settler.ts';

const CLAIM_MS = 10_000;
const CLAIMS_MAX = 64;

/** Runs of one name exclude each other: within a repository, one pipeline, and what its `concurrency` says. */
export function groupOf({ plan, trigger }: Pick<StartRun, 'plan' | 'trigger'>): string | null {
  if (plan.concurrency === undefined) return null;
  const contexts = runContexts(compilePlan(plan), { key: '', attempt: 1, trigger });
  const group = renderTemplate(plan.concurrency.group, expressionContexts(contexts), {});
  return `${repositoryKey(trigger)} ${plan.name}/${group}`;
}

/**
 * After a run joined its concurrency group, as for Actions: at most one runs and one waits. The newest waits, the one
 * that waited before is cancelled; with cancel-in-progress the running one is cancelled as well.
 *
 * The group is judged and settled in one transaction: between two of them another conductor could start a second run,
 * or this one could cancel a run that no longer waits. Repeating it changes nothing.
 */
export async function joinGroup(
  db: Database,
  settler: Settler,
  group: string,
  run: number,
  cancelsOthers: boolean,
): Promise<void> {
  const settled = await db.transaction(async (session) => {
    await lockGroup(session, group);
    const members = await activeMembers(session, group);
    const [self] = await loadRuns(session, [run]);
    const reason = `run ${self?.key ?? ''} of group ${nameOf(group)} is newer`;
    const doomed = members.filter((member) => member.run < run && (cancelsOthers || member.isQueued));
    // The next one is locked together with the doomed ones: locks are taken in one order.
    const next = members.slice(-1);
    const ended = await settler.settleWithin(session, [
      ...doomed.map((member) => ({ run: member.run, ask: { type: 'cancel', reason } as const })),
      ...next.map((member) => ({ run: member.run, ask: { type: 'sweep' } as const })),
    ]);
    return [ended, ...(await releaseNext(session, settler, group))];
  });
  for (const one of settled) settler.announce(one);
}

/** Without whose it is: people know where they are. */
function nameOf(group: string): string {
  return group.slice(group.indexOf(' ') + 1);
}

async function startNext(db: Database, settler: Settler, group: string): Promise<void> {
  const settled = await db.transaction(async (session) => {
    await lockGroup(session, group);
    return releaseNext(session, settler, group);
  });
  for (const one of settled) settler.announce(one);
}

/** Starts the waiting run of a locked group where none of it runs. */
async function releaseNext(session: Session, settler: Settler, group: string): Promise<readonly Settled[]> {
  const members = await activeMembers(session, group);
  const next = members.at(-1);
  if (next === undefined || members.some((member) => !member.isQueued)) return [];
  return [await settler.settleWithin(session, [{ run: next.run, ask: { type: 'released' } }])];
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
