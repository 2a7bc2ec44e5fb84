import type { Clock } from '../base/clock.ts';
import { isoTime } from '../base/clock.ts';
import { MaestroError } from '../base/errors.ts';
import {
  type Dispatch,
  type Dispatches,
  type DispatchRequest,
  type DispatchStatus,
  type DueDispatch,
  EVERY_CLASS,
  type RegisteringJob,
  type WorkflowRunNews,
} from '../protocol/dispatch.ts';
import type { JobQuotas, QuotaFull } from '../protocol/quota.ts';
import { intArray } from './array-literal.ts';
import type { Database, Row, Session } from './database.ts';
import { noteWaits, problemOf } from './job-problems.ts';
import { fullQuota, jobUse } from './job-quotas.ts';
import { plainText } from './json-text.ts';

/** Number = index: stored, and compared, so that news which arrives late never takes a job back. */
const STATUSES = ['requested', 'queued', 'running', 'ended', 'lost'] as const satisfies readonly DispatchStatus[];
const PROBLEM_CHARS_MAX = 1000;
/** A running job is looked at this often, in case its end was never delivered. */
const RUNNING_LOOK_MS = 300_000;

const COLUMNS = `d.id, d.run_key, d.class, d.ordinal, d.labels, d.installation_id, d.repository_id, d.owner, d.repo, d.ref,
  d.status, d.workflow_run_id, d.run_attempt, d.problem, d.requested_at`;

/**
 * @param clock of the process: its times are written, so that several processes agree as far as their clocks do
 * @param holder the process, where its claims end with it (see `claimants.ts`)
 */
export function openDispatches(db: Database, clock: Clock, holder: string | null = null): Dispatches {
  const now = (): string => isoTime(clock.now());
  const after = (ms: number): string => isoTime(clock.now() + ms);
  return {
    find: (dispatchId) => findDispatch(db, dispatchId),
    request: (request, quotas) => db.transaction((session) => insertRequest(session, request, quotas, now())),
    noteWaits: (waits) => noteWaits(db, waits),
    adopt: (request, job) => adoptJob(db, request, job, now(), after(RUNNING_LOOK_MS)),
    claimDue: (limit, holdMs, except = []) => claimDue(db, { limit, except }, now(), after(holdMs), holder),
    calling: async (dispatchId, fence, holdMs) => {
      const rows = await db.query(
        'dispatch_calling',
        // It may have waited for its turn through most of its claim: the hold begins anew.
        `update dispatch set is_uncertain = true, called_at = $3, due_at = $4::timestamptz, held_until = $4::timestamptz
         where id = $1 and status = 0 and fence = $2 returning 1`,
        [dispatchId, fence, now(), after(holdMs)],
      );
      return rows.length > 0;
    },
    accepted: async (dispatchId, workflowRunId, lookAfterMs) => {
      const rows = await db.query(
        'dispatch_accepted',
        // News of the job may have come first: only the id is missing then. Where the run is over, it is cleared away as planned.
        `update dispatch set workflow_run_id = coalesce(workflow_run_id, $2), is_uncertain = false, refusals = 0,
           status_at = case when status = 0 then $3::timestamptz else status_at end,
           problem = case when status = 0 then null else problem end,
           due_at = case when status = 0 and over_at is null then $4::timestamptz else due_at end,
           status = greatest(status, 1) where id = $1 and status < 3 returning 1`,
        [dispatchId, workflowRunId, now(), after(lookAfterMs)],
      );
      return rows.length > 0;
    },
    matched: async (dispatchId, repositoryId, workflowRunId) => {
      const rows = await db.query(
        'dispatch_matched',
        `update dispatch set workflow_run_id = $3, is_uncertain = false, refusals = 0, status = greatest(status, 1),
           status_at = case when status = 0 then $4::timestamptz else status_at end
         where id = $1 and repository_id = $2 and workflow_run_id is null and status < 3 returning 1`,
        [dispatchId, repositoryId, workflowRunId, now()],
      );
      return rows.length > 0;
    },
    refused: async (dispatchId, problem, retryAfterMs) => {
      await db.query(
        'dispatch_refused',
        `update dispatch set problem = $2, refusals = refusals + 1, is_uncertain = false, due_at = $3
         where id = $1 and status = 0`,
        [dispatchId, problemText(problem), after(retryAfterMs)],
      );
    },
    later: async (dispatchId, lookAfterMs, change) => {
      await db.query(
        'dispatch_later',
        `update dispatch set due_at = $2, problem = coalesce($3, problem), is_uncertain = is_uncertain and not $4
         where id = $1 and status < 3`,
        [dispatchId, after(lookAfterMs), problemText(change?.problem ?? null), change?.isCertain === true],
      );
    },
    end: async (dispatchId, status, problem) => {
      await db.query(
        'dispatch_end',
        'update dispatch set status = $2, problem = $3, status_at = $4, is_uncertain = false where id = $1 and status < 3',
        [dispatchId, STATUSES.indexOf(status), problemText(problem), now()],
      );
    },
    observe: (news) => observe(db, news, now(), after(RUNNING_LOOK_MS)),
    register: (dispatchId, job) => register(db, dispatchId, job, now(), after(RUNNING_LOOK_MS)),
    problemOf: (runId) => problemOf(db, runId),
  };
}

async function findDispatch(session: Session, dispatchId: string): Promise<Dispatch | undefined> {
  const rows = await session.query('dispatch_find', `select ${COLUMNS} from dispatch d where d.id = $1`, [
    plainText(dispatchId),
  ]);
  return rows[0] && toDispatch(rows[0]);
}

async function insertRequest(
  session: Session,
  request: DispatchRequest,
  quotas: JobQuotas,
  now: string,
): Promise<'written' | 'taken' | QuotaFull> {
  const use = await jobUse(session, request);
  if (use.isTaken) return 'taken';
  const full = fullQuota(use, quotas);
  if (full) return full;
  const rows = await session.query(
    'dispatch_request',
    `insert into dispatch (id, run_key, class, ordinal, labels, installation_id, repository_id, owner, repo, ref,
       status_at, requested_at, due_at)
     values ($1, $2, $3, $4, $5::jsonb, $6, $7, $8, $9, $10, $11, $11, $11) on conflict do nothing returning 1`,
    [...requestValues(request), now],
  );
  return rows.length > 0 ? 'written' : 'taken';
}

async function adoptJob(
  db: Database,
  request: Omit<DispatchRequest, 'class' | 'ordinal' | 'labels'>,
  job: RegisteringJob,
  now: string,
  dueAt: string,
): Promise<Dispatch> {
  const rows = await db.query(
    'dispatch_adopt',
    // The run is there before its job is: the dispatcher may have come in between.
    `with needless as (update dispatch set status = 3, problem = null where run_key = $2 and status = 0)
     insert into dispatch as d (id, run_key, class, ordinal, labels, installation_id, repository_id, owner, repo, ref,
       status, status_at, requested_at, due_at, workflow_run_id, run_attempt, key_digest)
     values ($1, $2, $3, $4, $5::jsonb, $6, $7, $8, $9, $10, 2, $11, $11, $12, $13, $14, $15)
     on conflict (run_key, class, ordinal) do update set due_at = excluded.due_at
       where d.workflow_run_id = excluded.workflow_run_id and d.key_digest = excluded.key_digest returning ${COLUMNS}`,
    [
      ...requestValues({ ...request, class: EVERY_CLASS, ordinal: job.runAttempt, labels: [] }),
      now,
      dueAt,
      job.workflowRunId,
      job.runAttempt,
      job.keyDigest,
    ],
  );
  if (!rows[0])
    throw new MaestroError(
      'CONFLICT',
      `run ${request.runId} is served by another job of this attempt of the workflow, which started the same pipeline with the same parameters: start it in one job, or give each a parameter of its own`,
    );
  return toDispatch(rows[0]);
}

function requestValues(request: DispatchRequest): readonly (string | number)[] {
  return [
    request.dispatchId,
    request.runId,
    request.class,
    request.ordinal,
    JSON.stringify(request.labels),
    request.installationId,
    request.repositoryId,
    request.owner,
    request.repo,
    request.ref,
  ];
}

async function claimDue(
  db: Database,
  { limit, except }: { readonly limit: number; readonly except: readonly number[] },
  now: string,
  heldUntil: string,
  holder: string | null,
): Promise<readonly DueDispatch[]> {
  const rows = await db.query(
    'dispatch_claim',
    // `state >= 3`: the run is over. Whoever claims it the first time after that notes when.
    `with due as (
       select d.id, r.state >= 3 as is_over from dispatch d join run r on r.key = d.run_key
       where d.status < 3 and (d.due_at <= $1::timestamptz or (r.state >= 3 and d.over_at is null))
         and d.installation_id <> all ($5::bigint[])
       order by d.due_at limit $2 for update of d skip locked)
     update dispatch d set due_at = $3::timestamptz, held_until = $3::timestamptz, holder = $4, fence = d.fence + 1,
       over_at = case when due.is_over then coalesce(d.over_at, $1::timestamptz) end
     from due where d.id = due.id
     returning ${COLUMNS}, d.is_uncertain, d.refusals,
       (extract(epoch from $1::timestamptz - d.status_at) * 1000)::float8,
       (extract(epoch from $1::timestamptz - d.over_at) * 1000)::float8, d.fence,
       (extract(epoch from $1::timestamptz - d.called_at) * 1000)::float8`,
    [now, limit, heldUntil, holder, intArray(except)],
  );
  return rows.map((row) => ({
    ...toDispatch(row),
    fence: Number(row[19]),
    isUncertain: row[15] === true,
    refusals: Number(row[16]),
    statusAgeMs: Number(row[17]),
    overForMs: row[18] === null ? null : Number(row[18]),
    calledAgoMs: row[20] === null ? null : Number(row[20]),
  }));
}

async function observe(
  db: Database,
  news: WorkflowRunNews,
  now: string,
  lookAt: string,
): Promise<Dispatch | undefined> {
  const status = statusOf(news);
  const problem =
    status === 'lost'
      ? `the job ended with ${news.conclusion ?? 'no conclusion'} (workflow run ${news.workflowRunId})`
      : null;
  const rows = await db.query(
    'dispatch_observe',
    // A job that succeeded without a worker having registered did nothing for us: it is lost as well.
    `with news as (select case when $4 = 3 and run_attempt = 0 then 4 else $4 end as status, id from dispatch
       where workflow_run_id = $1 and repository_id = $2 and status < 3 and run_attempt <= $3 and status < $4
         and ($8 or class <> '*'))
     update dispatch d set status = news.status, status_at = $5::timestamptz, due_at = $6::timestamptz, is_uncertain = false,
       problem = case when news.status = 4 then coalesce($7, 'the job ended before its worker reported') end
     from news where d.id = news.id and d.status < news.status returning ${COLUMNS}`,
    [
      news.workflowRunId,
      news.repositoryId,
      news.runAttempt,
      STATUSES.indexOf(status),
      now,
      lookAt,
      problem,
      news.isWholeRun,
    ],
  );
  return rows[0] && toDispatch(rows[0]);
}

function statusOf(news: WorkflowRunNews): DispatchStatus {
  if (news.status !== 'completed') return news.status;
  return news.conclusion === 'success' ? 'ended' : 'lost';
}

async function register(
  db: Database,
  dispatchId: string,
  job: RegisteringJob,
  now: string,
  lookAt: string,
): Promise<Dispatch> {
  const rows = await db.query(
    'dispatch_register',
    // Also one that was given up: somebody pressed "Re-run" on GitHub, and this attempt is a new job.
    `update dispatch d set status = 2, status_at = $5::timestamptz, due_at = $6::timestamptz, run_attempt = $4, workflow_run_id = $3,
       key_digest = $7, is_uncertain = false, refusals = 0, problem = null
     where d.id = $1 and d.repository_id = $2 and coalesce(d.workflow_run_id, $3) = $3
       and (d.run_attempt < $4 or (d.run_attempt = $4 and d.status = 2 and d.key_digest = $7))
       -- One workflow run is one dispatch: the identity of a job that serves a run must not open another, whose own is not known yet.
       and not exists (select 1 from dispatch o where o.workflow_run_id = $3 and o.repository_id = $2 and o.id <> d.id)
       and exists (select 1 from run r where r.key = d.run_key and r.state < 3) returning ${COLUMNS}`,
    [plainText(dispatchId), job.repositoryId, job.workflowRunId, job.runAttempt, now, lookAt, job.keyDigest],
  );
  if (rows[0]) return toDispatch(rows[0]);
  const found = await findDispatch(db, dispatchId);
  if (!found) throw conflict(dispatchId, 'there is no such dispatch');
  const reason = whyNot(found, job);
  if (reason !== undefined) throw conflict(dispatchId, reason);
  throw (await isRunOver(db, found.runId))
    ? new MaestroError('RUN_FINISHED', `run ${found.runId} is over: its job ${dispatchId} came too late`)
    : conflict(dispatchId, `workflow run ${job.workflowRunId} serves another one`);
}

async function isRunOver(db: Database, runId: string): Promise<boolean> {
  const rows = await db.query('dispatch_run_over', 'select state >= 3 from run where key = $1', [runId]);
  return rows[0]?.[0] !== false;
}

function whyNot(found: Dispatch, job: RegisteringJob): string | undefined {
  if (found.repositoryId !== job.repositoryId) return 'it belongs to another repository';
  if (found.workflowRunId !== null && found.workflowRunId !== job.workflowRunId)
    return `it is workflow run ${found.workflowRunId}, and the token is of ${job.workflowRunId}`;
  if (found.runAttempt >= job.runAttempt) return `attempt ${job.runAttempt} of the workflow run has registered already`;
  return undefined;
}

function conflict(dispatchId: string, reason: string): MaestroError {
  return new MaestroError('CONFLICT', `dispatch ${dispatchId.slice(0, 40)} cannot be registered: ${reason}`);
}

function problemText(problem: string | null): string | null {
  return problem === null ? null : plainText(problem).slice(0, PROBLEM_CHARS_MAX);
}

function toDispatch(row: Row): Dispatch {
  return {
    dispatchId: String(row[0]),
    runId: String(row[1]),
    class: String(row[2]),
    ordinal: Number(row[3]),
    labels: row[4] as readonly string[],
    installationId: Number(row[5]),
    repositoryId: Number(row[6]),
    owner: String(row[7]),
    repo: String(row[8]),
    ref: String(row[9]),
    status: STATUSES[Number(row[10])] ?? 'lost',
    workflowRunId: row[11] === null ? null : Number(row[11]),
    runAttempt: Number(row[12]),
    problem: row[13] as string | null,
    requestedAt: (row[14] as Date).toISOString(),
  };
}
