import type { Session } from './database.ts';

/** `waiting`: nothing of the run moves until a person answers, or another run of its group ends. */
export type Activity = 'moving' | 'waiting' | 'ended';

export async function readActivity(session: Session, run: number): Promise<Activity> {
  const rows = await session.query(
    'run_activity',
    `select r.state >= 3, r.state in (1, 2) and (
       exists (select 1 from step s where s.run_id = r.id and (
         s.state in (2, 3, 4) or (s.state = 0 and s.pending = 0) or (s.state = 1 and s.hold in (2, 3))))
       -- All steps are final: the tick that ended the last one has left the rest to the slow path.
       or not exists (select 1 from step s where s.run_id = r.id and s.state < 5))
     from run r where r.id = $1`,
    [run],
  );
  const [isEnded, isMoving] = rows[0] ?? [true, false];
  if (isEnded === true) return 'ended';
  return isMoving === true ? 'moving' : 'waiting';
}
