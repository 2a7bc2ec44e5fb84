import type { DueComment } from '../../protocol/report-book.ts';
import type { Octokit } from '../octokit.ts';
import { fittingBody } from './body-size.ts';
import { once } from './request-limits.ts';
import { COMMENT_MARKER } from './sticky-comment.ts';

export interface AppIdentity {
  readonly id: number;
  /** `maestro`: its comments are those of `maestro[bot]`. */
  readonly slug: string;
}

/** Comments of one pull request that are looked through for ours. */
const COMMENTS_MAX = 2000;

/** Our comment on the pull request: by marker and by author, since anybody can copy the marker. */
export async function findComment(octokit: Octokit, due: DueComment, app: AppIdentity): Promise<number | undefined> {
  const pages = octokit.paginate.iterator(octokit.rest.issues.listComments, {
    owner: due.owner,
    repo: due.repo,
    issue_number: due.pullNumber,
    per_page: 100,
    request: once(),
  });
  let seen = 0;
  for await (const { data } of pages) {
    const found = data.find(
      (comment) =>
        comment.body?.startsWith(COMMENT_MARKER) === true &&
        (comment.performed_via_github_app
          ? comment.performed_via_github_app.id === app.id
          : comment.user?.type === 'Bot' && comment.user.login === `${app.slug}[bot]`),
    );
    if (found) return found.id;
    seen += data.length;
    if (seen >= COMMENTS_MAX) return undefined;
  }
  return undefined;
}

/** Writes it, and answers its id. */
export async function writeComment(octokit: Octokit, due: DueComment, id: number | undefined): Promise<number> {
  const place = { owner: due.owner, repo: due.repo, body: fittingBody(due.body), request: once() };
  if (id !== undefined) {
    await octokit.rest.issues.updateComment({ ...place, comment_id: id });
    return id;
  }
  const { data } = await octokit.rest.issues.createComment({ ...place, issue_number: due.pullNumber });
  return data.id;
}
