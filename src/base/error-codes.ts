/** What a code means to a caller: HTTP status, whether the same call may succeed later, and what the reader does next. */
interface ErrorKind {
  readonly httpStatus: number;
  readonly isRetryable: boolean;
  readonly nextStep: string;
}

const kind = (httpStatus: number, isRetryable: boolean, nextStep: string): ErrorKind => ({
  httpStatus,
  isRetryable,
  nextStep,
});

/** The closed table of errors. Codes are public: tests, scripts and the API rely on them. */
export const ERROR_CODES = {
  APPROVAL_NOT_ALLOWED: kind(403, false, 'see the reasons; ask somebody whom gate and policy allow'),
  ARTIFACT_NOT_FOUND: kind(404, false, 'check that the path matches files that the step leaves behind'),
  BLOB_CORRUPT: kind(500, false, 'restore the blob from a backup; its digest no longer matches its name'),
  BUCKET_UNFIT: kind(
    422,
    false,
    'name a bucket with versioning and object lock: docs/guides/evidence.md says how to make one',
  ),
  COMMAND_BUSY: kind(409, true, 'wait: the same request is being done'),
  CONFIG_INVALID: kind(400, false, 'correct the named setting'),
  CONFLICT: kind(409, false, 'read the current state and decide again'),
  DISK_FULL: kind(507, true, 'free space on the disk that holds the state folder, then run `maestro resume`'),
  EVIDENCE_NOT_FOUND: kind(404, false, 'see `maestro evidence checkpoint` for how many leaves the register has'),
  EXPRESSION_FAILED: kind(422, false, 'correct the expression, or the values that it reads'),
  FILE_NOT_READABLE: kind(400, false, 'name a readable regular file'),
  FILE_TOO_LARGE: kind(413, false, 'split the file, or move data out of it'),
  GATE_NOT_OPEN: kind(409, false, 'see `maestro status RUN` for the gates that wait'),
  IMAGE_INVALID: kind(422, false, 'build the image again: a layout is pushed as it was built, or not at all'),
  INPUT_INVALID: kind(422, false, 'correct `with`: see the step’s input schema'),
  INTERNAL: kind(500, false, 'report this with the run id; the state on disk is kept'),
  INVALID_JSON: kind(400, false, 'correct the JSON document'),
  JOB_REFUSED: kind(403, false, 'see the reason: only the job that was asked for may register, from its own workflow'),
  KEY_INVALID: kind(
    400,
    false,
    'give a key of the kind that is named: to sign a private one as PEM, of mode 0600, to verify a public one',
  ),
  KEY_RETIRED: kind(
    409,
    false,
    'put another key in its place: `maestro keys rotate` for a file, a new version in the key service; see docs/guides/signing-keys.md',
  ),
  LEASE_LOST: kind(409, false, 'drop the result: another attempt owns the step'),
  NETWORK_FAILED: kind(502, true, 'see whether the host is reachable from the worker'),
  NO_RUNNER: kind(503, false, 'see the reason on the check; then `maestro retry RUN`, or `/maestro retry`'),
  NOT_FROM_STEP: kind(400, false, 'ask a person to run this command, outside of every run'),
  OUTPUT_INVALID: kind(422, false, 'correct what the step writes, or its `outputs`'),
  OUTPUT_TOO_LARGE: kind(413, false, 'keep large results as artifacts, and name them in outputs'),
  PARAM_INVALID: kind(400, false, 'see the parameters with `maestro plan`'),
  PIPELINE_INVALID: kind(422, false, 'see every finding with `maestro lint`'),
  PIPELINE_NOT_FOUND: kind(404, false, 'name a pipeline file, or create one with `maestro init`'),
  PLAN_NOT_FOUND: kind(404, false, 'the state folder is incomplete: restore it from a backup'),
  POLICY_DENIED: kind(403, false, 'see the reasons; change the pipeline or the policy data'),
  POLICY_INVALID: kind(
    422,
    false,
    'correct the named file, or rebuild the bundle: ours with `npm run policy:build`, own rules with `opa build`',
  ),
  RATE_LIMITED: kind(429, true, 'wait, as long as `Retry-After` says where it is given, and try again'),
  RECEIPT_INVALID: kind(422, false, 'do not trust the receipt'),
  RECEIPT_NOT_READY: kind(202, true, 'wait: the run has ended and its receipt is about to be signed'),
  REGISTRY_REFUSED: kind(502, false, 'see what the registry says; check name, user and rights'),
  REQUEST_INVALID: kind(400, false, 'correct the named field: see /api/v1/openapi.json'),
  REQUEST_TIMED_OUT: kind(408, true, 'send the whole request sooner'),
  REQUEST_TOO_LARGE: kind(413, false, 'send less at once'),
  ROUTE_NOT_FOUND: kind(404, false, 'see /api/v1/openapi.json for the routes'),
  RUN_FINISHED: kind(409, false, 'start a new attempt with `maestro retry RUN`'),
  RUN_NOT_FINISHED: kind(409, true, 'wait until the run has ended'),
  RUN_NOT_FOUND: kind(404, false, 'list runs with `maestro status`'),
  SBOM_INVALID: kind(422, false, 'see what the message says of the document; it must be CycloneDX 1.6 JSON'),
  SCAN_FAILED: kind(422, false, 'see the step’s log: a scanner that fails has found nothing out, so the step fails'),
  SCAN_OVER_THRESHOLD: kind(
    422,
    false,
    'upgrade what the scan names, or say in a VEX file why it does not affect you; or raise the threshold, as policy allows',
  ),
  SCHEMA_DIFFERS: kind(500, false, 'restore the build that made the database, or move its state folder away'),
  SCHEMA_TOO_NEW: kind(500, false, 'update Maestro: the database was written by a newer version'),
  SECRET_FOUND: kind(
    422,
    false,
    'revoke the secret, for whoever reads the repository knows it; then take it out, or name the place in the ignore file',
  ),
  SECRET_IN_ARTIFACT: kind(
    422,
    false,
    'leave the named file out of artifacts and cache, or the secret out of the file',
  ),
  SECRET_NOT_FOUND: kind(
    400,
    false,
    'provide the secret: here with `--secret NAME`, on a server see docs/guides/secrets.md',
  ),
  SECRET_UNUSABLE: kind(422, false, 'store the secret as text of at most 64 KiB, without NUL characters'),
  SECRETS_UNAVAILABLE: kind(503, true, 'try again; the server’s log says what keeps its secrets from it'),
  SIGNER_UNAVAILABLE: kind(
    503,
    true,
    'see whether the key service can be reached and lets this machine sign; receipts are signed when it does',
  ),
  STATE_CORRUPT: kind(500, false, 'move the state folder away and start again; receipts that were exported stay valid'),
  STATE_LOCKED: kind(409, true, 'wait for the other process, or set DATABASE_URL to share a Postgres'),
  STEP_NOT_AVAILABLE: kind(501, false, 'use a step of this version (see `maestro lint`), or update Maestro'),
  STEP_NOT_FOUND: kind(404, false, 'see the step ids with `maestro status RUN`'),
  STEP_NOT_STARTED: kind(500, true, 'see whether the program and the working directory exist on the worker'),
  STEP_TIMED_OUT: kind(504, false, 'raise the step’s `timeout`, or find out what it waits for'),
  STORE_REFUSED: kind(502, false, 'see what the store says; check bucket, region, credentials and rights'),
  TASK_INVALID: kind(422, false, 'correct the task’s maestro.task.json'),
  TASK_NOT_FOUND: kind(404, false, 'install the package, or correct the path'),
  TOO_MANY_ANSWERS: kind(409, false, 'cancel the run with `maestro cancel RUN`, and start a new one'),
  UNAUTHENTICATED: kind(
    401,
    false,
    'a worker registers again, with a fresh identity token of its job; a person shows a GitHub token of their own',
  ),
  UNAVAILABLE: kind(503, true, 'try again; the server’s log tells more under the request id'),
  UNSUPPORTED: kind(501, false, 'use a supported setting'),
  USAGE: kind(400, false, 'see `maestro help`'),
} as const satisfies Record<string, ErrorKind>;

export type ErrorCode = keyof typeof ERROR_CODES;
