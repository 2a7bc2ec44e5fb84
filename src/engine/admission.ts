import { parseDuration } from '../base/duration.ts';
import { isMaestroError } from '../base/errors.ts';
import type { JsonObject } from '../base/json.ts';
import { type ExpressionFunctions, evaluateCondition } from '../pipeline/expression.ts';
import { referencesOf } from '../pipeline/expression-references.ts';
import type { PlanStep } from '../pipeline/plan.ts';
import type { Decision } from '../policy/decision.ts';
import type { PolicyEngine } from '../policy/evaluate.ts';
import type { PolicyInput } from '../policy/input.ts';
import { questionKey, stepInput } from '../policy/input-from-plan.ts';
import type { StepContexts } from '../protocol/lease.ts';
import type { AskedDecision } from '../store/decisions.ts';
import type { RunContexts } from './contexts.ts';
import { expiresAfterMs } from './obligations.ts';
import { isPromotion, JUDGE_AGAIN_MS } from './promotion-step.ts';
import { resolveInputs } from './resolve-inputs.ts';
import type { RunEntry } from './run-entry.ts';
import { type Admission, UPSTREAM } from './run-state.ts';

export interface AdmissionRequest {
  readonly entry: RunEntry;
  readonly step: PlanStep;
  /** Undefined for compensations, which have no condition and read no outputs. */
  readonly idx: number;
  readonly flags: number;
  readonly isCancelling: boolean;
  readonly isCompensation: boolean;
  /** Environments that gates before it have promoted to. */
  readonly gatedBy: readonly string[];
  /** A person has let the step pass an `ask`. */
  readonly isApproved: boolean;
  readonly contexts: StepContexts;
  readonly nowMs: number;
}

export interface Admitted {
  readonly admission: Admission;
  /** What policy said; null where the step does not begin anyway. */
  readonly asked: AskedDecision | null;
}

/**
 * Judges a step whose dependencies are final: its condition, then policy, then what its kind waits for.
 *
 * Expressions that read what only a worker has (`secrets`, `runner`, `hashFiles`) are left as written for policy.
 */
export function admitStep(policy: PolicyEngine, request: AdmissionRequest): Admitted {
  try {
    if (!request.isCompensation && !conditionHolds(request))
      return { admission: { type: 'skip', reason: skipReason(request) }, asked: null };
    const asked = askPolicy(policy, request);
    return { admission: judge(request, asked.decision), asked };
  } catch (error) {
    if (!isMaestroError(error)) throw error;
    return { admission: { type: 'fail', reason: `${error.code}: ${error.message}` }, asked: null };
  }
}

export function askPolicy(
  policy: PolicyEngine,
  request: Pick<AdmissionRequest, 'entry' | 'step' | 'idx' | 'contexts' | 'isCompensation' | 'gatedBy'>,
): AskedDecision {
  const { entry, step, gatedBy } = request;
  const { plan } = entry.compiled;
  const isTemplated = request.isCompensation || entry.compiled.facts[request.idx]?.isTemplated === true;
  if (!isTemplated) {
    const input = (): PolicyInput => stepInput(plan, step, entry.trigger, gatedBy);
    return { decision: policy.evaluateKeyed(questionKey(entry.policyKey, step, gatedBy), input), input };
  }
  const input = stepInput(plan, { ...step, with: resolveInputs(step, request.contexts) }, entry.trigger, gatedBy);
  return { decision: policy.evaluate(input), input: () => input };
}

export function expressionContexts(contexts: RunContexts): Record<string, JsonObject> {
  return { ...contexts };
}

const STATUS_FUNCTIONS = ['success', 'failure', 'cancelled', 'always'];

/** As for Actions' jobs: a condition that names no status function also wants everything before it to have succeeded. */
function conditionHolds(request: AdmissionRequest): boolean {
  const isClean = request.flags === 0 && !request.isCancelling;
  const condition = request.step.if;
  if (condition === undefined) return isClean;
  const names = referencesOf(condition).functions;
  if (!isClean && !STATUS_FUNCTIONS.some((name) => names.has(name))) return false;
  return evaluateCondition(condition, expressionContexts(request.contexts), statusFunctions(request));
}

export function statusFunctions(state: {
  readonly flags: number;
  readonly isCancelling: boolean;
}): ExpressionFunctions {
  return {
    success: () => state.flags === 0 && !state.isCancelling,
    failure: () => (state.flags & UPSTREAM.failed) !== 0,
    cancelled: () => state.isCancelling,
    always: () => true,
  };
}

function skipReason(request: AdmissionRequest): string {
  if (request.isCancelling) return 'the run was cancelled';
  if (request.step.if !== undefined) return `its condition is false: ${request.step.if}`;
  return (request.flags & UPSTREAM.failed) !== 0 ? 'a step before it failed' : 'a step before it was skipped';
}

function judge(request: AdmissionRequest, decision: Decision): Admission {
  const reason = decision.reasons.join('; ') || `policy says ${decision.verdict}`;
  if (decision.verdict === 'deny') return { type: 'deny', reason };
  if (decision.verdict === 'ask' && !request.isApproved) return { type: 'hold', kind: 'ask', reason, delayMs: null };
  if (request.step.kind === 'work') return { type: 'ready' };
  const input = resolveInputs(request.step, request.contexts);
  if (isPromotion(request.step)) return promotionHold(request.step, input);
  return request.step.kind === 'gate'
    ? { type: 'hold', kind: 'gate', ...gateHold(input, decision) }
    : waitHold(input, request.nowMs);
}

/** Judged at once, and again by its timer, until it opens or is denied. */
function promotionHold({ uses }: PlanStep, { environment, message }: JsonObject): Admission {
  if (typeof environment !== 'string') return { type: 'fail', reason: `expected ${uses} to name an environment` };
  const reason = typeof message === 'string' ? message : `waits before ${environment}`;
  return { type: 'hold', kind: 'gate', reason, delayMs: JUDGE_AGAIN_MS };
}

function gateHold(input: JsonObject, decision: Decision): { reason: string; delayMs: number | null } {
  const own = typeof input.expires === 'string' ? parseDuration(input.expires) : undefined;
  const expires = Math.min(own ?? Number.POSITIVE_INFINITY, expiresAfterMs(decision) ?? Number.POSITIVE_INFINITY);
  return {
    reason: typeof input.message === 'string' ? input.message : 'waits for an approval',
    delayMs: Number.isFinite(expires) ? expires : null,
  };
}

function waitHold(input: JsonObject, nowMs: number): Admission {
  const span = typeof input.for === 'string' ? parseDuration(input.for) : undefined;
  const until = typeof input.until === 'string' ? Date.parse(input.until) : Number.NaN;
  const delayMs = span ?? until - nowMs;
  if (Number.isNaN(delayMs))
    return { type: 'fail', reason: 'expected `for` with a unit (30s) or `until` as a time (2026-01-31T08:00:00Z)' };
  return { type: 'hold', kind: 'wait', reason: 'waits for its time', delayMs: Math.max(0, delayMs) };
}
