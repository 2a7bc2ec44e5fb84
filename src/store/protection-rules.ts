import type { ProtectionRequest, ProtectionRules } from '../protocol/protection.ts';
import type { Database, Row } from './database.ts';
import { jsonText, plainText } from './json-text.ts';
import { asksText } from './report-claims.ts';
import { putReport, withoutCountdown } from './report-put.ts';

const COLUMNS = 'p.run_id, p.repository_id, p.workflow_run_id, p.attempt, p.environment';
/** Its end does not stand on GitHub yet. */
const OPEN = 'protection_request p join github_run g on g.run_id = p.run_id and g.closed_at is null';

export function openProtectionRules(db: Database): ProtectionRules {
  return {
    add: async ({ runId, repositoryId, workflowRunId, attempt, environment }) => {
      await db.query(
        'protection_add',
        `insert into protection_request (run_id, repository_id, workflow_run_id, attempt, environment)
         values ($1, $2, $3, $4, $5) on conflict do nothing`,
        [runId, repositoryId, workflowRunId, attempt, plainText(environment)],
      );
    },
    find: async (runId) => {
      const [row] = await db.query('protection_find', `select ${COLUMNS} from protection_request p where run_id = $1`, [
        runId,
      ]);
      return row && toRequest(row);
    },
    openOf: async (repositoryId, workflowRunId) => {
      const rows = await db.query(
        'protection_of_workflow_run',
        `select ${COLUMNS} from ${OPEN} where p.repository_id = $1 and p.workflow_run_id = $2 order by g.id`,
        [repositoryId, workflowRunId],
      );
      return rows.map(toRequest);
    },
    open: async (limit, afterRunId) => {
      const rows = await db.query(
        'protection_open',
        `select ${COLUMNS} from ${OPEN}
         where g.id > coalesce((select id from github_run where run_id = $2), 0) order by g.id limit $1`,
        [limit, afterRunId ?? null],
      );
      return rows.map(toRequest);
    },
    putReview: async (target, spec, version) => {
      const { externalId, environment: name } = spec;
      const news = jsonText({ ...spec, comment: withoutCountdown(spec.comment) });
      const facts = { externalId, name, content: jsonText(spec), news, isUrgent: spec.state !== null };
      await db.transaction((session) =>
        putReport(session, target, { kind: 'review', ...facts, version, asks: asksText({}) }),
      );
    },
  };
}

function toRequest(row: Row): ProtectionRequest {
  return {
    runId: String(row[0]),
    repositoryId: Number(row[1]),
    workflowRunId: Number(row[2]),
    attempt: Number(row[3]),
    environment: String(row[4]),
  };
}
