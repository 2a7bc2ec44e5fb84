import type { CheckTarget } from '../protocol/check.ts';
import type { ReleaseBoard, ReleaseSpec } from '../protocol/release-board.ts';
import type { Database, Session } from './database.ts';
import { jsonText } from './json-text.ts';
import { asksText, LAST_WORD } from './report-claims.ts';
import { putReport } from './report-put.ts';

export function openReleaseBoard(db: Database): ReleaseBoard {
  return {
    putRelease: (target, spec, version) =>
      db.transaction(async (session) => {
        const publisher = await publisherOf(session, target, spec);
        if (publisher !== null) return publisher;
        if (await put(session, target, spec, version)) await replaceOlder(session, target, spec);
        return null;
      }),
    unjudged: async (limit) => {
      const rows = await db.query(
        'release_unjudged',
        `select g.run_id from report r join github_run g on g.run_id = r.content ->> 'runId' and g.closed_at is not null
         where r.kind = 'release' and not r.is_due and r.version < ${LAST_WORD} and r.content -> 'gate' = 'null'::jsonb
         order by r.sent_ms limit $1`,
        [limit],
      );
      return rows.map(([runId]) => String(runId));
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
             and added_at > $2::timestamptz and content -> 'gate' ->> 'isPassed' = 'true'
           order by sent_ms limit $3 for update skip locked) returning 1`,
        [beforeMs, addedAfter.toISOString(), limit],
      );
      return rows.length;
    },
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
