import { isoTime } from '../base/clock.ts';
import { parseDuration } from '../base/duration.ts';
import { wallClock } from '../base/wall-clock.ts';
import { isPromoteGate } from '../pipeline/gate-kinds.ts';
import { PROMOTED_ARTIFACTS_MAX } from '../pipeline/receipt-bytes.ts';
import type { Decision } from '../policy/decision.ts';
import { timezonesIn, upstreamOf } from '../policy/environments.ts';
import type { PromotionFacts, PromotionInput } from '../policy/input.ts';
import { policyFacts, policyStep } from '../policy/input-from-plan.ts';
import type { PromotionFindings } from '../protocol/promotion-facts.ts';
import { loadApprovals, tally } from '../store/approvals.ts';
import type { Session } from '../store/database.ts';
import { saveDecisions } from '../store/decisions.ts';
import { findDeployments } from '../store/deployments.ts';
import { heldAt } from '../store/events.ts';
import { addPromotion } from '../store/promotions.ts';
import { countableNow } from './countable.ts';
import { deployedWithin } from './deployed-within.ts';
import { peopleWanted } from './gates.ts';
import { expiresAfterMs, type Waiting, waitingFor } from './obligations.ts';
import { isTooMuch, promotedBy } from './promoted.ts';
import { isPromotion, JUDGE_AGAIN_MS, JUDGE_LATEST_MS } from './promotion-step.ts';
import { rollbackOf } from './rollback.ts';
import type { RunWork } from './run-work.ts';
import { type WaitingGate, waitingGate } from './waiting-gate.ts';

const SECOND_MS = 1000;

export interface PromotionAsk {
  readonly type: 'promotion';
  readonly idx: number;
  /** What is known beyond the store, or why it could not be found out. */
  readonly findings: PromotionFindings | { readonly problem: string };
}

/**
 * Judges a gate that stands before an environment with what is known now: it opens, is denied, or goes on waiting, and then
 * says for what.
 */
export async function judgePromotion(
  session: Session,
  work: RunWork,
  { idx, findings }: PromotionAsk,
  nowMs: number,
): Promise<boolean> {
  const step = work.state.steps[idx];
  if (step?.status !== 'held' || step.hold !== 'gate') return false;
  const gate = waitingGate(work, idx);
  if (!isPromotion(gate.step)) return false;
  const refusal = refusalOf(work, gate);
  if (refusal !== undefined) return deny(work, gate, refusal);
  const isKnown = !('problem' in findings);
  const judged = await question(session, work, gate, isKnown ? findings : NOTHING_KNOWN, nowMs);
  // What was there before needs nobody's word.
  if (isKnown || judged.isReturn) return judge(session, work, gate, judged, nowMs);
  const leftMs = await timeLeft(session, work, gate, gate.asked.decision, nowMs);
  const reason = `cannot be judged yet: ${findings.problem}`;
  if (leftMs !== null && leftMs <= 0) return deny(work, gate, `nobody answered in time: ${reason}`);
  return note(work, gate, { reasons: [reason], lookAgainMs: Math.min(JUDGE_LATEST_MS, leftMs ?? JUDGE_LATEST_MS) });
}

const NOTHING_KNOWN: PromotionFindings = { checks: null, deployments: [] };

/** Why it is denied whatever else is known. */
function refusalOf(work: RunWork, { step, asked: { decision } }: WaitingGate): string | undefined {
  if (decision.verdict === 'deny') return decision.reasons.join('; ');
  if (!isTooMuch(promotedBy(work, step))) return undefined;
  return `expected at most ${PROMOTED_ARTIFACTS_MAX} artifacts: name in with.artifacts what is promoted`;
}

async function judge(
  session: Session,
  work: RunWork,
  gate: WaitingGate,
  { input, isReturn }: Question,
  nowMs: number,
): Promise<boolean> {
  const { idx, generation } = gate;
  const decision = work.pack.policy.evaluate(input);
  const asked = { decision, input: () => input };
  if (decision.verdict === 'deny') {
    work.ask(idx, asked);
    return deny(work, gate, decision.reasons.join('; '));
  }
  const waiting = isReturn
    ? { reasons: [], lookAgainMs: null, isExpired: false }
    : await whatIsMissing(session, work, gate, decision, nowMs);
  if (waiting.isExpired) return deny(work, gate, `nobody answered in time: ${waiting.reasons.join('; ')}`);
  if (waiting.reasons.length > 0) return note(work, gate, waiting);
  // A promotion has a row of its own; of a freeze that is over nothing else tells.
  const isPromoted = isPromoteGate(gate.step);
  if (isPromoted) await keep(session, work, gate, decision, input);
  work.ask(idx, isPromoted ? gate.asked : asked);
  return work.apply({ type: 'hold-passed', idx, generation });
}

function deny(work: RunWork, { idx, generation }: WaitingGate, reason: string): boolean {
  return work.apply({ type: 'hold-denied', idx, generation, reason });
}

function note(work: RunWork, { idx, generation }: WaitingGate, { reasons, lookAgainMs }: Waiting): boolean {
  const delayMs = lookAgainMs === null ? JUDGE_AGAIN_MS : Math.min(lookAgainMs, JUDGE_LATEST_MS);
  return work.apply({ type: 'hold-noted', idx, generation, reason: reasons.join('; '), delayMs });
}

/** What waits for policy, then for people. */
async function whatIsMissing(
  session: Session,
  work: RunWork,
  gate: WaitingGate,
  decision: Decision,
  nowMs: number,
): Promise<Waiting & { readonly isExpired: boolean }> {
  const waiting = waitingFor(decision, nowMs);
  const asks = [decision, gate.asked.decision].some(({ verdict }) => verdict === 'ask');
  const people = isPromoteGate(gate.step) || asks ? await peopleMissing(session, work, gate, decision) : [];
  const reasons = [...waiting.reasons, ...people];
  const leftMs = await timeLeft(session, work, gate, decision, nowMs);
  // People wake the gate: nothing is to be looked for meanwhile.
  const idleMs = waiting.reasons.length === 0 ? JUDGE_LATEST_MS : null;
  const nextMs = waiting.lookAgainMs ?? idleMs;
  const lookAgainMs = leftMs === null ? nextMs : Math.min(leftMs, nextMs ?? leftMs);
  return { reasons, lookAgainMs, isExpired: reasons.length > 0 && leftMs !== null && leftMs <= 0 };
}

/** Milliseconds until a question that nobody answered is denied; null where it waits for ever. */
async function timeLeft(
  session: Session,
  work: RunWork,
  gate: WaitingGate,
  decision: Decision,
  nowMs: number,
): Promise<number | null> {
  const expiresMs = expiryOf(gate, decision);
  const began = expiresMs === null ? undefined : await heldAt(session, work.row.id, gate.idx);
  return expiresMs === null || !began ? null : began.getTime() + expiresMs - nowMs;
}

async function peopleMissing(
  session: Session,
  work: RunWork,
  gate: WaitingGate,
  decision: Decision,
): Promise<readonly string[]> {
  const answers = await loadApprovals(session, [work.row.id]);
  const given = answers.filter(({ idx, generation }) => idx === gate.idx && generation === gate.generation);
  const decisions = [gate.asked.decision, decision];
  const wanted = Math.max(...decisions.map((one) => peopleWanted(one, gate.step)));
  const { approvals } = tally(await countableNow(session, work, given, decisions));
  return approvals >= wanted ? [] : [`${approvals} of ${wanted} approvals`];
}

function expiryOf({ step, asked }: WaitingGate, judged: Decision): number | null {
  const own = typeof step.with.expires === 'string' ? parseDuration(step.with.expires) : undefined;
  const all = [own ?? null, expiresAfterMs(asked.decision), expiresAfterMs(judged)].filter((ms) => ms !== null);
  return all.length === 0 ? null : Math.min(...all);
}

interface Question {
  readonly input: PromotionInput;
  /** Nobody has to be asked any more. */
  readonly isReturn: boolean;
}

async function question(
  session: Session,
  work: RunWork,
  gate: WaitingGate,
  findings: PromotionFindings,
  nowMs: number,
): Promise<Question> {
  const { data } = work.pack.policy;
  const environment = gate.environment ?? '';
  const what = { artifacts: promotedBy(work, gate.step), commit: work.row.trigger.source.gitCommit };
  const upstream = upstreamOf(data, environment);
  const sought = { ...what, planDigest: work.entry.compiled.digest };
  const known = await findDeployments(session, work.row.namespaceId, [environment, ...upstream], sought);
  const back = await rollbackOf(session, work, { environment, ...what }, known, findings);
  const ages = [
    ...known.map((one) => ({
      environment: one.environment,
      ageSeconds: secondsBetween(one.finishedAt.getTime(), one.replacedAt?.getTime() ?? nowMs),
    })),
    ...deployedWithin(work, upstream, what.artifacts).map((one) => ({
      ...one,
      ageSeconds: secondsBetween(one.sinceMs, nowMs),
    })),
    // Nobody but GitHub can say what others deployed, and it speaks of commits alone.
    ...(what.artifacts.length > 0 ? [] : findings.deployments).map((one) => ({
      environment: one.environment,
      ageSeconds: secondsBetween(Date.parse(one.succeededAt), one.endedAt === null ? nowMs : Date.parse(one.endedAt)),
    })),
  ];
  const input: PromotionInput = {
    phase: 'promotion',
    ...policyFacts(work.entry.compiled.plan, work.entry.trigger),
    step: policyStep(gate.step, work.gatedBy(gate.idx)),
    promotion: {
      environment,
      at: isoTime(nowMs),
      clocks: clocksIn(timezonesIn(data), nowMs),
      ...what,
      isRollback: back.isRollback,
      deployments: oldestOfEach(upstream, ages),
      checks: findings.checks,
    },
  };
  return { input, isReturn: back.isSeen && isPromoteGate(gate.step) };
}

function clocksIn(zones: readonly string[], nowMs: number): PromotionFacts['clocks'] {
  const clocks = zones.flatMap((zone) => {
    const clock = wallClock(nowMs, zone);
    return clock ? [[zone, clock] as const] : [];
  });
  return Object.fromEntries(clocks);
}

/** What was in an environment twice has proven itself for as long as it was there the longest. */
function oldestOfEach(
  environments: readonly string[],
  ages: readonly { readonly environment: string; readonly ageSeconds: number }[],
): PromotionFacts['deployments'] {
  return environments.flatMap((environment) => {
    const own = ages.filter((one) => one.environment === environment).map(({ ageSeconds }) => ageSeconds);
    return own.length === 0 ? [] : [{ environment, ageSeconds: Math.max(...own), isVerified: true }];
  });
}

function secondsBetween(fromMs: number, toMs: number): number {
  return Math.max(0, Math.floor((toMs - fromMs) / SECOND_MS));
}

async function keep(
  session: Session,
  work: RunWork,
  { idx }: WaitingGate,
  decision: Decision,
  input: PromotionInput,
): Promise<void> {
  const ids = await saveDecisions(session, work.pack.packId, [{ decision, input: () => input }]);
  const { environment, artifacts, commit, isRollback } = input.promotion;
  const decisionId = ids.get(decision.inputDigest) ?? 0;
  await addPromotion(session, { run: work.row.id, idx, environment, artifacts, commit, isRollback, decisionId });
}
