import { digestBytes } from '../base/digest.ts';
import type { CheckTarget } from '../protocol/check.ts';
import type { DeploymentBoard, DeploymentSpec } from '../protocol/deployment-board.ts';
import type { Database, Session } from './database.ts';
import { jsonText } from './json-text.ts';
import { asksText } from './report-claims.ts';
import { putReport, withoutCountdown } from './report-put.ts';

/** Nothing that the run says later brings back what another one has replaced. */
const LAST_WORD = Number.MAX_SAFE_INTEGER;
/** More are left as they are: each costs a write. */
const REPLACED_MAX = 20;

export function openDeploymentBoard(db: Database): DeploymentBoard {
  return {
    putDeployment: async (target, spec, version) => {
      await db.transaction(async (session) => {
        const isNews = await put(session, target, spec, version);
        if (isNews && spec.isVain) await withdrawUntold(session, target, spec);
        if (isNews && spec.state === 'success') await replaceOthers(session, target, spec);
      });
    },
    deployedBy: async ({ repositoryId, headSha }, runId) => {
      const rows = await db.query(
        'deployments_of_run',
        `select name from report where repository_id = $1 and head_sha = $2 and kind = 'deployment'
           and starts_with(external_id, $3 || '/') order by id`,
        [repositoryId, headSha, runId],
      );
      return rows.map(([name]) => String(name));
    },
  };
}

/** The pace of checks: what has ended is told at once. */
function put(session: Session, target: CheckTarget, spec: DeploymentSpec, version: number): Promise<boolean> {
  const { externalId, environment: name, state } = spec;
  const isUrgent = state !== 'queued' && state !== 'in_progress';
  const facts = { externalId, name, content: jsonText(spec), news: newsOf(spec), isUrgent };
  return putReport(session, target, { kind: 'deployment', ...facts, version, asks: asksText({}) });
}

/** To make a deployment only to say that it came to nothing costs two writes and tells nobody more than its check. */
async function withdrawUntold(
  session: Session,
  { repositoryId, headSha }: CheckTarget,
  { externalId }: DeploymentSpec,
): Promise<void> {
  await session.query(
    'deployment_withdraw',
    `update report set is_due = false, sent_digest = digest where repository_id = $1 and head_sha = $2 and external_id = $3
       and remote_id is null and not is_unsure`,
    [repositoryId, headSha, externalId],
  );
}

function newsOf(spec: DeploymentSpec): string {
  return jsonText({ ...spec, isVain: undefined, logUrl: null, description: withoutCountdown(spec.description) });
}

/**
 * GitHub itself makes what was deployed before inactive, but leaves production as it is
 * (https://docs.github.com/en/rest/deployments/deployments#inactive-deployments): there it is written.
 */
async function replaceOthers(
  session: Session,
  { repositoryId }: CheckTarget,
  { environment, externalId }: DeploymentSpec,
): Promise<void> {
  const rows = await session.query(
    'deployments_before',
    `select id, content from report where repository_id = $1 and name = $2 and kind = 'deployment'
       and content ->> 'state' = 'success' and external_id <> $3 order by id desc limit ${REPLACED_MAX} for update`,
    [repositoryId, environment, externalId],
  );
  for (const [id, content] of rows) {
    const before = content as DeploymentSpec;
    const spec: DeploymentSpec = { ...before, state: 'inactive', description: 'Another deployment took its place' };
    await session.query(
      'deployment_replaced',
      `update report set content = $2, digest = $3, version = $4, is_due = is_due or $5::boolean,
         sent_digest = case when is_due or $5::boolean then sent_digest else $3 end where id = $1`,
      [Number(id), jsonText(spec), digestBytes(newsOf(spec)), LAST_WORD, before.isProduction],
    );
  }
}
