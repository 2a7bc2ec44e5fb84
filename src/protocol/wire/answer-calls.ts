import type { JsonObject } from '../../base/json.ts';
import { DIGEST, object, oneOf, text } from './schema.ts';

/** As long as a reason in a comment. */
const REASON_CHARS_MAX = 500;
const GATE: JsonObject = { anyOf: [text(512, { minLength: 1 }), { type: 'null' }] };

/** An answer of a person to a gate, and what came of it. */
export const ANSWER = {
  body: object({ reason: text(REASON_CHARS_MAX) }, { gate: GATE, planDigest: DIGEST }),
  answer: object({
    run: text(64),
    gate: GATE,
    decision: oneOf('approve', 'deny', 'revoke'),
    person: text(256),
    planDigest: DIGEST,
    status: text(32),
    isWaiting: { type: 'boolean' },
  }),
};
