import { messageOf } from '../../base/errors.ts';

/**
 * What a failed call means.
 * `limited`: nothing was done, and the installation waits. `refused`: nothing was done, and the same call is refused again.
 * `unsure`: it may have been carried out.
 */
export type GitHubFailure =
  | { readonly type: 'limited'; readonly waitMs: number; readonly text: string }
  | { readonly type: 'missing'; readonly text: string }
  | { readonly type: 'refused'; readonly text: string }
  | { readonly type: 'unsure'; readonly text: string };

/** GitHub's own advice where a secondary limit comes without a time. */
const SECONDARY_WAIT_MS = 60_000;
const WAIT_MAX_MS = 3_600_000;
const TEXT_CHARS_MAX = 500;
const MISSING = new Set([404, 410]);
const RETRYABLE = new Set([401, 408, 409, 425]);

export function failureOf(error: unknown, nowMs: number): GitHubFailure {
  const text = messageOf(error).slice(0, TEXT_CHARS_MAX);
  const status = numberAt(error, 'status');
  if (status === undefined) return { type: 'unsure', text };
  const headers = headersOf(error);
  const isLimited =
    status === 429 ||
    (status === 403 &&
      (headers['retry-after'] !== undefined || headers['x-ratelimit-remaining'] === '0' || /rate limit/i.test(text)));
  if (isLimited) return { type: 'limited', waitMs: waitOf(headers, nowMs), text };
  if (MISSING.has(status)) return { type: 'missing', text: `${status}: ${text}` };
  if (status >= 500 || RETRYABLE.has(status)) return { type: 'unsure', text: `${status}: ${text}` };
  return { type: 'refused', text: `${status}: ${text}` };
}

function waitOf(headers: Readonly<Record<string, string>>, nowMs: number): number {
  const seconds = Number(headers['retry-after']);
  if (Number.isFinite(seconds) && seconds >= 0) return Math.min(Math.max(1000, seconds * 1000), WAIT_MAX_MS);
  const resetMs = Number(headers['x-ratelimit-reset']) * 1000;
  if (headers['x-ratelimit-remaining'] === '0' && resetMs > nowMs) return Math.min(resetMs - nowMs, WAIT_MAX_MS);
  return SECONDARY_WAIT_MS;
}

function headersOf(error: unknown): Readonly<Record<string, string>> {
  if (typeof error !== 'object' || error === null || !('response' in error)) return {};
  const { response } = error;
  if (typeof response !== 'object' || response === null || !('headers' in response)) return {};
  const found: Record<string, string> = {};
  for (const [name, value] of Object.entries(response.headers as Readonly<Record<string, unknown>>))
    if (typeof value === 'string' || typeof value === 'number') found[name.toLowerCase()] = String(value);
  return found;
}

function numberAt(value: unknown, name: 'status'): number | undefined {
  if (typeof value !== 'object' || value === null || !(name in value)) return undefined;
  const found = (value as Readonly<Record<string, unknown>>)[name];
  // Octokit gives failures of the network itself the status 500 and no response.
  return typeof found === 'number' && 'response' in value ? found : undefined;
}
