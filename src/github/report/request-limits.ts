/** A client that waits for its own turn counts that as well. Well below the time of a claim. */
const REQUEST_MS = 45_000;

/**
 * A request that is made once and ends in time. A creation that the client tries again by itself, after an answer that was
 * lost, makes a second one; and a connection that hangs would keep its installation from being served.
 */
export function once(): { readonly retries: number; readonly signal: AbortSignal } {
  return { retries: 0, signal: AbortSignal.timeout(REQUEST_MS) };
}
