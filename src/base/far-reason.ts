/** As much of a far end's own name for its trouble as an error shows. */
const REASON = /^[\w.:-]{1,80}$/;

/** What the libraries of vendors say about a failure. */
interface FarError {
  readonly name?: unknown;
  readonly code?: unknown;
  readonly statusCode?: unknown;
  readonly cause?: { readonly code?: unknown };
  readonly $metadata?: { readonly httpStatusCode?: unknown };
}

/** Names and codes of a failure at a far end, and none of its words: those may repeat what it was sent. */
export function farReason(error: unknown): string {
  const { name, code, cause, statusCode, $metadata } = error as FarError;
  const names = [name === 'Error' ? undefined : name, code, statusCode ?? $metadata?.httpStatusCode, cause?.code];
  const shown = names.map(String).filter((word) => word !== 'undefined' && REASON.test(word));
  return [...new Set(shown)].join(' ') || 'it failed without a code';
}
