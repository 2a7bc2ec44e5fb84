import type { Digest } from '../base/digest.ts';
import { MaestroError } from '../base/errors.ts';
import type { Plan } from '../pipeline/plan.ts';
import { intArray, textArray } from './array-literal.ts';
import type { Session } from './database.ts';

/** What the store keeps of a plan beside its text: the shape that new steps are copied from. */
export interface PlanShape {
  readonly pendings: readonly number[];
  readonly successors: readonly (readonly number[])[];
  readonly runners: readonly string[];
}

export interface StoredPlan {
  readonly id: number;
  readonly digest: Digest;
  readonly plan: Plan;
}

/** Stores a plan once; answers its number. */
export async function savePlan(session: Session, digest: Digest, body: string, shape: PlanShape): Promise<number> {
  const known = await session.query('plan_id', 'select id from plan where digest = $1', [digest]);
  if (known[0]) return Number(known[0][0]);
  const classes = classesOf(shape.runners);
  const inserted = await session.query(
    'plan_insert',
    `insert into plan (digest, body, sinks, classes, pendings, succs, runners)
     values ($1, $2, $3, $4::text[], $5::int[], $6::text[], $7::smallint[]) on conflict (digest) do nothing returning id`,
    [
      digest,
      body,
      shape.successors.filter((next) => next.length === 0).length,
      textArray(classes),
      intArray(shape.pendings),
      textArray(shape.successors.map(intArray)),
      intArray(shape.runners.map((name) => classes.indexOf(name) + 1)),
    ],
  );
  return inserted[0] ? Number(inserted[0][0]) : savePlan(session, digest, body, shape);
}

/** @throws PLAN_NOT_FOUND */
export async function loadPlan(session: Session, planId: number): Promise<StoredPlan> {
  const rows = await session.query('plan_load', 'select digest, body from plan where id = $1', [planId]);
  const row = rows[0];
  if (!row) throw new MaestroError('PLAN_NOT_FOUND', `expected plan ${planId} in the database, found none`);
  return { id: planId, digest: row[0] as Digest, plan: JSON.parse(String(row[1])) as Plan };
}

/** Each runner class once, in the order of the steps. */
export function classesOf(runners: readonly string[]): readonly string[] {
  return [...new Set(runners)];
}
