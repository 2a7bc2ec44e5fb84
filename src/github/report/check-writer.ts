import type { CheckSpec } from '../../protocol/check.ts';
import type { Annotation } from '../../protocol/outcome.ts';
import type { DueCheck } from '../../protocol/report-book.ts';
import type { Octokit } from '../octokit.ts';
import { ANNOTATIONS_PER_WRITE } from './annotations.ts';
import { fittingBody } from './body-size.ts';
import { once } from './request-limits.ts';

export interface RemoteCheck {
  readonly id: number;
  readonly annotations: number;
}

/** The check run as it stands, where an earlier write may have reached GitHub unrecorded. */
export async function findCheck(octokit: Octokit, due: DueCheck, appId: number): Promise<RemoteCheck | undefined> {
  const place = { owner: due.owner, repo: due.repo };
  if (due.remoteId !== null) {
    const { data } = await octokit.rest.checks.get({ ...place, check_run_id: due.remoteId, request: once() });
    return { id: data.id, annotations: data.output.annotations_count };
  }
  const pages = octokit.paginate.iterator(octokit.rest.checks.listForRef, {
    ...place,
    ref: due.headSha,
    check_name: due.spec.name,
    filter: 'all',
    app_id: appId,
    per_page: 100,
    request: once(),
  });
  for await (const { data } of pages) {
    const found = data.find((check) => check.external_id === due.spec.externalId);
    if (found) return { id: found.id, annotations: found.output.annotations_count };
  }
  return undefined;
}

/** Writes the check with the batch of annotations that follows those that are there. Answers its id. */
export async function writeCheck(octokit: Octokit, due: DueCheck, at: RemoteCheck | undefined): Promise<number> {
  const from = at?.annotations ?? 0;
  const content = contentOf(due.spec, due.spec.annotations.slice(from, from + ANNOTATIONS_PER_WRITE));
  const place = { owner: due.owner, repo: due.repo };
  if (at) {
    await octokit.rest.checks.update({ ...place, ...content, check_run_id: at.id, request: once() });
    return at.id;
  }
  const { data } = await octokit.rest.checks.create({ ...place, ...content, head_sha: due.headSha, request: once() });
  return data.id;
}

function contentOf(spec: CheckSpec, batch: readonly Annotation[]) {
  return {
    name: spec.name,
    external_id: spec.externalId,
    ...stateOf(spec),
    ...(spec.startedAt === null ? {} : { started_at: spec.startedAt }),
    ...(spec.detailsUrl === null ? {} : { details_url: spec.detailsUrl }),
    output: {
      title: spec.title,
      summary: fittingBody(spec.summary),
      ...(spec.text === null ? {} : { text: fittingBody(spec.text) }),
      ...(batch.length > 0 ? { annotations: batch.map(toRemote) } : {}),
    },
    actions: spec.actions.map((action) => ({ ...action })),
  };
}

function stateOf(spec: CheckSpec) {
  if (spec.status !== 'completed') return { status: spec.status };
  const conclusion = spec.conclusion ?? 'neutral';
  if (spec.completedAt === null) return { status: spec.status, conclusion };
  return { status: spec.status, conclusion, completed_at: spec.completedAt };
}

function toRemote(annotation: Annotation) {
  const { path = '', startLine = 1, endLine = startLine, startColumn, endColumn, title } = annotation;
  return {
    path,
    start_line: startLine,
    end_line: endLine,
    annotation_level: annotation.level,
    message: annotation.message,
    ...(startColumn === undefined ? {} : { start_column: startColumn }),
    ...(endColumn === undefined ? {} : { end_column: endColumn }),
    ...(title === undefined ? {} : { title }),
  };
}
