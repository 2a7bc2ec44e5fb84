import type { Octokit } from '../octokit.ts';

const PAGE = 100;
/** Somebody who makes more events than these while a comment waits is up to something. */
const PAGES_MAX = 10;

/**
 * Whether the base branch of a pull request was changed at that time or later, or cannot be shown not to have been. GitHub's
 * list begins with the oldest event, so it is read from its end.
 * @param since ISO 8601, whole seconds
 */
export async function wasRetargeted(
  octokit: Octokit,
  { owner, name: repo }: { readonly owner: string; readonly name: string },
  number: number,
  since: string,
): Promise<boolean> {
  const read = (page: number) =>
    octokit.rest.issues.listEvents({ owner, repo, issue_number: number, per_page: PAGE, page });
  const first = await read(1);
  const pages = lastPage(first.headers.link ?? '');
  for (let page = pages; Number.isFinite(pages) && page > Math.max(0, pages - PAGES_MAX); page--) {
    const { data } = page === 1 ? first : await read(page);
    const late = data.filter(({ created_at }) => Date.parse(created_at) >= Date.parse(since));
    if (late.some(({ event }) => event === 'base_ref_changed')) return true;
    if (late.length < data.length || page === 1) return false;
  }
  return true;
}

/** Infinite where there are more and the last is not named: then nothing can be shown. */
function lastPage(link: string): number {
  const pageOf = (rel: string): string | undefined =>
    /[?&]page=(\d+)/.exec(link.split(',').find((one) => one.includes(`rel="${rel}"`)) ?? '')?.[1];
  return Number(pageOf('last') ?? (pageOf('next') === undefined ? 1 : Number.POSITIVE_INFINITY));
}
