/**
 * What workers may leave behind: a little above what one sends that keeps to its own limits. The engine holds every
 * worker to them, near or far.
 */

/** An outcome of so few bytes, without artifacts, counts for nothing: every step of a plan may have one. */
export const OUTCOME_BYTES_FREE = 1024;
/** All other outcomes of one run, as JSON: 32 of the largest outputs, with what comes with them. */
export const RUN_OUTCOME_BYTES_MAX = 37_748_736;
/** What takes more memory than so many times its JSON, once it is read, counts as the text that would take as much. */
export const HEAP_BYTES_PER_TEXT_BYTE = 8;
/** An outcome for which there is no room may still say so much of how it ended. */
export const MESSAGE_BYTES_FREE = 160;

/** Why a step or a run ended, or waits: what stands in its row. */
export const REASON_CHARS_MAX = 2000;
/** One text of an event. */
export const EVENT_TEXT_CHARS_MAX = 4000;

/** Of the receipt: kept for relations, for numbers that are longer than usual, and for what is said of steps. */
export const RECEIPT_BYTES_RESERVED = 393_216;
/** Of the receipt: all answers of people to one run with what policy said of each, without words. Over 250 of ordinary names. */
export const ANSWER_BYTES_MAX = 262_144;
/** Of the receipt: one of its subjects. There are only so many, and any artifact may be among them: what is longer takes room. */
export const SUBJECT_BYTES = 256;

/**
 * Characters that templates made of the inputs of one run's steps, in one transaction: they are in memory together, and judged
 * on one thread. Thousands of steps may read what one step left.
 */
export const JUDGED_CHARS_MAX = 8_388_608;

/** Of the results that the leases of one answer carry. One lease may go with more. */
export const LEASES_BYTES_MAX = 67_108_864;

/** The worker cuts a log at 16 MiB, and says so in one line more. */
export const LOG_BYTES_MAX = 17_825_792;
/** A slow step's worker sends five chunks a second: this is a day of them. */
export const LOG_CHUNKS_MAX = 500_000;
/** Events of annotations while a step runs. */
export const ANNOTATION_CALLS_MAX = 1000;
/** Artifacts of 10,000 files, 50,000 files of a cache entry, and large tries that were broken off. */
export const BLOBS_MAX = 100_000;
export const BLOB_BYTES_MAX = 34_359_738_368;
/** Content is counted for its attempt while it arrives, each time that so much has come. */
export const BLOB_COUNT_EVERY_BYTES = 16_777_216;
/** The same for the day, which asks the database only for each portion of it. */
export const BLOB_DAY_EVERY_BYTES = 1_048_576;
/** Of all attempts of one repository on one day. */
export const BLOB_BYTES_PER_DAY_MAX = 68_719_476_736;
/** A process takes so much of a day at once, and gives back what it does not need. */
export const BLOB_DAY_PORTION_BYTES = 16_777_216;
/** The worker keeps one result per attempt, and may have to say so again. */
export const CACHE_SAVES_MAX = 4;
export const CACHE_BYTES_MAX = 33_554_432;

/** Results of one repository that are kept; beyond that the oldest go. */
export const CACHE_ENTRIES_KEPT = 10_000;
export const CACHE_BYTES_KEPT = 1_073_741_824;

/** Statements of one run, which stay as long as its receipt: four of the largest SBOMs, or those of a hundred artifacts. */
export const ATTESTATIONS_OF_RUN = { count: 512, bytes: 67_108_864 };
