import type { Digest } from '../base/digest.ts';
import type { JsonObject } from '../base/json.ts';
import type { Namespace, PolicySource } from '../protocol/namespace.ts';
import { intArray } from './array-literal.ts';
import type { Row, Session } from './database.ts';
import { jsonText, plainText } from './json-text.ts';

export interface NamespaceRow extends Namespace {
  readonly id: number;
  /** What its policy file changes; null where it has none. */
  readonly patch: JsonObject | null;
  /** Grows whenever the patch changes. */
  readonly version: number;
  /** Why the newest policy file is not in force. */
  readonly problem: string | null;
}

const COLUMNS = 'id, tenant, name, patch, version, problem';

/** The row of a namespace, made where there is none. */
export async function namespaceOf(session: Session, { tenant, name }: Namespace): Promise<NamespaceRow> {
  const known = await find(session, tenant, name);
  if (known) return known;
  await session.query(
    'namespace_add',
    'insert into namespace (tenant, name) values ($1, $2) on conflict (tenant, name) do nothing',
    [plainText(tenant), plainText(name)],
  );
  const made = await find(session, tenant, name);
  if (!made) throw new RangeError(`namespace ${tenant} ${name} was neither made nor found`);
  return made;
}

async function find(session: Session, tenant: string, name: string): Promise<NamespaceRow | undefined> {
  const rows = await session.query(
    'namespace_find',
    `select ${COLUMNS} from namespace where tenant = $1 and name = $2`,
    [plainText(tenant), plainText(name)],
  );
  return rows[0] && toRow(rows[0]);
}

/** Which version of each is in force, and why a newer one is not. */
export async function namespaceVersions(
  session: Session,
  ids: readonly number[],
): Promise<ReadonlyMap<number, { readonly version: number; readonly problem: string | null }>> {
  const rows = await session.query(
    'namespace_versions',
    'select id, version, problem from namespace where id = any ($1::int[])',
    [intArray(ids)],
  );
  return new Map(
    rows.map((row) => [Number(row[0]), { version: Number(row[1]), problem: (row[2] ?? null) as string | null }]),
  );
}

export async function loadNamespace(session: Session, id: number): Promise<NamespaceRow> {
  const rows = await session.query('namespace_load', `select ${COLUMNS} from namespace where id = $1`, [id]);
  if (!rows[0]) throw new RangeError(`there is no namespace ${id}`);
  return toRow(rows[0]);
}

/**
 * Puts a patch in force: packs of the one before are not any more, so whatever was decided under them is asked again. An
 * equal patch changes nothing. Within a transaction.
 */
export async function setPatch(
  session: Session,
  id: number,
  {
    patch,
    digest,
    source,
  }: { readonly patch: JsonObject | null; readonly digest: Digest; readonly source: PolicySource },
): Promise<void> {
  const changed = await session.query(
    'namespace_patch',
    `update namespace set version = version + (patch_digest is distinct from $3)::int, patch = $2::jsonb, patch_digest = $3,
       problem = null, source = $4::jsonb, changed_at = now()
     where id = $1 and (patch_digest is distinct from $3 or problem is not null) returning version`,
    [id, patch === null ? null : jsonText(patch), digest, jsonText({ ...source })],
  );
  if (!changed[0]) return;
  await session.query('packs_retire', 'update pack set in_force = false where namespace_id = $1 and version <> $2', [
    id,
    Number(changed[0][0]),
  ]);
}

/** What was decided stays decided, but nothing new may begin. */
export async function setProblem(session: Session, id: number, problem: string, source: PolicySource): Promise<void> {
  await session.query(
    'namespace_problem',
    `update namespace set problem = $2, source = $3::jsonb, changed_at = now()
     where id = $1 and problem is distinct from $2`,
    [id, plainText(problem), jsonText({ ...source })],
  );
}

function toRow(row: Row): NamespaceRow {
  return {
    id: Number(row[0]),
    tenant: String(row[1]),
    name: String(row[2]),
    patch: (row[3] ?? null) as JsonObject | null,
    version: Number(row[4]),
    problem: (row[5] ?? null) as string | null,
  };
}
