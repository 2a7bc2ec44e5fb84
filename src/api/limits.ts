/** Limits of what a caller may send, wait for and ask how often. Sizes are of the body as it is read. */

/** Before anything is known of the caller. */
export const HELLO_BYTES_MAX = 65_536;
/** Parameters of a run come with its hello. */
export const START_BYTES_MAX = 1_048_576;
export const SMALL_BYTES_MAX = 65_536;
export const RENEW_BYTES_MAX = 524_288;
export const BLOB_BYTES_MAX = 2_147_483_648;

/** A JSON body must have arrived by then. */
export const BODY_MS_MAX = 30_000;
/** Between two parts of a streamed body. */
export const STREAM_IDLE_MS_MAX = 60_000;
/** While a held call waits, the run is looked at this often. */
export const DRAIN_POLL_MS = 2000;

/** Calls of one session. A busy worker completes and logs some dozens of times a second. */
export const SESSION_RATE = { perSecond: 100, burst: 400 };
/** Registrations from one address, which all jobs of a fleet may share: 2 a second let jobs of a busy hour wait for a minute. */
export const ADDRESS_RATE = { perSecond: 20, burst: 200 };
/** Sessions, or addresses, that are counted at once. */
export const RATES_KEPT = 50_000;

/** A job of GitHub's lives for six hours unless its workflow says otherwise, and ours does not. */
export const SESSION_MS = 6.5 * 3_600_000;

/** After its worker has left, a job may see for this long how its run ended. */
export const LINGER_MS = 600_000;
