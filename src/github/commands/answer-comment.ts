import type { Octokit } from '../octokit.ts';
import type { CommentRequest } from './comment-request.ts';

/** GitHub takes 65,536. */
const ANSWER_CHARS_MAX = 60_000;
const PAGES_MAX = 10;

/** One comment that answers all commands. */
export async function answerComment(
  octokit: Octokit,
  request: CommentRequest,
  answers: readonly string[],
): Promise<void> {
  const charsMax = Math.floor(ANSWER_CHARS_MAX / Math.max(1, answers.length));
  const texts = answers.map((answer) =>
    answer.length <= charsMax ? answer : 'The answer is too long for a comment: ask for less, or see the checks.',
  );
  await octokit.rest.issues.createComment({
    owner: request.repository.owner,
    repo: request.repository.name,
    issue_number: request.number,
    // The client would repeat a call whose answer was lost, and post it twice: it is looked for before it is posted again.
    request: { retries: 0 },
    body: `${markOf(request)}\n${texts.join('\n\n---\n\n')}`,
  });
}

/** Whether the answer was posted before a crash kept it from being recorded. */
export async function hasAnswer(octokit: Octokit, appId: number, request: CommentRequest): Promise<boolean> {
  const pages = octokit.paginate.iterator(octokit.rest.issues.listComments, {
    owner: request.repository.owner,
    repo: request.repository.name,
    issue_number: request.number,
    since: request.createdAt,
    per_page: 100,
  });
  let left = PAGES_MAX;
  for await (const { data } of pages) {
    // Anybody can write the mark: only the App's own comment counts.
    const isOurs = data.some(
      (comment) => comment.performed_via_github_app?.id === appId && comment.body?.startsWith(markOf(request)),
    );
    if (isOurs) return true;
    if (--left === 0) return false;
  }
  return false;
}

/** Not shown by GitHub. */
function markOf(request: CommentRequest): string {
  return `<!-- maestro:answer ${request.key} -->`;
}
