import type { JsonObject } from '../../base/json.ts';
import { ANNOTATIONS_MAX, ARTIFACTS_MAX, EXIT_CODE_MAX, EXIT_CODE_MIN } from '../outcome.ts';

/** Shapes of what crosses the wire, JSON Schema 2020-12. A field that is not named is refused: it would be lost in silence. */

export function object(required: JsonObject, optional: JsonObject = {}): JsonObject {
  return {
    type: 'object',
    properties: { ...required, ...optional },
    required: Object.keys(required),
    additionalProperties: false,
  };
}

export function list(items: JsonObject, maxItems: number): JsonObject {
  return { type: 'array', items, maxItems };
}

export function text(maxLength: number, more: JsonObject = {}): JsonObject {
  return { type: 'string', maxLength, ...more };
}

export function whole(minimum: number, maximum: number): JsonObject {
  return { type: 'integer', minimum, maximum };
}

export function oneOf(...values: readonly string[]): JsonObject {
  return { type: 'string', enum: values };
}

const INT_MAX = 2_147_483_647;
const BYTES_MAX = Number.MAX_SAFE_INTEGER;
/** What one call names at most. */
export const HELD_MAX = 4096;
export const COMPLETIONS_MAX = 512;
export const ROOM_MAX = 512;

export const ANY_OBJECT: JsonObject = { type: 'object' };
export const DIGEST: JsonObject = text(71, { pattern: '^sha256:[0-9a-f]{64}$' });
/** A run's number is a bigint of the store; its index an int. */
export const STEP_ID_PATTERN = '[0-9]{1,15}\\.[0-9]{1,9}';
export const STEP_ID: JsonObject = text(32, { pattern: `^${STEP_ID_PATTERN}$` });
export const FENCE: JsonObject = whole(1, INT_MAX);
export const ISOLATION: JsonObject = oneOf('none', 'process', 'user', 'container');

const HELD_FIELDS: JsonObject = { stepId: STEP_ID, fence: FENCE };
export const HELD: JsonObject = object(HELD_FIELDS);

const ARTIFACT_FIELDS: JsonObject = {
  name: text(1024, { minLength: 1 }),
  path: text(4096, { minLength: 1 }),
  digest: DIGEST,
  sizeBytes: whole(0, BYTES_MAX),
};
export const ARTIFACTS: JsonObject = list(object(ARTIFACT_FIELDS), ARTIFACTS_MAX);
export const MADE_ARTIFACTS: JsonObject = list(object({ step: text(1024), ...ARTIFACT_FIELDS }), ARTIFACTS_MAX);

const LINE: JsonObject = whole(1, INT_MAX);
export const ANNOTATIONS: JsonObject = list(
  object(
    { level: oneOf('notice', 'warning', 'failure'), message: text(65_536) },
    {
      title: text(1024),
      path: text(4096),
      startLine: LINE,
      endLine: LINE,
      startColumn: LINE,
      endColumn: LINE,
    },
  ),
  ANNOTATIONS_MAX,
);

export const OUTCOME: JsonObject = object(
  { kind: oneOf('succeeded', 'failed', 'cancelled', 'retry-later') },
  {
    errorClass: oneOf('infra', 'timeout', 'rate-limit', 'step'),
    errorCode: text(100),
    message: text(16_384),
    exitCode: whole(EXIT_CODE_MIN, EXIT_CODE_MAX),
    outputs: ANY_OBJECT,
    artifacts: ARTIFACTS,
    log: object({ digest: DIGEST, sizeBytes: whole(0, BYTES_MAX), isTruncated: { type: 'boolean' } }),
    cacheKey: text(1024),
    isCacheHit: { type: 'boolean' },
    annotations: ANNOTATIONS,
    inputDigest: DIGEST,
    isolation: ISOLATION,
  },
);

export const COMPLETION: JsonObject = object({ ...HELD_FIELDS, outcome: OUTCOME });

/** Plan step and contexts are Maestro's own and may grow: whoever reads them takes what it knows. */
export const LEASE: JsonObject = {
  type: 'object',
  properties: {
    ...HELD_FIELDS,
    runId: text(64),
    attempt: whole(1, INT_MAX),
    iteration: whole(0, INT_MAX),
    planDigest: DIGEST,
    step: ANY_OBJECT,
    contexts: ANY_OBJECT,
    idempotencyKey: text(1024),
  },
  required: ['stepId', 'fence', 'runId', 'attempt', 'iteration', 'planDigest', 'step', 'contexts', 'idempotencyKey'],
};
