import type { JsonObject } from '../base/json.ts';
import { DEFINITIONS_1, FIELDS_1 } from './receipt-schema-1.ts';
import { commit, digest, flag, list, name, object, oneOf, orNull, predicateSchema, ref, time } from './schema-parts.ts';

/** Names what kind of statement it is, in every version; which fields it has stands in `schemaVersion`. */
export const RECEIPT_PREDICATE_TYPE = 'https://maestro-conductor.dev/attestations/run-receipt/v1';
export const SCHEMA_VERSION = '2';

const { principal, ...definitions } = DEFINITIONS_1;

/** Version 2 is version 1 with what policy said of secrets, answers and promotions, and with who people are for good. */
export const RECEIPT_PREDICATE_SCHEMA: JsonObject = predicateSchema(
  'https://maestro-conductor.dev/schema/run-receipt/v2',
  {
    ...FIELDS_1,
    schemaVersion: oneOf(SCHEMA_VERSION),
    secrets: list(ref('secret')),
    promotions: list(ref('promotion')),
  },
  {
    actor: { ...principal, account: orNull(name) },
    approver: { ...principal, account: name },
    ...definitions,
    run: { ...definitions.run, trigger: object({ type: name, actor: ref('actor'), eventDigest: digest }) },
    step: { ...definitions.step, environment: orNull(name) },
    decision: { ...definitions.decision, phase: oneOf('run', 'step', 'secret', 'approval', 'promotion') },
    approval: {
      ...definitions.approval,
      environment: orNull(name),
      approver: ref('approver'),
      revokedAt: orNull(time),
      decisionId: orNull(name),
    },
    secret: { stepId: name, names: list(name), at: time, decisionId: name },
    promotion: {
      gate: name,
      environment: name,
      artifacts: list(digest),
      commit: orNull(commit),
      isRollback: flag,
      decisionId: name,
      at: time,
    },
  },
);
