import type { JsonObject } from '../base/json.ts';

export const RECEIPT_PREDICATE_TYPE = 'https://maestro-conductor.dev/attestations/run-receipt/v1';
export const SCHEMA_VERSION = '1';

const text = { type: 'string' } as const;
const name = { type: 'string', minLength: 1 } as const;
const count = { type: 'integer', minimum: 0 } as const;
const flag = { type: 'boolean' } as const;
const digest = { type: 'string', pattern: '^sha256:[0-9a-f]{64}$' } as const;
const sha256 = { type: 'string', pattern: '^[0-9a-f]{64}$' } as const;
const time = { type: 'string', pattern: '^\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\d(\\.\\d{1,9})?Z$' } as const;
const size = { type: 'string', pattern: '^(0|[1-9]\\d{0,18})$' } as const;
/** May be negative here: the ledger's own check refuses that with its own code. */
const amount = { type: 'string', pattern: '^(0|-?[1-9]\\d{0,18})$' } as const;

/**
 * JSON Schema (2020-12) of the receipt's predicate. Every object is closed and every field required: what is unknown is
 * null, so nothing can hide in a field that readers skip.
 */
export const RECEIPT_PREDICATE_SCHEMA: JsonObject = {
  $schema: 'https://json-schema.org/draft/2020-12/schema',
  $id: RECEIPT_PREDICATE_TYPE,
  title: 'Maestro run receipt',
  ...object({
    schemaVersion: oneOf(SCHEMA_VERSION),
    run: ref('run'),
    plan: object({ digest, stepIds: list(name) }),
    inputs: list(ref('artifact')),
    outputs: list(ref('output')),
    steps: list(ref('step')),
    stepCount: count,
    stepsRoot: sha256,
    policy: list(ref('decision')),
    approvals: list(ref('approval')),
    llm: list(ref('llm')),
    cost: object({ microUsd: amount }),
    relations: list(ref('relation')),
    issuer: object({ builderId: name, version: text, keyReachableBySteps: flag }),
  }),
  $defs: {
    principal: object({ provider: name, id: name }),
    run: runSchema(),
    artifact: object(artifactFields()),
    output: object({ ...artifactFields(), stepId: name }),
    step: stepSchema(),
    decision: decisionSchema(),
    approval: object({
      id: name,
      gate: orNull(name),
      approver: ref('principal'),
      decision: oneOf('approve', 'deny'),
      reason: text,
      at: time,
      subjectDigest: digest,
    }),
    llm: object({
      seq: count,
      stepId: name,
      provider: name,
      model: name,
      revision: orNull(text),
      isCacheHit: flag,
      paramsDigest: digest,
      promptDigest: digest,
      responseDigest: digest,
      microUsd: amount,
      tokens: object({ in: amount, out: amount, cached: amount }),
    }),
    relation: object({
      type: oneOf('retryOf', 'childOf', 'parentOf', 'promotes', 'supersedes', 'replayOf'),
      runId: name,
      payloadSha256: orNull(sha256),
      logIndex: orNull(size),
    }),
  },
};

function runSchema(): JsonObject {
  return object({
    id: name,
    attempt: { type: 'integer', minimum: 1 },
    nonce: {
      type: 'string',
      pattern: '^([0-9a-f]{2}){16,64}$',
    },
    pipeline: object({ name, version: orNull(text), uri: text, path: text, digest }),
    trigger: object({ type: name, actor: ref('principal'), eventDigest: digest }),
    source: object({
      uri: text,
      gitCommit: orNull({
        type: 'string',
        pattern: '^([0-9a-f]{40}|[0-9a-f]{64})$',
      }),
    }),
    status: oneOf('succeeded', 'failed', 'cancelled', 'rejected'),
    reason: orNull(text),
    decisionId: name,
    startedOn: orNull(time),
    finishedOn: time,
  });
}

function stepSchema(): JsonObject {
  return object({
    seq: count,
    id: name,
    kind: oneOf('work', 'wait', 'gate'),
    needs: list(name),
    code: object({ uri: text, digest: orNull(digest) }),
    runner: object({ environment: text, isolation: orNull(oneOf('none', 'process', 'user', 'container')) }),
    paramsDigest: orNull(digest),
    inputs: list(ref('artifact')),
    outputs: list(ref('artifact')),
    outputsDigest: orNull(digest),
    exit: orNull({ type: 'integer' }),
    attempts: count,
    iteration: count,
    status: oneOf('succeeded', 'failed', 'skipped', 'cancelled', 'denied'),
    startedOn: orNull(time),
    finishedOn: orNull(time),
    logs: orNull(object({ digest, sizeBytes: size, isTruncated: flag })),
    isCacheHit: flag,
    carriedFrom: orNull(name),
    isFailureAbsorbed: flag,
    isCompensation: flag,
    reason: orNull(text),
    decisionId: orNull(name),
  });
}

function decisionSchema(): JsonObject {
  return object({
    id: name,
    phase: oneOf('run', 'step'),
    engine: object({ name, version: text }),
    entrypoint: text,
    bundle: object({ digest, revision: orNull(text) }),
    input: object({ digest }),
    result: object({ digest }),
    decision: oneOf('allow', 'deny', 'ask'),
    reasons: list(text),
    obligations: list(
      object({
        type: name,
        value: { type: ['string', 'number', 'boolean'] },
      }),
    ),
    evaluatedAt: time,
    override: orNull(object({ approvalId: name })),
  });
}

function artifactFields(): JsonObject {
  return { name, path: name, digest, sizeBytes: size };
}

function object(properties: JsonObject): JsonObject {
  return { type: 'object', properties, required: Object.keys(properties), additionalProperties: false };
}

function list(items: JsonObject): JsonObject {
  return { type: 'array', items };
}

function ref(definition: string): JsonObject {
  return { $ref: `#/$defs/${definition}` };
}

function oneOf(...values: string[]): JsonObject {
  return { enum: values };
}

function orNull(schema: JsonObject): JsonObject {
  return { anyOf: [{ type: 'null' }, schema] };
}
