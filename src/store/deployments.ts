import type { Digest } from '../base/digest.ts';
import { intArray, textArray } from './array-literal.ts';
import type { Session } from './database.ts';

export interface NewDeployment {
  readonly namespace: number;
  readonly environment: string;
  readonly run: number;
  readonly artifacts: readonly Digest[];
  readonly commit: string | null;
  /** Of what brought it there. */
  readonly planDigest: Digest;
  /** Identity of the receipt that says so. */
  readonly payloadSha256: string;
  readonly finishedAt: Date;
}

/** In the transaction that stores the receipts. */
export async function addDeployments(session: Session, added: readonly NewDeployment[]): Promise<void> {
  if (added.length === 0) return;
  await session.query(
    'deployments_add',
    `insert into deployment (namespace_id, environment, run_id, artifacts, commit, plan_digest, payload_sha256, finished_at)
     select n, e, r, a::text[], c, d, p, f::timestamptz
     from unnest($1::int[], $2::text[], $3::bigint[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[])
       as t (n, e, r, a, c, d, p, f)
     on conflict do nothing`,
    [
      intArray(added.map((one) => one.namespace)),
      textArray(added.map((one) => one.environment)),
      intArray(added.map((one) => one.run)),
      textArray(added.map((one) => textArray(one.artifacts))),
      textArray(added.map((one) => one.commit)),
      textArray(added.map((one) => one.planDigest)),
      textArray(added.map((one) => one.payloadSha256)),
      textArray(added.map((one) => one.finishedAt.toISOString())),
    ],
  );
}

export interface KnownDeployment {
  readonly environment: string;
  readonly finishedAt: Date;
  /** When something else was deployed there; null while it is what runs there. */
  readonly replacedAt: Date | null;
  /** Neither more nor less than this. A commit is that where it was deployed as such, without artifacts. */
  readonly isExact: boolean;
  /** The same plan brought it there. */
  readonly isSamePlan: boolean;
}

const FOUND_MAX = 100;

/**
 * Deployments of a namespace that hold all of these artifacts, or, where there are none, the commit; the newest first. What a
 * fork's run brought somewhere replaces what was there, and vouches for nothing.
 * @param environments where to look
 */
export async function findDeployments(
  session: Session,
  namespace: number,
  environments: readonly string[],
  what: { readonly artifacts: readonly Digest[]; readonly commit: string | null; readonly planDigest: Digest },
): Promise<readonly KnownDeployment[]> {
  const { artifacts, commit, planDigest } = what;
  if (environments.length === 0 || (artifacts.length === 0 && commit === null)) return [];
  const rows = await session.query(
    'deployments_find',
    `select d.environment, d.finished_at, (
       select min(o.finished_at) from deployment o
       where o.namespace_id = d.namespace_id and o.environment = d.environment and o.finished_at > d.finished_at
         and not (case when cardinality($3::text[]) > 0 then o.artifacts @> $3::text[] else o.commit = $4 end)),
       d.artifacts <@ $3::text[], d.plan_digest = $5
     from deployment d
     where d.namespace_id = $1 and d.environment = any ($2::text[])
       and case when cardinality($3::text[]) > 0 then d.artifacts @> $3::text[] else d.commit = $4 end
       and not exists (select 1 from run r where r.id = d.run_id and r.trigger ->> 'isFork' = 'true')
     order by d.finished_at desc limit ${FOUND_MAX}`,
    [namespace, textArray(environments), textArray(artifacts), commit, planDigest],
  );
  return rows.map((row) => ({
    environment: String(row[0]),
    finishedAt: row[1] as Date,
    replacedAt: (row[2] ?? null) as Date | null,
    isExact: row[3] === true,
    isSamePlan: row[4] === true,
  }));
}
