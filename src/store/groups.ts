import type { Session } from './database.ts';
import { inScope, type Scope, scopeValue } from './scope.ts';

export interface GroupMember {
  readonly run: number;
  readonly isQueued: boolean;
}

/** Makes this transaction the only one that starts or queues runs of a group. */
export async function lockGroup(session: Session, group: string): Promise<void> {
  await session.query('group_lock', 'select pg_advisory_xact_lock(hashtextextended($1, 1))', [group]);
}

/** Runs of a group that are not over, oldest first. */
export async function activeMembers(session: Session, group: string): Promise<readonly GroupMember[]> {
  const rows = await session.query(
    'group_members',
    'select id, state = 0 from run where concurrency_group = $1 and state < 3 order by id',
    [group],
  );
  return rows.map((row) => ({ run: Number(row[0]), isQueued: row[1] === true }));
}

/** Groups in which a run waits: one whose conductor died before it could start it among them. */
export async function waitingGroups(session: Session, scope: Scope): Promise<readonly string[]> {
  const rows = await session.query(
    'groups_waiting',
    `select distinct concurrency_group from run where state < 3 and concurrency_group is not null and state = 0 and ${inScope('pool', '$1')}`,
    [scopeValue(scope)],
  );
  return rows.map((row) => String(row[0]));
}
