import type { WorkflowTarget } from '../protocol/workflow-dispatch.ts';

const SECOND_MS = 1000;

/** What somebody can do about a dispatch that GitHub refused. */
export function refusalOf(
  status: number,
  message: string,
  { owner, repo }: WorkflowTarget,
  workflow: string,
  ref: string,
): string {
  const place = `.github/workflows/${workflow}`;
  const said = message === '' ? `${status}` : `${status}: ${message.slice(0, 300)}`;
  const write = `run \`maestro init --server URL\` and commit ${place} on ${ref}`;
  if (status === 404)
    return `${owner}/${repo} has no ${place} on its default branch, or the App may not see it; ${write}`;
  if (/workflow_dispatch/.test(message)) return `${place} on ${ref} has no workflow_dispatch trigger; ${write}`;
  if (/No ref found/i.test(message))
    return `${owner}/${repo} has no branch ${ref}: the default branch was renamed; start the run again`;
  if (/inputs?\b/i.test(message))
    return `${place} on ${ref} declares other inputs than Maestro gives (${said}); ${write}`;
  if (/disabled/i.test(message))
    return `Actions, or this workflow, are disabled in ${owner}/${repo} (${said}); enable them under Settings, Actions`;
  if (status === 403) return `the App may not start workflows in ${owner}/${repo} (${said}); grant it Actions: write`;
  return `GitHub refused to start ${place} in ${owner}/${repo} (${said})`;
}

/** How long GitHub wants to be left alone; null where it does not say. */
export function retryAfterMsOf(headers: Readonly<Record<string, unknown>>, nowMs: number): number | null {
  const retryAfter = Number(headers['retry-after']);
  if (headers['retry-after'] !== undefined && Number.isFinite(retryAfter)) return Math.max(0, retryAfter * SECOND_MS);
  const reset = Number(headers['x-ratelimit-reset']);
  if (headers['x-ratelimit-remaining'] === '0' && Number.isFinite(reset)) return Math.max(0, reset * SECOND_MS - nowMs);
  return null;
}
