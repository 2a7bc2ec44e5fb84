import { inBatches, ROWS_AT_ONCE } from './batches.ts';
import type { Database, SqlValue } from './database.ts';

/** Before which times things are too old to be asked for. */
interface Ages {
  /** What has ended: runs as they stand on GitHub, their reports, jobs, grants. */
  readonly endedBefore: Date;
  /** Of runs of the newest commit of a pull request, which may be open for long. */
  readonly pullHeadBefore: Date;
  /** Requests of people that nobody finished. */
  readonly requestBefore: Date;
}

/** Forgets what is over. The engine's own rows, which receipts are about, are not touched. */
export interface Pruning {
  /** Answers how many rows went. Any number of processes may do so at once. */
  prune(ages: Ages): Promise<number>;
}

export function openPruning(db: Database): Pruning {
  return {
    prune: async (ages) => {
      let total = 0;
      for (const [name, text, values] of deletionsOf(ages)) total += await inBatches(db, name, text, values);
      return total;
    },
  };
}

type Deletion = readonly [name: string, text: string, values: readonly SqlValue[]];

/** In this order: reports are for runs to keep, and pull requests for both. */
function deletionsOf({ endedBefore, pullHeadBefore, requestBefore }: Ages): readonly Deletion[] {
  const ended = endedBefore.toISOString();
  return [
    ['prune_runs', RUNS, [ended, pullHeadBefore.toISOString()]],
    ['prune_reports', REPORTS, [ended, endedBefore.getTime()]],
    ['prune_requests_of_github', PROTECTION_REQUESTS, [ended]],
    ['prune_pulls', PULLS, [ended]],
    ['prune_dispatches', DISPATCHES, [ended]],
    ['prune_grants', GRANTS, [ended]],
    ['prune_requests', REQUESTS, [requestBefore.toISOString()]],
    ['prune_sessions', SESSIONS, []],
    ['prune_allowances', ALLOWANCES, [endedBefore.getTime()]],
  ];
}

/**
 * A sweep takes the head of an open pull request for missed where it has no run, and would report its last one once more:
 * those stay longer. What is still to be written stays.
 */
const RUNS = `delete from github_run where id in (
    select g.id from github_run g where g.closed_at < $1::timestamptz
      and (g.closed_at < $2::timestamptz or g.pull_number is null or exists (
        select 1 from github_run n where n.repository_id = g.repository_id and n.pull_number = g.pull_number
          and n.id > g.id and n.head_sha <> g.head_sha))
      and not exists (
        select 1 from report r where r.repository_id = g.repository_id and r.head_sha = g.head_sha and r.is_due
          and (r.external_id = g.run_id or starts_with(r.external_id, g.run_id || '/')))
    order by g.closed_at limit ${ROWS_AT_ONCE})
  returning 1`;

/**
 * Checks of a run stay as long as the run does, the comment of a pull request as long as any run of it, and what is deployed
 * until something else is.
 */
const REPORTS = `delete from report where id in (
    select r.id from report r
    where not r.is_due and r.added_at < $1::timestamptz and coalesce(r.sent_ms, 0) < $2::bigint
      and not exists (select 1 from github_run g where g.run_id = split_part(r.external_id, '/', 1))
      and (r.kind <> 'deployment' or r.content ->> 'state' <> 'success')
      and (r.kind <> 'comment' or not exists (
        select 1 from github_run p where p.repository_id = r.repository_id and p.pull_number = r.pull_number))
    order by r.added_at limit ${ROWS_AT_ONCE})
  returning 1`;

/** A new one comes before its run's row. */
const PROTECTION_REQUESTS = `delete from protection_request where run_id in (
    select p.run_id from protection_request p
    where p.asked_at < $1::timestamptz and not exists (select 1 from github_run g where g.run_id = p.run_id) limit ${ROWS_AT_ONCE})
  returning 1`;

const PULLS = `delete from report_pull where (repository_id, pull_number) in (
    select p.repository_id, p.pull_number from report_pull p
    where p.changed = p.seen and p.added_at < $1::timestamptz
      and not exists (
        select 1 from report r where r.repository_id = p.repository_id and r.pull_number = p.pull_number)
    limit ${ROWS_AT_ONCE})
  returning 1`;

/** The ordinals of an open run are not given twice. */
const DISPATCHES = `delete from dispatch where id in (
    select d.id from dispatch d
    where d.status >= 3 and d.status_at < $1::timestamptz
      and not exists (select 1 from run r where r.key = d.run_key and r.state < 3)
    order by d.status_at limit ${ROWS_AT_ONCE})
  returning 1`;

const GRANTS = `delete from test_grant where (repository_id, pull_number, head_sha, base_ref) in (
    select repository_id, pull_number, head_sha, base_ref from test_grant where granted_at < $1::timestamptz
    limit ${ROWS_AT_ONCE})
  returning 1`;

/** By the time at which they came: a claim that was given back has none. */
const REQUESTS = `delete from command_request where key in (
    select key from command_request where done_at is null and asked_at < $1::timestamptz limit ${ROWS_AT_ONCE})
  returning 1`;

const SESSIONS = `delete from worker_session where token_hash in (
    select token_hash from worker_session where expires_at < now() limit ${ROWS_AT_ONCE})
  returning 1`;

/** A row that is missing counts as one that is full again. */
const ALLOWANCES = `delete from write_allowance where installation_id in (
    select installation_id from write_allowance
    where greatest(at_ms, closed_until_ms, resting_until_ms) < $1::bigint limit ${ROWS_AT_ONCE})
  returning 1`;
