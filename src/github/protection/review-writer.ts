import type { DueReview, Written } from '../../protocol/report-book.ts';
import type { Octokit } from '../octokit.ts';
import { once } from '../report/request-limits.ts';

/** GitHub takes no more words about one job while it waits. */
const WORDS_MAX = 10;
const DONE: Written = { remoteId: null, sentAnnotations: 0, isWhole: true };

/**
 * Says a word about a job that waits, or answers it: once. Nothing is said where nobody waits any more, and GitHub itself
 * refuses a second answer.
 */
export async function writeReview(octokit: Octokit, due: DueReview): Promise<Written> {
  const { owner, repo, spec } = due;
  const { state, comment, environment, workflowRunId } = spec;
  if (state === null && due.writes >= WORDS_MAX) return DONE;
  if (!(await isWaitedFor(octokit, due))) return DONE;
  const answer = { owner, repo, run_id: workflowRunId, environment_name: environment, comment };
  try {
    await octokit.rest.actions.reviewCustomGatesForRun({
      ...answer,
      ...(state === null ? {} : { state }),
      request: once(),
    });
  } catch (error) {
    // The answer before this one was carried out.
    if (!due.isUnsure || (error as { readonly status?: unknown }).status !== 422) throw error;
  }
  return DONE;
}

/** GitHub names neither job nor attempt where it takes an answer: one to an earlier attempt would let this one go on. */
async function isWaitedFor(octokit: Octokit, { owner, repo, spec }: DueReview): Promise<boolean> {
  const place = { owner, repo, run_id: spec.workflowRunId };
  try {
    const { data } = await octokit.rest.actions.getWorkflowRun({ ...place, request: once() });
    return data.status !== 'completed' && (data.run_attempt ?? 1) === spec.attempt;
  } catch (error) {
    if ((error as { readonly status?: unknown }).status === 404) return false;
    throw error;
  }
}
