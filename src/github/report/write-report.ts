import assert from 'node:assert/strict';
import type { DueCheck, DueComment, DueReport, Written } from '../../protocol/report-book.ts';
import { writeDeployment } from '../deployments/deployment-writer.ts';
import type { Octokit } from '../octokit.ts';
import { writeReview } from '../protection/review-writer.ts';
import { type ReleaseTools, writeRelease } from '../release/release-writer.ts';
import { ANNOTATIONS_PER_WRITE } from './annotations.ts';
import { findCheck, writeCheck } from './check-writer.ts';
import { type AppIdentity, findComment, writeComment } from './comment-writer.ts';

export interface ReportTools {
  readonly app: AppIdentity;
  readonly releases: ReleaseTools | undefined;
  /** Says that the claim goes on; false where it was lost. */
  readonly renew: () => Promise<boolean>;
}

/** Makes at most one write, which may be a part of what is due, and as many look-ups as it takes to know that it is not made twice. */
export async function writeReport(
  octokit: Octokit,
  due: DueReport,
  { app, releases, renew }: ReportTools,
): Promise<Written> {
  if (due.kind === 'check') return tellCheck(octokit, due, app);
  if (due.kind === 'comment') return tellComment(octokit, due, app);
  if (due.kind === 'deployment') return writeDeployment(octokit, due, app);
  if (due.kind === 'review') return writeReview(octokit, due);
  // Such rows are in a lane of their own, which nobody opens who has no evidence.
  assert(releases, 'expected evidence for the release that is due');
  return writeRelease({ ...releases, octokit, due, app, renew });
}

/** One batch of annotations: whatever else the installation has to say comes before the next one. */
async function tellCheck(octokit: Octokit, due: DueCheck, app: AppIdentity): Promise<Written> {
  const known = due.remoteId === null ? undefined : { id: due.remoteId, annotations: due.sentAnnotations };
  const at = due.isUnsure ? await findCheck(octokit, due, app.id) : known;
  const remoteId = await writeCheck(octokit, due, at);
  const [before, total] = [at?.annotations ?? 0, due.spec.annotations.length];
  const sentAnnotations = Math.max(before, Math.min(total, before + ANNOTATIONS_PER_WRITE));
  return { remoteId, sentAnnotations, isWhole: sentAnnotations >= total };
}

async function tellComment(octokit: Octokit, due: DueComment, app: AppIdentity): Promise<Written> {
  const known = due.remoteId ?? (await findComment(octokit, due, app));
  return { remoteId: await writeComment(octokit, due, known), sentAnnotations: 0, isWhole: true };
}
