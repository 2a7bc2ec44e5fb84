/** Bounds of the language. Each is a lint error when it is passed, never a slow machine. */

/** UTF-8 bytes of a pipeline file. */
export const FILE_BYTES_MAX = 1_048_576;
/** Alias expansions of one file: the guard against "billion laughs". */
export const ALIASES_MAX = 100;
/** Values of one file after its aliases are expanded. */
export const NODES_MAX = 500_000;
/** Nesting of values, and of templates within `with`. */
export const DEPTH_MAX = 100;
/** Steps of a plan, after matrices are expanded. */
export const STEPS_MAX = 10_000;
/** Edges of a plan: a matrix that needs a matrix multiplies them. */
export const NEEDS_MAX = 500_000;
/**
 * Of a receipt of 16 MiB: what the steps of a plan take, `needs` included. The rest is for the run itself, answers of people,
 * words and artifacts.
 */
export const PLAN_RECEIPT_BYTES_MAX = 15_500_000;
export const MATRIX_COMBINATIONS_MAX = 256;
export const LOOP_MAX = 100;
export const RETRIES_MAX = 10;
/** Findings that are reported; one more says that there are others. */
export const FINDINGS_MAX = 1000;

export const TIMEOUT_MS_MIN = 100;
export const TIMEOUT_MS_MAX = 30 * 86_400_000;

/** GitHub's own limit of the text between `${{` and `}}`. */
export const EXPRESSION_CHARS_MAX = 21_000;
/** Bounds the depth of operator chains, which GitHub's parser does not count. */
export const EXPRESSION_TOKENS_MAX = 2000;
/** Characters of any text that an expression or a template makes. */
export const EXPRESSION_RESULT_CHARS_MAX = 1_048_576;
/** Parsed templates kept; longer texts than the second figure are parsed anew each time. */
export const TEMPLATES_CACHED_MAX = 16_384;
export const TEMPLATE_CACHED_CHARS_MAX = 2000;

/** Bytes of a task's manifest, and files that it may list. */
export const TASK_MANIFEST_BYTES_MAX = 262_144;
export const TASK_FILES_MAX = 1000;

/** Of a release that a pipeline makes: GitHub's title is one line, its text has room for what Maestro says beside the notes. */
export const RELEASE_TITLE_CHARS_MAX = 255;
export const RELEASE_NOTES_CHARS_MAX = 20_000;
/** Names of artifacts: each is a file or more, and each file costs the installation a write. */
export const RELEASE_ARTIFACTS_MAX = 100;
