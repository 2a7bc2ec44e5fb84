import { isDeepStrictEqual } from 'node:util';
import type { Digest } from '../base/digest.ts';
import type { StepRecord1 } from './run-record.ts';
import { demand } from './verification-error.ts';
import type { VerifiedReceipt } from './verify.ts';

/** A receipt that holds by itself. */
export type LinkedReceipt = Pick<VerifiedReceipt, 'payloadSha256' | 'statement'>;

/** Nobody retries that often; each round of the search for circles looks at all of them. */
const RECEIPTS_MAX = 1000;

/**
 * Holds receipts against those of the runs that they name. One alone can say that it retries, or promotes, what it likes; together
 * - every run that one of them names is among them, with the very receipt that is named;
 * - no run comes from itself, by whatever way round;
 * - a retry is the next attempt at the same plan, and each result that it carries over is the one that the run had which made it;
 * - whatever was promoted, the run made itself, or one that it says it promotes.
 *
 * @param receipts each of them verified
 * @throws VerificationError RELATION_DANGLING, RELATION_CYCLE, RELATION_INVALID, PROMOTION_INVALID, TOO_LARGE
 */
export function verifyLineage(receipts: readonly LinkedReceipt[]): void {
  demand(receipts.length <= RECEIPTS_MAX, 'TOO_LARGE', `expected at most ${RECEIPTS_MAX} receipts`);
  const family = familyOf(receipts);
  for (const receipt of family.values()) checkLinks(receipt, family);
  checkOrder(family);
  for (const receipt of family.values()) {
    checkRetry(receipt, family);
    checkCarried(receipt, family);
    checkPromoted(receipt, family);
  }
}

/** By run. */
type Family = ReadonlyMap<string, LinkedReceipt>;

function familyOf(receipts: readonly LinkedReceipt[]): Family {
  const family = new Map<string, LinkedReceipt>();
  for (const receipt of receipts) {
    const { id } = runOf(receipt);
    const known = family.get(id);
    const isSame = known === undefined || known.payloadSha256 === receipt.payloadSha256;
    demand(isSame, 'RELATION_INVALID', `there are two receipts of run ${id}`);
    family.set(id, receipt);
  }
  return family;
}

function checkLinks(receipt: LinkedReceipt, family: Family): void {
  const { id } = runOf(receipt);
  for (const { type, runId, payloadSha256 } of relationsOf(receipt)) {
    const other = family.get(runId);
    demand(other !== undefined, 'RELATION_DANGLING', `run ${id} is ${type} run ${runId}, whose receipt is not there`);
    const isIt = payloadSha256 === null || payloadSha256 === other.payloadSha256;
    demand(isIt, 'RELATION_INVALID', `run ${id} is ${type} run ${runId}, and names another receipt of it`);
  }
}

/** Takes away the runs that come from none that is left, until none is left: whatever stays comes from itself. */
function checkOrder(family: Family): void {
  const left = originsOf(family);
  for (let isStuck = false; !isStuck; ) {
    const free = [...left].filter(([, origins]) => !origins.some((origin) => left.has(origin)));
    for (const [id] of free) left.delete(id);
    isStuck = free.length === 0;
  }
  demand(left.size === 0, 'RELATION_CYCLE', () => `the runs ${[...left.keys()].join(', ')} come from each other`);
}

/** From which runs each one comes: a parent is told of by the child, and tells of it. */
function originsOf(family: Family): Map<string, readonly string[]> {
  const origins = new Map<string, string[]>([...family.keys()].map((id) => [id, []]));
  for (const receipt of family.values()) {
    for (const { type, runId } of relationsOf(receipt)) {
      const { id } = runOf(receipt);
      const [later, earlier] = type === 'parentOf' ? [runId, id] : [id, runId];
      origins.get(later)?.push(earlier);
    }
  }
  return origins;
}

function checkRetry(receipt: LinkedReceipt, family: Family): void {
  const { run, plan } = receipt.statement.predicate;
  const origin = relationsOf(receipt).find(({ type }) => type === 'retryOf');
  const before = origin && family.get(origin.runId)?.statement.predicate;
  if (!before) return;
  const isNext = run.attempt === before.run.attempt + 1 && plan.digest === before.plan.digest;
  demand(isNext, 'RELATION_INVALID', `run ${run.id} is not the next attempt at the plan of run ${before.run.id}`);
}

function checkCarried(receipt: LinkedReceipt, family: Family): void {
  for (const step of receipt.statement.predicate.steps) {
    if (step.carriedFrom === null) continue;
    const maker = family.get(step.carriedFrom)?.statement.predicate;
    const what = `step ${step.id} is carried over from run ${step.carriedFrom}`;
    demand(maker !== undefined, 'RELATION_DANGLING', `${what}, whose receipt is not there`);
    const made = maker.steps.find(({ id }) => id === step.id);
    const isSame = made?.carriedFrom === null && isDeepStrictEqual(resultOf(step), resultOf(made));
    demand(isSame, 'RELATION_INVALID', `${what}, which had another result`);
  }
}

function resultOf({ status, exit, outputs, outputsDigest, logs }: StepRecord1) {
  return { status, exit, outputs, outputsDigest, logs };
}

function checkPromoted(receipt: LinkedReceipt, family: Family): void {
  const { predicate } = receipt.statement;
  const promoted = relationsOf(receipt).flatMap(({ type, runId }) =>
    type === 'promotes' ? (family.get(runId) ?? []) : [],
  );
  if (promoted.length === 0 || predicate.schemaVersion === '1') return;
  const made = new Set([receipt, ...promoted].flatMap(digestsOf));
  for (const { gate, artifacts } of predicate.promotions) {
    const stray = artifacts.find((digest) => !made.has(digest));
    demand(
      stray === undefined,
      'PROMOTION_INVALID',
      () => `gate ${gate} promoted ${stray}, which no run that is promoted has made`,
    );
  }
}

function digestsOf({ statement }: LinkedReceipt): readonly Digest[] {
  return statement.predicate.outputs.map(({ digest }) => digest);
}

function runOf({ statement }: LinkedReceipt) {
  return statement.predicate.run;
}

function relationsOf({ statement }: LinkedReceipt) {
  return statement.predicate.relations;
}
