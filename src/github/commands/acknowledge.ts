import { isRefusal, statusOf } from '../intake/failure.ts';
import type { Octokit } from '../octokit.ts';
import type { CommentRequest } from './comment-request.ts';

/**
 * Shows the author that the comment was read, and finds out whether it is still there. Again it changes nothing. On a locked
 * conversation GitHub refuses reactions of Apps: what was asked is done all the same.
 */
export async function isThereStill(octokit: Octokit, request: CommentRequest): Promise<boolean> {
  const place = { owner: request.repository.owner, repo: request.repository.name };
  try {
    if (request.kind === 'issue')
      await octokit.rest.reactions.createForIssueComment({ ...place, comment_id: request.commentId, content: 'eyes' });
    else if (request.kind === 'line')
      await octokit.rest.reactions.createForPullRequestReviewComment({
        ...place,
        comment_id: request.commentId,
        content: 'eyes',
      });
    // GitHub's REST API has no reactions for reviews; a submitted one cannot be deleted.
    return true;
  } catch (error) {
    if (statusOf(error) === 404) return false;
    if (isRefusal(error)) return true;
    throw error;
  }
}
