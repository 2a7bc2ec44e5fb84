/** Limits of what a caller may send, wait for and ask how often. Sizes are of the body as it is read. */

/** Of a job that has shown who it is. */
export const HELLO_BYTES_MAX = 65_536;
/** Parameters of a run come with its hello. */
export const START_BYTES_MAX = 1_048_576;
export const SMALL_BYTES_MAX = 65_536;
export const RENEW_BYTES_MAX = 524_288;
export const BLOB_BYTES_MAX = 2_147_483_648;
/** Nesting of a body: outputs of 200 levels, and what they come in. */
export const BODY_DEPTH_MAX = 256;

/**
 * Memory of all bodies that are read and worked on. Large ones have an account of their own, so that however many they are,
 * a worker can say that it lives.
 */
export const SMALL_BODIES = { bytesMax: 67_108_864, callerBytesMax: 4_194_304 };
export const LARGE_BODIES = { bytesMax: 268_435_456, callerBytesMax: 67_108_864 };
/** What a value takes in memory beside its text. */
export const VALUE_BYTES = 48;

/** A JSON body must have arrived by then. */
export const BODY_MS_MAX = 30_000;
/** Between two parts of a streamed body, or of an answer that is read as it comes. */
export const STREAM_IDLE_MS_MAX = 60_000;
/** While a held call waits, the run is looked at this often. */
export const DRAIN_POLL_MS = 2000;

/** Calls of one session. A busy worker completes and logs some dozens of times a second. */
export const SESSION_RATE = { perSecond: 100, burst: 400 };
/** Of files, apart from the others: what a step leaves may be ten thousand small ones, and its lease is renewed meanwhile. */
export const CONTENT_RATE = { perSecond: 500, burst: 2000 };
/** Bytes of one session's JSON, unpacked. What is stored of the logs of four steps at once comes as one burst. */
export const SESSION_BYTES_RATE = { perSecond: 4_194_304, burst: 67_108_864 };
/** Calls by which a worker lives are told apart, so that no log starves them: they are few, and small. */
export const VITAL_RATE = { perSecond: 20, burst: 100 };
export const VITAL_BYTES_RATE = { perSecond: 262_144, burst: 4_194_304 };
/**
 * Calls from one address that nobody answers for: of jobs that register, of strangers, and those whose token does not hold. All jobs
 * of a fleet may share an address: 2 a second let jobs of a busy hour wait for a minute.
 */
export const ADDRESS_RATE = { perSecond: 20, burst: 200 };
/** Calls of one person, who answers a gate at a time: each costs some calls to GitHub that the installation shares. */
export const PERSON_RATE = { perSecond: 0.5, burst: 30 };
/** Tokens of people that GitHub is asked about at once. */
export const PEOPLE_ASKED_AT_ONCE_MAX = 64;
/** Sessions, people or addresses that are counted at once. */
export const RATES_KEPT = 50_000;

/** Calls of one session on one route that are being answered: the worker runs up to 64 steps, and of each sends one log. */
export const CALLS_AT_ONCE_MAX = 128;
/** Of files: 64 steps send 8 each at once. */
export const CONTENT_CALLS_AT_ONCE_MAX = 512;
/** Of those that the server holds open a worker has one; another may hang where its connection broke. */
export const HELD_AT_ONCE_MAX = 4;
/** Statements and lists of artifacts: each may hold some megabytes while it is made. So many of one session, and of all. */
export const STATEMENTS_AT_ONCE_MAX = 8;
export const STATEMENTS_OF_ALL_MAX = 16;
export const PERSON_CALLS_AT_ONCE_MAX = 4;
/** Each loads the whole run, and writes it as one answer: so many of one session, and of all. */
export const RUN_READS_AT_ONCE_MAX = 2;
export const RUN_READS_OF_ALL_MAX = 16;
/** Each verifies everything that was signed of a run, or packs it: up to a second of a core. So many of one person, and of all. */
export const GATE_READS_AT_ONCE_MAX = 1;
export const GATE_READS_OF_ALL_MAX = 4;

/** What is known of the server's health is as good for a second. */
export const HEALTH_MS = 1000;

/** A job of GitHub's lives for six hours unless its workflow says otherwise, and ours does not. */
export const SESSION_MS = 6.5 * 3_600_000;
/** Where its workflow says otherwise: GitHub ends every job after five days. */
export const SESSION_MS_MAX = 5 * 86_400_000;
/** A session is prolonged when that brings it so much. */
export const PROLONG_MS = 1_800_000;

/** After its worker has left, a job may see for this long how its run ended. */
export const LINGER_MS = 600_000;
