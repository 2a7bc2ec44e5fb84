import { type Digest, digestJson } from '../base/digest.ts';
import { MaestroError } from '../base/errors.ts';
import type { Json, JsonObject } from '../base/json.ts';
import type { ApprovalFact, DecisionFact, RunFacts, StepFact } from './facts.ts';
import { orderedText, orderKeys } from './ordered-json.ts';
import { RECEIPT_PREDICATE_SCHEMA, SCHEMA_VERSION } from './receipt-schema.ts';

export const RUN_RECORD_NAME = 'run.json';

/** `run.json`: the facts, and for each decision the digest of what it answered. */
export interface RunRecord extends Omit<RunFacts, 'policy'> {
  readonly schemaVersion: typeof SCHEMA_VERSION;
  readonly policy: readonly DecisionRecord[];
}

export interface DecisionRecord extends DecisionFact {
  readonly result: { readonly digest: Digest };
}

/** The same in version 1, which is still read and no longer written: it knew no environments, accounts, secrets or promotions. */
export interface RunRecord1 extends Omit<RunRecord, 'schemaVersion' | 'run' | 'steps' | 'approvals' | Added> {
  readonly schemaVersion: '1';
  readonly run: Omit<Run, 'trigger'> & { readonly trigger: Omit<Run['trigger'], 'actor'> & { readonly actor: Person } };
  readonly steps: readonly StepRecord1[];
  readonly approvals: readonly ApprovalRecord1[];
}

/** Every step of version 2 is one as well. */
export type StepRecord1 = Omit<StepFact, 'environment'>;

export interface ApprovalRecord1 extends Omit<ApprovalFact, 'environment' | 'approver' | 'revokedAt' | 'decisionId'> {
  readonly approver: Person;
}

type Added = 'secrets' | 'promotions';
type Run = RunFacts['run'];
type Person = { readonly provider: string; readonly id: string };

/**
 * Takes exactly what the schema names, so whatever else the caller's objects hold never reaches a receipt; keys in order.
 *
 * Throws INVALID_JSON for a lone surrogate, which has no UTF-8 form.
 */
export function toRunRecord(facts: RunFacts): RunRecord {
  const policy = facts.policy.map((decision) => ({ ...decision, result: { digest: decisionResultDigest(decision) } }));
  const record = { ...facts, policy, schemaVersion: SCHEMA_VERSION };
  return projectRecord(record as unknown as Json) as unknown as RunRecord;
}

/** Bytes of `run.json` (RFC 8785). The record's keys must be in order. */
export function runRecordText(record: RunRecord | RunRecord1): string {
  return orderedText(record);
}

/** Digest of the answer itself: a decision that was flipped afterwards no longer fits it. */
export function decisionResultDigest(decision: Pick<DecisionFact, 'decision' | 'reasons' | 'obligations'>): Digest {
  return digestJson({
    verdict: decision.decision,
    reasons: decision.reasons,
    obligations: decision.obligations.map(({ type, value }) => ({ type, value })),
  });
}

const DEFINITIONS = RECEIPT_PREDICATE_SCHEMA['$defs'] as Readonly<Record<string, JsonObject>>;
const REF_PREFIX = '#/$defs/';

const projectRecord: Projection = (value) => projectionOf(RECEIPT_PREDICATE_SCHEMA)(value);

/** Rebuilds a value from what its schema names. */
type Projection = (value: Json) => Json;

const projections = new Map<JsonObject, Projection>();

function projectionOf(schema: JsonObject): Projection {
  const known = projections.get(schema);
  if (known) return known;
  const made = makeProjection(schema);
  projections.set(schema, made);
  return made;
}

function makeProjection(schema: JsonObject): Projection {
  if (typeof schema['$ref'] === 'string') {
    return projectionOf(DEFINITIONS[schema['$ref'].slice(REF_PREFIX.length)] as JsonObject);
  }
  if (Array.isArray(schema['anyOf'])) {
    const inner = projectionOf(schema['anyOf'][1] as JsonObject);
    return (value) => (value === null ? null : inner(value));
  }
  if (schema['type'] === 'array') {
    const item = projectionOf(schema['items'] as JsonObject);
    return (value) => (value as readonly Json[]).map(item);
  }
  return schema['type'] === 'object' ? objectProjection(schema) : wellFormed;
}

function objectProjection(schema: JsonObject): Projection {
  const properties = orderKeys(schema['properties'] as Readonly<Record<string, JsonObject>>);
  const fields = Object.entries(properties).map(([key, field]) => [key, projectionOf(field)] as const);
  return (value) => {
    const picked: Record<string, Json> = {};
    for (const [key, project] of fields) {
      const held = (value as JsonObject)[key];
      if (held !== undefined) picked[key] = project(held);
    }
    return picked;
  };
}

function wellFormed(value: Json): Json {
  if (typeof value === 'string' && !value.isWellFormed()) {
    throw new MaestroError('INVALID_JSON', 'a string holds a lone surrogate, which has no UTF-8 form');
  }
  return value;
}
