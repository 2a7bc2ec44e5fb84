import type { JsonObject } from '../../base/json.ts';
import { ATTESTATION_KINDS, ATTESTED_SUBJECTS_MAX, SUBJECT_NAME_CHARS_MAX } from '../attestation.ts';
import {
  ANNOTATIONS,
  ANY_OBJECT,
  ARTIFACTS,
  COMPLETION,
  COMPLETIONS_MAX,
  DIGEST,
  FENCE,
  HELD,
  HELD_MAX,
  LEASE,
  list,
  MADE_ARTIFACTS,
  OUTCOME,
  object,
  oneOf,
  ROOM_MAX,
  STEP_ID,
  text,
  whole,
} from './schema.ts';

/** How long a server holds an `acquire` or a `signals` call at most, whatever it is asked for. */
export const HOLD_MS_MAX = 25_000;
/** Bytes of a body. Outputs of 1 MiB and a thousand annotations of 16 KiB fit; a batch that does not is sent in parts. */
export const COMPLETE_BYTES_MAX = 33_554_432;
/** An attempt may send half of it in all; characters may be escaped. */
export const EVENTS_BYTES_MAX = 1_048_576;
/** After gunzip: a few kilobytes can unfold to gigabytes. */
export const LOG_BYTES_MAX = 8_388_608;
export const CACHE_BYTES_MAX = 8_388_608;
/** One chunk, in characters; the worker's own are a quarter of it. */
const LOG_CHUNK_CHARS_MAX = 1_048_576;
const LOG_CHUNKS_MAX = 256;
const CACHE_KEY = text(512, { minLength: 1 });
const CACHE_TTL_MS_MAX = 366 * 86_400_000;

const WAIT_MS = whole(0, 3_600_000);
const LEASES = list(LEASE, ROOM_MAX);
const ANSWER = oneOf('recorded', 'lost');

/** A call without a body or an answer of its own. */
export const NOTHING: JsonObject = object({});

export const ACQUIRE = {
  body: object({ room: whole(1, ROOM_MAX), waitMs: WAIT_MS }),
  answer: object({ leases: LEASES }),
};
export const RENEW = { body: object({ held: list(HELD, HELD_MAX) }), answer: object({ lost: list(HELD, HELD_MAX) }) };
export const SIGNALS = {
  body: object({ waitMs: WAIT_MS }),
  answer: object({
    signals: list(
      { anyOf: [object({ type: oneOf('cancel'), stepId: STEP_ID, fence: FENCE }), object({ type: oneOf('drain') })] },
      HELD_MAX,
    ),
  }),
};
export const COMPLETE = {
  body: object({ completions: list(COMPLETION, COMPLETIONS_MAX), room: whole(0, ROOM_MAX) }),
  answer: object({ answers: list(ANSWER, COMPLETIONS_MAX), leases: LEASES }),
};
export const COMPLETE_ONE = { body: object({ fence: FENCE, outcome: OUTCOME }), answer: object({ answer: ANSWER }) };
export const LOGS = object({
  fence: FENCE,
  chunks: list(object({ seq: whole(0, 2_147_483_647), text: text(LOG_CHUNK_CHARS_MAX) }), LOG_CHUNKS_MAX),
});
export const EVENTS = object({ fence: FENCE, annotations: ANNOTATIONS });
export const SECRETS = { body: object({ fence: FENCE }), answer: object({ values: ANY_OBJECT }) };
export const BLOB = object({ digest: DIGEST, sizeBytes: whole(0, Number.MAX_SAFE_INTEGER) });
export const FIND_ARTIFACTS = {
  body: object({ fence: FENCE, name: text(1024, { minLength: 1 }) }, { from: text(1024, { minLength: 1 }) }),
  answer: object({ artifacts: MADE_ARTIFACTS }),
};
/** Names of 64 subjects, escaped. */
export const ATTEST_BYTES_MAX = 1_048_576;
export const ATTEST = {
  body: object(
    {
      fence: FENCE,
      kind: oneOf(...ATTESTATION_KINDS),
      subjects: list(
        object({ name: text(SUBJECT_NAME_CHARS_MAX, { minLength: 1 }), digest: DIGEST }),
        ATTESTED_SUBJECTS_MAX,
      ),
    },
    { predicate: DIGEST },
  ),
  answer: object({ bundle: { type: 'string' } }),
};
export const CACHE_READ = {
  body: object({ fence: FENCE, key: CACHE_KEY }),
  answer: object({
    entry: {
      anyOf: [
        { type: 'null' },
        object({ key: CACHE_KEY, outputs: ANY_OBJECT, artifacts: ARTIFACTS, files: ARTIFACTS, runId: text(64) }),
      ],
    },
  }),
};
export const CACHE_SAVE = object({
  fence: FENCE,
  entry: object({ key: CACHE_KEY, outputs: ANY_OBJECT, artifacts: ARTIFACTS, files: ARTIFACTS }),
  ttlMs: whole(0, CACHE_TTL_MS_MAX),
});
