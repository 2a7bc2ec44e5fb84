import { canonicalJson } from '../base/canonical-json.ts';
import { type Digest, digestJson } from '../base/digest.ts';
import { isJsonObject, type Json, type JsonObject } from '../base/json.ts';
import type { DecisionFact, RunFacts } from './facts.ts';
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

/** Takes exactly what the schema names, so whatever else the caller's objects hold never reaches a receipt. */
export function toRunRecord(facts: RunFacts): RunRecord {
  const policy = facts.policy.map((decision) => ({ ...decision, result: { digest: decisionResultDigest(decision) } }));
  const record = { ...facts, policy, schemaVersion: SCHEMA_VERSION };
  return project(record as unknown as Json, RECEIPT_PREDICATE_SCHEMA) as unknown as RunRecord;
}

/** Bytes of `run.json` (RFC 8785). */
export function runRecordText(record: RunRecord): string {
  return canonicalJson(record as unknown as Json);
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

function project(value: Json, schema: JsonObject): Json {
  if (value === null) return null;
  if (typeof schema['$ref'] === 'string') {
    return project(value, DEFINITIONS[schema['$ref'].slice(REF_PREFIX.length)] as JsonObject);
  }
  if (Array.isArray(schema['anyOf'])) return project(value, schema['anyOf'][1] as JsonObject);
  if (Array.isArray(value)) return value.map((item: Json) => project(item, schema['items'] as JsonObject));
  if (!isJsonObject(value)) return value;
  const fields = Object.entries(schema['properties'] as Readonly<Record<string, JsonObject>>);
  const known = fields.flatMap(([key, field]) =>
    value[key] === undefined ? [] : [[key, project(value[key], field)] as const],
  );
  return Object.fromEntries(known);
}
