import { formatDuration } from '../base/duration.ts';

const DIGEST_CHARS_SHOWN = 12;
const RUN_ID_CHARS_SHOWN = 10;

/** `sha256:` and the first digits: enough to recognise, too few to verify. */
export function shortDigest(digest: string): string {
  return digest.slice(0, 'sha256:'.length + DIGEST_CHARS_SHOWN);
}

/** The part of a run id that people type; a ULID's first ten characters are its millisecond. */
export function shortRunId(id: string): string {
  return id.slice(0, RUN_ID_CHARS_SHOWN);
}

export function formatMicroUsd(microUsd: number): string {
  return `${(microUsd / 1_000_000).toFixed(2)} USD`;
}

/** Time between two RFC 3339 instants; of a running thing, until now. Empty where it has not begun. */
export function durationText(startedAt: string | null, finishedAt: string | null, nowMs: number): string {
  if (startedAt === null) return '';
  const end = finishedAt === null ? nowMs : Date.parse(finishedAt);
  return formatDuration(end - Date.parse(startedAt));
}

/** `3m05s ago`, `2h10m ago`, `4d ago`. */
export function agoText(at: string, nowMs: number): string {
  const ms = nowMs - Date.parse(at);
  const days = Math.floor(ms / 86_400_000);
  return days >= 1 ? `${days}d ago` : `${formatDuration(ms)} ago`;
}
