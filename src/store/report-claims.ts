import type { CheckSpec } from '../protocol/check.ts';
import type { DeploymentSpec } from '../protocol/deployment-board.ts';
import type { ReviewSpec } from '../protocol/protection.ts';
import { RELEASE_FILES_FEW, type ReleaseSpec } from '../protocol/release-board.ts';
import type { ClaimQuery, DueReport, ReportBook } from '../protocol/report-book.ts';
import { intArray } from './array-literal.ts';
import type { Database, Row } from './database.ts';
import { plainText } from './json-text.ts';
import { hasWrite } from './write-allowance.ts';

type ReportClaims = Pick<
  ReportBook,
  'claim' | 'renew' | 'record' | 'defer' | 'release' | 'forget' | 'bury' | 'refresh' | 'isPending'
>;

/** Between two writes of one check or comment: GitHub counts writes, and nobody reads faster. */
const GAP_MS = 5000;
/** Comments weigh more (people are mailed), so those that ask for nothing wait longer. */
const COMMENT_GAP_MS = 30_000;
/**
 * The gap between updates of a check that is under way grows by this factor. So 7 updates cover an hour and a half, and a
 * long pipeline of many steps costs no more writes than a short one.
 */
const GAP_GROWTH = 3;
const GAP_GROWTHS_MAX = 10;

/** What people are asked for differs from what they were told: checks of runs say so though they are not finished. */
const ASKS_ANEW = '(r.asks <> r.told_asks)';
/** A deployment that was made and not told yet how it stands says nothing. */
const IS_RIPE = `(r.sent_ms is null or (r.kind <> 'comment' and r.is_urgent) or (r.kind = 'deployment' and r.writes = 0)
  or r.sent_ms + (case
    when r.kind = 'comment' then case when r.is_urgent then ${GAP_MS} else ${COMMENT_GAP_MS} end
    when ${ASKS_ANEW} then ${GAP_MS}
    else ${GAP_MS} * power(${GAP_GROWTH}, least(greatest(r.writes - 1, 0), ${GAP_GROWTHS_MAX})) end) <= $1::bigint)`;
/** Whoever waits for annotations beyond the first has read the rest: any other word goes before them. */
const IS_REMAINDER = `(r.kind = 'check' and not r.is_unsure and r.told_digest is not distinct from r.digest)`;

/** A page that stood there whole: a look mostly finds it so. */
const IS_WATCHED = `(r.kind = 'release' and r.is_settled)`;
const IS_SMALL_RELEASE = `(r.kind = 'release' and jsonb_array_length(r.content -> 'assets') <= ${RELEASE_FILES_FEW})`;

/**
 * Writes are few: what people or a job wait for goes first, then what has ended, then what goes on. Of a deployment each comes a
 * place later, because a check has said it already.
 */
const RANK = `(case when r.kind = 'review' or r.content ->> 'conclusion' = 'action_required' or ${ASKS_ANEW} then 0
  else 1 + (not r.is_urgent)::int + (r.kind = 'deployment')::int end)`;

/** Several processes claim at once: rows that another one is about to take are skipped. */
const CLAIM = `with due as (
    select r.id, r.is_unsure, ${IS_REMAINDER} as is_remainder, ${RANK} as rank from report r
      left join write_allowance a on a.installation_id = r.installation_id
    where r.is_due and r.due_ms <= $1::bigint and ${IS_RIPE}
      and ($4::bigint is null or r.installation_id = $4) and not (r.installation_id = any ($5::bigint[]))
      and (r.kind = 'release') = $7::boolean
      and case when ${IS_REMAINDER} or ${IS_WATCHED} then ${hasWrite('remainder')}
        when ${IS_SMALL_RELEASE} then ${hasWrite('release')} else ${hasWrite('report')} end
    order by is_remainder, rank, r.id limit $3 for update of r skip locked),
  chosen as (select * from due where not is_remainder or id = (select id from due order by is_remainder, id limit 1))
  update report r set fence = r.fence + 1, due_ms = $1::bigint + $2::bigint, held_ms = $1::bigint + $2::bigint, holder = $6,
    is_unsure = true from chosen where r.id = chosen.id
  returning r.id, r.fence, r.digest, r.installation_id, r.owner, r.repo, r.remote_id, chosen.is_unsure, r.failures,
    r.kind, r.head_sha, r.pull_number, r.content, r.sent_annotations, chosen.rank, chosen.is_remainder, r.writes,
    r.repository_id, r.is_settled`;

/** Version of a page that a newer run of its tag took: nothing that the older one says or does later takes it back. */
export const LAST_WORD = Number.MAX_SAFE_INTEGER;
/** Whoever is at it when that happens ends there. */
const IS_REPLACED = `(kind = 'release' and version = ${LAST_WORD})`;

export function openReportClaims(db: Database, holder: string | null): ReportClaims {
  return {
    claim: async ({ nowMs, claimMs, limit, lane, installations }: ClaimQuery) => {
      const rows = await db.query('report_claim', CLAIM, [
        nowMs,
        claimMs,
        limit,
        'only' in installations ? installations.only : null,
        intArray('only' in installations ? [] : installations.except),
        holder,
        lane === 'releases',
      ]);
      return rows.toSorted(byRank).map(toDue);
    },
    renew: async (due, untilMs) => {
      const rows = await db.query(
        'report_renew',
        `update report set due_ms = $3, held_ms = $3 where id = $1 and fence = $2 and not ${IS_REPLACED} returning 1`,
        [due.id, due.fence, untilMs],
      );
      return rows.length > 0;
    },
    record: (due, written) => recordWritten(db, due, written),
    defer: async (due, { dueMs, problem, isUnsure }) => {
      await db.query(
        'report_defer',
        `update report set due_ms = $3, is_unsure = $5, problem = $4, failures = failures + ($4::text is not null)::int
         where id = $1 and fence = $2`,
        [due.id, due.fence, dueMs, problem === null ? null : plainText(problem), isUnsure],
      );
    },
    release: (dues) => releaseClaims(db, dues),
    forget: async (due) => {
      await db.query(
        'report_forget',
        'update report set remote_id = null, due_ms = 0, sent_digest = null, told_digest = null where id = $1 and fence = $2',
        [due.id, due.fence],
      );
    },
    bury: async (due, { problem, isUnsure }) => {
      // What was put meanwhile is due all the same.
      await db.query(
        'report_bury',
        `update report set is_due = digest <> $4 and not ${IS_REPLACED}, due_ms = 0, is_unsure = $5, failures = 0, problem = $3
         where id = $1 and fence = $2`,
        [due.id, due.fence, plainText(problem), due.digest, isUnsure],
      );
    },
    refresh: (beforeMs) => refreshIncomplete(db, beforeMs),
    isPending: async (repositoryId, headSha, runId) => {
      const rows = await db.query(
        'report_pending',
        `select 1 from report where repository_id = $1 and head_sha = $2 and is_due
           and (external_id = $3 or starts_with(external_id, $3 || '/')) limit 1`,
        [repositoryId, headSha, runId],
      );
      return rows.length > 0;
    },
  };
}

async function recordWritten(
  db: Database,
  due: DueReport,
  { remoteId, sentAnnotations, isWhole, isSettled, isCleanup, nowMs }: Parameters<ReportBook['record']>[1],
): Promise<boolean> {
  const rows = await db.query(
    'report_record',
    `update report set remote_id = $3, sent_annotations = $4, is_unsure = false, sent_ms = $6::bigint,
       failures = case when $10::boolean then failures else 0 end, problem = null,
       writes = writes + $5::boolean::int, due_ms = 0, told_digest = $7, told_asks = $8,
       is_settled = coalesce($9::boolean, is_settled),
       sent_digest = case when $5::boolean then $7 else sent_digest end,
       is_due = (not $5::boolean or digest <> $7) and not ${IS_REPLACED}
     where id = $1 and fence = $2 returning 1`,
    [
      due.id,
      due.fence,
      remoteId,
      sentAnnotations,
      isWhole,
      nowMs,
      due.digest,
      asksText(wordsOf(due)),
      isSettled ?? null,
      isCleanup === true,
    ],
  );
  return rows.length > 0;
}

async function releaseClaims(db: Database, dues: readonly DueReport[]): Promise<void> {
  if (dues.length === 0) return;
  await db.query(
    'report_release',
    `update report r set due_ms = 0, is_unsure = d.is_unsure = 1
     from unnest($1::bigint[], $2::bigint[], $3::int[]) as d (id, fence, is_unsure) where r.id = d.id and r.fence = d.fence`,
    [
      intArray(dues.map((due) => due.id)),
      intArray(dues.map((due) => due.fence)),
      intArray(dues.map((due) => (due.isUnsure ? 1 : 0))),
    ],
  );
}

async function refreshIncomplete(db: Database, beforeMs: number): Promise<void> {
  await db.query(
    'report_refresh',
    `update report r set is_due = true, due_ms = 0 from github_run g
     where r.kind = 'check' and not r.is_urgent and not r.is_due and r.sent_ms <= $1
       and g.run_id = r.external_id and g.closed_at is null`,
    [beforeMs],
  );
}

/** What people are asked for, as it is compared. */
export function asksText({ asks = [] }: Pick<CheckSpec, 'asks'>): string {
  return plainText(JSON.stringify(asks));
}

function wordsOf(due: DueReport): Pick<CheckSpec, 'asks'> {
  return due.kind === 'check' ? due.spec : {};
}

function byRank(a: Row, b: Row): number {
  return Number(a[14]) - Number(b[14]) || Number(a[0]) - Number(b[0]);
}

function toDue(row: Row): DueReport {
  const base = {
    id: Number(row[0]),
    fence: Number(row[1]),
    digest: String(row[2]),
    installationId: Number(row[3]),
    owner: String(row[4]),
    repo: String(row[5]),
    remoteId: row[6] === null ? null : Number(row[6]),
    isUnsure: row[7] === true,
    failures: Number(row[8]),
    writes: Number(row[16]),
  };
  const [kind, headSha, content] = [String(row[9]), String(row[10]), row[12]];
  if (kind === 'comment')
    return { ...base, kind, pullNumber: Number(row[11]), body: (content as { readonly body: string }).body };
  if (kind === 'deployment') return { ...base, kind, headSha, spec: content as DeploymentSpec };
  if (kind === 'release')
    return {
      ...base,
      kind,
      headSha,
      repositoryId: Number(row[17]),
      spec: content as ReleaseSpec,
      isSettled: row[18] === true,
      sentBundles: Number(row[13]),
    };
  if (kind === 'review') return { ...base, kind, spec: content as ReviewSpec };
  const sent = { sentAnnotations: Number(row[13]), isRemainder: row[15] === true };
  return { ...base, kind: 'check', headSha, spec: content as CheckSpec, ...sent };
}
