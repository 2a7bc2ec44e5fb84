import type { Database } from '../../../src/store/database.ts';
import { openEmbedded } from '../../../src/store/embedded.ts';
import { openPostgres } from '../../../src/store/postgres.ts';
import type { Stage } from './stage.ts';

/** What is left of deliveries and of what they did. */
export interface Effects {
  readonly deliveries: number;
  readonly runs: number;
  readonly checks: number;
  readonly comments: number;
  readonly dispatches: number;
}

export interface InboxState {
  readonly waiting: number;
  readonly working: number;
  readonly done: number;
  readonly buried: number;
}

/** When a run of a push went how far, milliseconds since 1970. */
export interface RunTimes {
  readonly runId: string;
  readonly repositoryId: number;
  readonly sha: string;
  readonly startedMs: number;
  /** The job was asked for; null where it was not yet. */
  readonly askedMs: number | null;
  /** Its first step was leased; null where none was yet. */
  readonly leasedMs: number | null;
}

/** The database of the stage: the embedded one only while its server is down. */
export function openTables(stage: Stage): Promise<Database> {
  return stage.database.kind === 'postgres' ? openPostgres(stage.database.url) : openEmbedded(stage.stateFolder);
}

export async function inboxState(db: Database, name: string): Promise<InboxState> {
  const rows = await db.query(
    'bench_inbox',
    `select count(*) filter (where state = 0), count(*) filter (where state = 1), count(*) filter (where state = 2),
       count(*) filter (where state = 3) from delivery where starts_with(id, $1)`,
    [`${name}-`],
  );
  const [waiting, working, done, buried] = (rows[0] ?? []).map(Number);
  return { waiting: waiting ?? 0, working: working ?? 0, done: done ?? 0, buried: buried ?? 0 };
}

export async function effectsOf(db: Database, names: readonly string[]): Promise<Effects> {
  const counts: number[] = [];
  for (const [n, name] of names.entries()) {
    const rows = await db.query(`bench_known_${n}`, 'select count(*) from delivery where starts_with(id, $1)', [
      `${name}-`,
    ]);
    counts.push(Number(rows[0]?.[0]));
  }
  const rows = await db.query(
    'bench_effects',
    `select (select count(*) from run), (select count(*) from report where kind = 'check'),
       (select count(*) from report where kind = 'comment'), (select count(*) from dispatch)`,
    [],
  );
  const [runs, checks, comments, dispatches] = (rows[0] ?? []).map(Number);
  return {
    deliveries: counts.reduce((sum, count) => sum + count, 0),
    runs: runs ?? 0,
    checks: checks ?? 0,
    comments: comments ?? 0,
    dispatches: dispatches ?? 0,
  };
}

export async function runTimes(db: Database): Promise<readonly RunTimes[]> {
  const rows = await db.query(
    'bench_runs',
    `select g.run_id, g.repository_id, g.head_sha, extract(epoch from r.created_at) * 1000,
       (select extract(epoch from min(d.requested_at)) * 1000 from dispatch d where d.run_key = g.run_id),
       (select extract(epoch from min(s.leased_at)) * 1000 from step s where s.run_id = r.id)
     from github_run g join run r on r.key = g.run_id`,
    [],
  );
  return rows.map(([runId, repositoryId, sha, startedMs, askedMs, leasedMs]) => ({
    runId: String(runId),
    repositoryId: Number(repositoryId),
    sha: String(sha),
    startedMs: Number(startedMs),
    askedMs: askedMs === null ? null : Number(askedMs),
    leasedMs: leasedMs === null ? null : Number(leasedMs),
  }));
}
