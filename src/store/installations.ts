import type { InstallationPlace, Installations, RepositoryAddress } from '../protocol/installation.ts';
import { inBatches, ROWS_AT_ONCE } from './batches.ts';
import type { Database, SqlValue } from './database.ts';
import { plainText } from './json-text.ts';

const PROBLEM_CHARS_MAX = 1000;
/** Of `$1` and `$2`. */
const THERE = 'installation_id = $1 and ($2::bigint is null or repository_id = $2)';

export function openInstallations(db: Database): Installations {
  return {
    openRuns: async (place, limit) => {
      const rows = await db.query(
        'installation_open_runs',
        `select run_id from github_run where closed_at is null and ${THERE} order by id limit $3`,
        [...valuesOf(place), limit],
      );
      return rows.map(([runId]) => String(runId));
    },
    abandon: (place, problem) => abandon(db, place, plainText(problem).slice(0, PROBLEM_CHARS_MAX)),
    suspend: async (installationId) => {
      await db.query(
        'installation_suspend',
        'insert into suspended_installation (installation_id) values ($1) on conflict do nothing',
        [installationId],
      );
    },
    resume: (place) => resume(db, place),
    suspended: async () => {
      const rows = await db.query('installations_suspended', 'select installation_id from suspended_installation', []);
      return rows.map(([id]) => Number(id));
    },
    move: (repositoryId, to) => move(db, repositoryId, to),
    renameOwner: (installationId, owner) => renameOwner(db, installationId, plainText(owner)),
    ownerOf: async (installationId) => {
      const [row] = await db.query(
        'installation_owner',
        'select owner from github_run where closed_at is null and installation_id = $1 order by id limit 1',
        [installationId],
      );
      return row && String(row[0]);
    },
    inUse: async (afterId, limit) => {
      const rows = await db.query('installations_in_use', IN_USE, [afterId, limit]);
      return rows.map(([id]) => Number(id));
    },
  };
}

const IN_USE = `select u.id from (
    select installation_id as id from github_run where closed_at is null
    union select installation_id from report where is_due
    union select installation_id from dispatch where status < 3
    union select installation_id from suspended_installation) u
  where u.id > $1 order by u.id limit $2`;

function valuesOf({ installationId, repositoryId }: InstallationPlace): readonly SqlValue[] {
  return [installationId, repositoryId];
}

async function abandon(db: Database, place: InstallationPlace, problem: string): Promise<void> {
  await inBatches(
    db,
    'abandon_runs',
    `update github_run set closed_at = now()
     where id in (select id from github_run where closed_at is null and ${THERE} limit ${ROWS_AT_ONCE}) returning 1`,
    valuesOf(place),
  );
  await inBatches(
    db,
    'abandon_reports',
    `update report set is_due = false, due_ms = 0, failures = 0, problem = $3
     where id in (select id from report where is_due and ${THERE} limit ${ROWS_AT_ONCE}) returning 1`,
    [...valuesOf(place), problem],
  );
  await inBatches(
    db,
    'abandon_pulls',
    `update report_pull set seen = changed where (repository_id, pull_number) in (
       select repository_id, pull_number from report_pull where changed <> seen and ${THERE} limit ${ROWS_AT_ONCE})
     returning 1`,
    valuesOf(place),
  );
  await inBatches(
    db,
    'abandon_dispatches',
    `update dispatch set status = 3, problem = $3, status_at = now(), is_uncertain = false
     where id in (select id from dispatch where status < 3 and ${THERE} limit ${ROWS_AT_ONCE}) returning 1`,
    [...valuesOf(place), problem],
  );
  if (place.repositoryId === null) await endSuspension(db, place.installationId);
}

async function endSuspension(db: Database, installationId: number): Promise<void> {
  await db.query('suspension_end', 'delete from suspended_installation where installation_id = $1', [installationId]);
}

async function resume(db: Database, place: InstallationPlace): Promise<void> {
  if (place.repositoryId === null) await endSuspension(db, place.installationId);
  await inBatches(
    db,
    'resume_reports',
    `update report set is_due = true, due_ms = 0, failures = 0 where id in (
       select id from report where ${THERE} and not is_due and digest is distinct from sent_digest limit ${ROWS_AT_ONCE})
     returning 1`,
    valuesOf(place),
  );
  // Those that were ended while nobody could be told: their checks would stay under way for ever.
  await inBatches(
    db,
    'resume_runs',
    `update github_run set closed_at = null where id in (
       select g.id from github_run g join report r on r.repository_id = g.repository_id and r.head_sha = g.head_sha
         and r.external_id = g.run_id
       where g.installation_id = $1 and ($2::bigint is null or g.repository_id = $2) and g.closed_at is not null
         and r.content ->> 'status' <> 'completed' limit ${ROWS_AT_ONCE})
     returning 1`,
    valuesOf(place),
  );
}

/** Also of runs that are over: who asks for one of them again asks for it under the name that it has then. */
const ADDRESSED = [
  { table: 'github_run', key: 'id', where: 'true' },
  { table: 'report', key: 'id', where: 'true' },
  { table: 'report_pull', key: 'repository_id, pull_number', where: 'true' },
  { table: 'dispatch', key: 'id', where: 'status < 3' },
] as const;

async function move(
  db: Database,
  repositoryId: number,
  { installationId, owner, repo }: RepositoryAddress,
): Promise<void> {
  for (const { table, key, where } of ADDRESSED)
    await inBatches(
      db,
      `move_${table}`,
      `update ${table} set installation_id = $2, owner = $3, repo = $4 where (${key}) in (
         select ${key} from ${table} where repository_id = $1 and ${where}
           and (installation_id, owner, repo) is distinct from ($2::bigint, $3::text, $4::text) limit ${ROWS_AT_ONCE})
       returning 1`,
      [repositoryId, installationId, plainText(owner), plainText(repo)],
    );
}

async function renameOwner(db: Database, installationId: number, owner: string): Promise<void> {
  for (const { table, key, where } of ADDRESSED)
    await inBatches(
      db,
      `rename_owner_${table}`,
      `update ${table} set owner = $2 where (${key}) in (
         select ${key} from ${table} where installation_id = $1 and ${where} and owner <> $2 limit ${ROWS_AT_ONCE})
       returning 1`,
      [installationId, owner],
    );
}
