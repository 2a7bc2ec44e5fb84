import type { CheckBoard, CheckSpec, CheckTarget, PullTarget } from '../protocol/check.ts';
import type { ChangedPull, ReportBook, StandingCheck } from '../protocol/report-book.ts';
import type { Database, Row, Session } from './database.ts';
import { jsonText } from './json-text.ts';
import { asksText, openReportClaims } from './report-claims.ts';
import { putReport, withoutCountdown } from './report-put.ts';
import { targetOf } from './report-target.ts';
import { mayBeSkipped } from './skip-notices.ts';

const STANDING = 'installation_id, repository_id, owner, repo, head_sha, pull_number, content';

/**
 * What should stand on GitHub, and what the reporter has written of it.
 * @param holder the process, where its claims end with it (see `claimants.ts`)
 */
export function openCheckBoard(db: Database, holder: string | null = null): CheckBoard & ReportBook {
  return {
    put: async (target, spec, version = 0) => {
      await db.transaction((session) => tellCheck(session, target, spec, version));
    },
    putSkip: (target, spec) =>
      db.transaction(async (session) => {
        if (!(await mayBeSkipped(session, target, spec.name))) return false;
        await tellCheck(session, target, spec, 0);
        return true;
      }),
    follow: (pull) => followPull(db, pull),
    standing: async (repositoryId, headSha) => {
      const rows = await db.query(
        'report_standing',
        `select ${STANDING} from report where repository_id = $1 and head_sha = $2 and kind = 'check' order by id`,
        [repositoryId, headSha],
      );
      return rows.map(toStanding);
    },
    ofPull: async (pull) => {
      const rows = await db.query(
        'report_of_pull',
        `select ${STANDING} from report where repository_id = $1 and kind = 'check' and head_sha = coalesce(
             (select head_sha from report_pull where repository_id = $1 and pull_number = $2),
             (select head_sha from report where repository_id = $1 and pull_number = $2 and kind = 'check' order by id desc limit 1))
           and coalesce(pull_number, $2) = $2
         order by id`,
        [pull.repositoryId, pull.pullNumber],
      );
      return rows.map(toStanding);
    },
    changedPulls: async (limit) => {
      const rows = await db.query(
        'report_pull_changed',
        `select p.installation_id, p.repository_id, p.owner, p.repo, p.pull_number, p.changed, p.head_sha,
           exists (select 1 from report r where r.repository_id = p.repository_id and r.head_sha = '' and r.external_id = 'pull/' || p.pull_number)
         from report_pull p where p.changed <> p.seen order by p.repository_id, p.pull_number limit $1`,
        [limit],
      );
      return rows.map(toChangedPull);
    },
    putComment: (pull, body, isUrgent) =>
      db.transaction(async (session) => {
        // First, and only once per change: who thought it over later than this caller knows of a newer one.
        const isNewest = await session.query(
          'report_pull_seen',
          `update report_pull set seen = $3::bigint where repository_id = $1 and pull_number = $2 and seen < $3::bigint
           returning 1`,
          [pull.repositoryId, pull.pullNumber, pull.changed],
        );
        if (isNewest.length > 0 && body !== null) await putComment(session, pull, body, isUrgent);
      }),
    ...openReportClaims(db, holder),
  };
}

async function tellCheck(session: Session, target: CheckTarget, spec: CheckSpec, version: number): Promise<void> {
  const isNews = await putCheck(session, target, spec, version);
  if (!isNews) return;
  if (typeof target.pullNumber === 'number') return touchPull(session, { ...target, pullNumber: target.pullNumber });
  await session.query(
    'report_pull_touch_head',
    'update report_pull set changed = changed + 1 where repository_id = $1 and head_sha = $2',
    [target.repositoryId, target.headSha],
  );
}

function putCheck(session: Session, target: CheckTarget, spec: CheckSpec, version: number): Promise<boolean> {
  const { externalId, name, conclusion } = spec;
  const content = jsonText(spec);
  // Of what waits, each look would be a write: for a promotion that soaks for a day, one every minute.
  const news = conclusion === null || conclusion === 'action_required' ? withoutCountdown(content) : content;
  const facts = { externalId, name, content, news, isUrgent: spec.status === 'completed' };
  return putReport(session, target, { kind: 'check', ...facts, version, asks: asksText(spec) });
}

async function putComment(session: Session, pull: PullTarget, body: string, isUrgent: boolean): Promise<void> {
  const facts = { externalId: `pull/${pull.pullNumber}`, name: '', content: jsonText({ body }), isUrgent };
  await putReport(session, { ...pull, headSha: '' }, { kind: 'comment', ...facts, version: 0, asks: asksText({}) });
}

async function touchPull(session: Session, pull: PullTarget): Promise<void> {
  await session.query(
    'report_pull_touch',
    `insert into report_pull as p (installation_id, repository_id, owner, repo, pull_number) values ($1, $2, $3, $4, $5)
     on conflict (repository_id, pull_number) do update set
       installation_id = excluded.installation_id, owner = excluded.owner, repo = excluded.repo, changed = p.changed + 1`,
    [pull.installationId, pull.repositoryId, pull.owner, pull.repo, pull.pullNumber],
  );
}

async function followPull(db: Database, pull: PullTarget & { readonly headSha: string }): Promise<void> {
  await db.query(
    'report_pull_follow',
    `insert into report_pull as p (installation_id, repository_id, owner, repo, pull_number, head_sha) values ($1, $2, $3, $4, $5, $6)
     on conflict (repository_id, pull_number) do update set installation_id = excluded.installation_id,
       owner = excluded.owner, repo = excluded.repo, changed = p.changed + 1, head_sha = excluded.head_sha`,
    [pull.installationId, pull.repositoryId, pull.owner, pull.repo, pull.pullNumber, pull.headSha],
  );
}

function toStanding(row: Row): StandingCheck {
  return {
    target: { ...targetOf(row), pullNumber: row[5] === null ? null : Number(row[5]) },
    spec: row[6] as CheckSpec,
  };
}

function toChangedPull(row: Row): ChangedPull {
  return {
    installationId: Number(row[0]),
    repositoryId: Number(row[1]),
    owner: String(row[2]),
    repo: String(row[3]),
    pullNumber: Number(row[4]),
    changed: Number(row[5]),
    headSha: row[6] as string | null,
    hasComment: row[7] === true,
  };
}
