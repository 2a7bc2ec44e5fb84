import { digestBytes } from '../base/digest.ts';
import type { CheckTarget } from '../protocol/check.ts';
import type { DueReport } from '../protocol/report-book.ts';
import type { Session } from './database.ts';
import { plainText } from './json-text.ts';

/** Something that should stand on GitHub. */
interface Report {
  readonly kind: DueReport['kind'];
  /** Of the target, and of the kind: unique on the commit. */
  readonly externalId: string;
  /** Of a check its name, of others the environment that they are about. */
  readonly name: string;
  /** JSON. */
  readonly content: string;
  /** What of the content is news where it changes; the whole where absent. */
  readonly news?: string;
  readonly version: number;
  /** Not to be kept waiting for the pace of updates. */
  readonly isUrgent: boolean;
  /** What people are asked for, as it is compared. */
  readonly asks: string;
}

/**
 * A row that was given up is taken up again by other content: what was wrong may have been the content. The version grows
 * with the same content as well: who still has an older state in hand comes too late. Answers whether the content is news.
 */
const PUT = `with old as (select digest from report where repository_id = $3 and head_sha = $6 and external_id = $8)
  insert into report as r (kind, installation_id, repository_id, owner, repo, head_sha, pull_number, external_id, name, content, digest, version, is_urgent, asks)
  values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)
  on conflict (repository_id, head_sha, external_id) do update set
    installation_id = excluded.installation_id, owner = excluded.owner, repo = excluded.repo, name = excluded.name,
    pull_number = coalesce(excluded.pull_number, r.pull_number), content = excluded.content, digest = excluded.digest,
    version = excluded.version, is_urgent = excluded.is_urgent, asks = excluded.asks,
    failures = case when r.is_due then r.failures else 0 end,
    is_due = case when r.digest = excluded.digest then r.is_due else r.is_unsure or excluded.digest is distinct from r.sent_digest end
  where excluded.version > r.version or (excluded.version = r.version and excluded.digest <> r.digest)
  returning r.digest is distinct from (select o.digest from old o)`;

/** What is news of a text that says for how long something waits: not that it is shorter now. */
export function withoutCountdown(text: string): string {
  return text.replace(/\b\d+ s\b/g, 's');
}

/** Says what should stand on GitHub from now on. Answers whether that is news. */
export async function putReport(session: Session, target: CheckTarget, report: Report): Promise<boolean> {
  const rows = await session.query('report_put', PUT, [
    report.kind,
    target.installationId,
    target.repositoryId,
    target.owner,
    target.repo,
    target.headSha,
    target.pullNumber ?? null,
    plainText(report.externalId),
    plainText(report.name),
    report.content,
    digestBytes(report.news ?? report.content),
    report.version,
    report.isUrgent,
    report.asks,
  ]);
  return rows[0]?.[0] === true;
}
