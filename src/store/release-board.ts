import type { CheckTarget } from '../protocol/check.ts';
import type { ReleaseBoard, ReleaseSpec, UnjudgedRelease } from '../protocol/release-board.ts';
import type { Database, Row, Session } from './database.ts';
import { jsonText } from './json-text.ts';
import { asksText, LAST_WORD } from './report-claims.ts';
import { putReport } from './report-put.ts';
import { targetOf } from './report-target.ts';

/** Between two tries to come to a verdict; it doubles with each, up to half an hour. */
const JUDGE_GAP_MS = 60_000;
const JUDGE_GAP_DOUBLINGS_MAX = 5;

/** The time of the try is kept before it is made: one that ends the process comes no sooner again than others. */
const CLAIM_UNJUDGED = `with chosen as (
    select r.id from report r join github_run g on g.run_id = r.content ->> 'runId' and g.closed_at is not null
    where r.kind = 'release' and not r.is_due and r.version < ${LAST_WORD} and r.content -> 'gate' = 'null'::jsonb
      and r.judge_tries < $3
      and (r.judged_ms is null
        or r.judged_ms + ${JUDGE_GAP_MS} * power(2, least(r.judge_tries - 1, ${JUDGE_GAP_DOUBLINGS_MAX})) <= $1::bigint)
    order by r.judged_ms nulls first, r.id limit $2 for update of r skip locked)
  update report r set judged_ms = $1::bigint, judge_tries = r.judge_tries + 1 from chosen where r.id = chosen.id
  returning r.installation_id, r.repository_id, r.owner, r.repo, r.head_sha, r.content, r.version, r.judge_tries`;

export function openReleaseBoard(db: Database): ReleaseBoard {
  return {
    putRelease: (target, spec, version) =>
      db.transaction(async (session) => {
        const publisher = await publisherOf(session, target, spec);
        if (publisher !== null) return publisher;
        if (await put(session, target, spec, version)) await replaceOlder(session, target, spec);
        return null;
      }),
    unjudged: async ({ nowMs, limit, triesMax }) => {
      const rows = await db.query('release_unjudged', CLAIM_UNJUDGED, [nowMs, limit, triesMax]);
      return rows.map(toUnjudged);
    },
    lookAgain: async (repositoryId, releaseId) => {
      const rows = await db.query(
        'release_look_again',
        `update report set is_due = true where kind = 'release' and repository_id = $1 and remote_id = $2
           and version < ${LAST_WORD} returning 1`,
        [repositoryId, releaseId],
      );
      return rows.length > 0;
    },
    lookAgainBefore: async ({ beforeMs, addedAfter, limit }) => {
      const rows = await db.query(
        'release_look_again_before',
        `update report set is_due = true where id in (
           select id from report where kind = 'release' and not is_due and sent_ms < $1::bigint and version < ${LAST_WORD}
             and added_at > $2::timestamptz and content -> 'gate' <> 'null'::jsonb
           order by sent_ms limit $3 for update skip locked) returning 1`,
        [beforeMs, addedAfter.toISOString(), limit],
      );
      return rows.length;
    },
  };
}

function toUnjudged(row: Row): UnjudgedRelease {
  return {
    target: targetOf(row),
    spec: row[5] as ReleaseSpec,
    version: Number(row[6]),
    tries: Number(row[7]),
  };
}

/** What was published stays: a second run of the tag has another receipt, and one page cannot hold both. */
async function publisherOf(
  session: Session,
  { repositoryId }: CheckTarget,
  { tag, externalId }: ReleaseSpec,
): Promise<string | null> {
  const [row] = await session.query(
    'release_publisher',
    `select content ->> 'runId' from report where repository_id = $1 and name = $2 and kind = 'release' and is_settled
       and external_id <> $3 order by id limit 1`,
    [repositoryId, tag, externalId],
  );
  return row ? String(row[0]) : null;
}

/** Nobody waits for the pace of updates: what is due is the next piece of work, not the next word. */
function put(session: Session, target: CheckTarget, spec: ReleaseSpec, version: number): Promise<boolean> {
  const { externalId, tag: name } = spec;
  const facts = { externalId, name, content: jsonText(spec), isUrgent: true, asks: asksText({}) };
  return putReport(session, target, { kind: 'release', ...facts, version });
}

async function replaceOlder(
  session: Session,
  { repositoryId, headSha }: CheckTarget,
  { tag, externalId }: ReleaseSpec,
): Promise<void> {
  await session.query(
    'release_replace',
    `update report set is_due = false, version = ${LAST_WORD} where repository_id = $1 and name = $2 and kind = 'release'
       and id < (select id from report where repository_id = $1 and head_sha = $3 and external_id = $4)`,
    [repositoryId, tag, headSha, externalId],
  );
}
