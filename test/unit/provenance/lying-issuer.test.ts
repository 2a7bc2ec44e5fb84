import { isDeepStrictEqual } from 'node:util';
import * as fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { canonicalJson } from '../../../src/base/canonical-json.ts';
import { digestBytes } from '../../../src/base/digest.ts';
import type { Json } from '../../../src/base/json.ts';
import type { DecisionFact, LlmFact, RunEnd, RunFacts, StepFact } from '../../../src/provenance/facts.ts';
import { buildReceipt } from '../../../src/provenance/receipt.ts';
import type { Signer } from '../../../src/provenance/signer.ts';
import { change, flips } from './change.ts';
import { answerTo, answerToPayload, type Draft, thaw } from './draft.ts';
import { promotionRun } from './sample-promotion.ts';
import {
  sampleApproval,
  sampleArtifact,
  sampleCall,
  sampleDecision,
  sampleRun,
  sampleSigner,
  sampleStep,
} from './sample-run.ts';

let signer: Signer;
beforeAll(async () => {
  signer = await sampleSigner();
});

function draft(steps = 20): Draft<RunFacts> {
  return thaw(sampleRun(steps));
}

/** Whether a lie about the facts is caught, although everything derived from them was derived again. */
describe('an issuer that holds the right key cannot', () => {
  it.each<[string, string, (facts: Draft<RunFacts>) => unknown]>([
    ['leave the last step out', 'PLAN_MISMATCH', (f) => f.steps.pop()],
    ['add a step within', 'PLAN_MISMATCH', (f) => f.steps.splice(5, 0, thaw({ ...sampleStep(20), seq: 5 }))],
    ['show a step twice', 'PLAN_MISMATCH', (f) => f.steps.push(thaw(sampleStep(3)))],
    ['name a step twice in the plan', 'PLAN_MISMATCH', (f) => f.plan.stepIds.push('step-0')],
    ['show steps in another order', 'PLAN_MISMATCH', (f) => f.steps.reverse()],
    ['show a step that needs nothing known', 'PLAN_MISMATCH', (f) => (f.steps[0]!.needs = ['step-99'])],
    ['pass a planned step off as a compensation', 'PLAN_MISMATCH', (f) => (f.steps[19]!.isCompensation = true)],
    ['number steps wrongly', 'STEP_INCONSISTENT', (f) => (f.steps[3]!.seq = 4)],
    ['show a success without times', 'STEP_INCONSISTENT', (f) => (f.steps[3]!.finishedOn = null)],
    ['show a step that ran as skipped', 'STEP_INCONSISTENT', (f) => (f.steps[3]!.status = 'skipped')],
    ['absorb a failure that was none', 'STEP_INCONSISTENT', (f) => (f.steps[3]!.isFailureAbsorbed = true)],
    ['undo a step that failed', 'STEP_INCONSISTENT', (f) => failWithCompensation(f, 3)],
    ['undo two steps at once', 'STEP_INCONSISTENT', (f) => failWithCompensation(f, 2, ['step-1', 'step-2'])],
    ['call a run with a denied step a success', 'STATUS_INCONSISTENT', (f) => (f.steps[3]!.status = 'denied')],
    ['call a run with a cancelled step a success', 'STATUS_INCONSISTENT', (f) => (f.steps[3]!.status = 'cancelled')],
    ['call a run without a failed step failed', 'STATUS_INCONSISTENT', (f) => (f.run.status = 'failed')],
    ['call a run that ran rejected', 'STATUS_INCONSISTENT', (f) => (f.run.status = 'rejected')],
    ['run a step under a decision that is not there', 'POLICY_MISMATCH', (f) => (f.steps[3]!.decisionId = 'd9')],
    ['run a step under the decision about the run', 'POLICY_MISMATCH', (f) => (f.steps[3]!.decisionId = 'd0')],
    ['run under the decision about a step', 'POLICY_MISMATCH', (f) => (f.run.decisionId = 'd1')],
    ['run although policy denied it', 'POLICY_MISMATCH', (f) => (f.policy[0]!.decision = 'deny')],
    ['give two decisions one id', 'POLICY_MISMATCH', (f) => f.policy.push(thaw(sampleDecision('d1', 'step', 'deny')))],
    ['pass a gate without an approval', 'APPROVAL_INVALID', (f) => f.approvals.pop()],
    ['pass a gate that was denied', 'APPROVAL_INVALID', (f) => (f.approvals[0]!.decision = 'deny')],
    ['run what policy asked about without an answer', 'APPROVAL_INVALID', (f) => (f.steps[3]!.decisionId = 'd2')],
    [
      'run what policy asked about, as a whole, without an answer',
      'APPROVAL_INVALID',
      (f) => (f.policy[0]!.decision = 'ask'),
    ],
    ['use an approval of another run', 'APPROVAL_INVALID', (f) => (f.run.id = 'another-run')],
    ['use an approval of another gate', 'APPROVAL_INVALID', (f) => (f.approvals[0]!.gate = 'step-19')],
    ['use an approval of no step', 'APPROVAL_INVALID', (f) => (f.approvals[0]!.gate = 'step-99')],
    ['count one approval twice', 'APPROVAL_INVALID', (f) => f.approvals.push(f.approvals[0]!)],
    ['count one person twice', 'APPROVAL_INVALID', (f) => requireTwo(f, '42')],
    [
      'ask for a number of approvals that is none',
      'POLICY_MISMATCH',
      (f) => (f.policy[2]!.obligations = [{ type: 'approvals', value: 'many' }]),
    ],
    ['let people approve their own run', 'APPROVAL_INVALID', (f) => forbidOwn(f)],
    ['state a cost without a call', 'COST_INVALID', (f) => (f.cost.microUsd = '1')],
    ['state a relation twice', 'RELATION_INVALID', (f) => (relate(f, 'r1'), relate(f, 'r1'))],
    ['retry two runs', 'RELATION_INVALID', (f) => (relate(f, 'r1'), relate(f, 'r2'))],
    [
      'carry results over from itself',
      'RELATION_INVALID',
      (f) => ((f.run.attempt = 3), relate(f, 'r2'), carry(f, f.run.id)),
    ],
    [
      'carry results over from a run that it does not retry',
      'RELATION_INVALID',
      (f) => (relate(f, 'r2'), carry(f, 'r1')),
    ],
  ])('%s: %s', async (_what, code, lie) => {
    const facts = draft();
    lie(facts);
    expect(await answerTo(facts as RunFacts, signer)).toBe(code);
  });
});

/** Whether a part that was changed still fits what was derived from it. */
describe('a statement whose parts do not belong together is refused', () => {
  it.each<[string, string, (statement: Draft<ReturnType<typeof buildReceipt>['statement']>) => unknown]>([
    [
      'another statement type',
      'STATEMENT_MALFORMED',
      (s) => Object.assign(s, { _type: 'https://in-toto.io/Statement/v0.1' }),
    ],
    ['a fifth field', 'STATEMENT_MALFORMED', (s) => Object.assign(s, { extra: 1 })],
    ['subjects in another order', 'SUBJECT_MISMATCH', (s) => s.subject.reverse()],
    ['a missing subject', 'SUBJECT_MISMATCH', (s) => s.subject.pop()],
    ['a field that nobody knows', 'SCHEMA_INVALID', (s) => Object.assign(s.predicate.steps[0]!, { hidden: true })],
    ['a missing field', 'SCHEMA_INVALID', (s) => Reflect.deleteProperty(s.predicate.steps[0]!, 'status')],
    ['a predicate that is a list', 'SCHEMA_INVALID', (s) => Object.assign(s, { predicate: [] })],
    ['another run record', 'SUBJECT_MISMATCH', (s) => (s.predicate.run.reason = 'changed my mind')],
    ['other outputs', 'OUTPUTS_MISMATCH', (s) => (s.predicate.outputs[0]!.digest = digestBytes('evil'))],
    ['other reasons for a decision', 'POLICY_MISMATCH', (s) => s.predicate.policy[1]!.reasons.push('because')],
  ])('%s: %s', async (_what, code, change) => {
    const statement = thaw(buildReceipt(sampleRun(20)).statement);
    change(statement);
    expect(await answerToPayload(canonicalJson(statement as unknown as Json), signer)).toBe(code);
  });

  it('any one change of any part of it', async () => {
    const statement = buildReceipt(promotionRun()).statement as unknown as Json;
    const value = fc.constantFrom<Json | undefined>(
      undefined,
      null,
      0,
      2,
      true,
      '',
      'x',
      'succeeded',
      [],
      {},
      'step-1',
    );
    await fc.assert(
      fc.asyncProperty(fc.array(fc.nat(), { minLength: 1, maxLength: 7 }), value, async (way, value) => {
        const changed = change(statement, way, value);
        fc.pre(!isDeepStrictEqual(changed, statement));
        expect(await answerToPayload(canonicalJson(changed), signer)).toBeDefined();
      }),
      { numRuns: 1000 },
    );
  });

  it('any one value that is another', async () => {
    const { statement } = buildReceipt(promotionRun());
    const taken: string[] = [];
    for (const [place, changed] of flips(statement as unknown as Json))
      if ((await answerToPayload(canonicalJson(changed), signer)) === undefined) taken.push(place);
    expect(taken).toEqual([]);
  });
});

describe('an honest issuer can tell of a run that', () => {
  it.each<[string, (facts: Draft<RunFacts>) => unknown]>([
    ['failed', (f) => fail(f, 3)],
    ['failed and was undone', (f) => failWithCompensation(f, 3, ['step-2'])],
    [
      'failed where that was allowed',
      (f) => Object.assign(f.steps[3]!, { status: 'failed', exit: 1, isFailureAbsorbed: true }),
    ],
    [
      'failed before a step could begin',
      (f) => (fail(f, 3), Object.assign(f.steps[3]!, { ...NEVER_BEGAN, decisionId: null })),
    ],
    ['was denied a step', (f) => end(f, 3, 'failed', 'denied')],
    [
      'was rejected by policy',
      (f) => (end(f, 0, 'rejected', 'skipped'), (f.policy[0]!.decision = 'deny'), (f.run.startedOn = null)),
    ],
    ['was retried twice', (f) => (relate(f, 'r2'), (f.run.attempt = 3), carry(f, 'r1'))],
    ['was denied the retry of a step', (f) => denyRetry(f, 3)],
    ['was cancelled', (f) => end(f, 12, 'cancelled', 'cancelled')],
    ['was cancelled while it was queued', (f) => (end(f, 0, 'cancelled', 'cancelled'), (f.run.startedOn = null))],
    ['was cancelled when all was done', (f) => (f.run.status = 'cancelled')],
    ['was denied at a gate', (f) => (end(f, 9, 'failed', 'denied'), (f.approvals[0]!.decision = 'deny'))],
    ['was retried', (f) => (relate(f, 'r1'), (f.run.attempt = 2), carry(f, 'r1'))],
    ['took results from the cache', (f) => (f.steps[3]!.isCacheHit = true)],
    ['was approved by two', (f) => requireTwo(f, '43')],
    ['was let pass by a person against policy', (f) => (approveStep(f, 3), deny(f, 'a-step-3', 3))],
    ['asked a model', (f) => (addCalls(f, [call(0), call(1)]), (f.cost.microUsd = '20'))],
    ['had no steps', (f) => Object.assign(f, { steps: [], plan: { ...f.plan, stepIds: [] }, approvals: [] })],
    [
      'has no commit and no artifacts',
      (f) =>
        f.steps.forEach(
          (step) => step.kind === 'work' && step.id !== 'step-8' && step.id !== 'step-18' && (step.outputs = []),
        ),
    ],
  ])('%s', async (_what, tell) => {
    const facts = draft();
    tell(facts);
    expect(await answerTo(facts as RunFacts, signer)).toBeUndefined();
  });
});

const NEVER_BEGAN = {
  attempts: 0,
  exit: null,
  startedOn: null,
  finishedOn: null,
  outputs: [],
  outputsDigest: null,
  paramsDigest: null,
  logs: null,
};

function fail(facts: Draft<RunFacts>, index: number): void {
  end(facts, index + 1, 'failed', 'skipped');
  Object.assign(facts.steps[index]!, { status: 'failed', exit: 1 });
}

/** The run ended with that status; from `index` on no step began, and no gate behind it was answered. */
function end(facts: Draft<RunFacts>, index: number, status: RunEnd, rest: StepFact['status']): void {
  facts.run.status = status;
  facts.approvals = facts.approvals.filter(({ gate }) => facts.steps.findIndex((step) => step.id === gate) <= index);
  for (const step of facts.steps.slice(index)) {
    const status = rest === 'denied' && step.seq > index ? 'skipped' : rest;
    Object.assign(step, { ...NEVER_BEGAN, status, decisionId: null });
  }
}

function failWithCompensation(facts: Draft<RunFacts>, index: number, undoes = [`step-${index}`]): void {
  fail(facts, index);
  const undo = { ...sampleStep(1), seq: facts.steps.length, id: `undo-${index}`, needs: undoes, outputs: [] };
  facts.steps.push(thaw({ ...undo, isCompensation: true }));
}

/** Policy denies a step of its own decision, and `approvalId` overrides it. */
function deny(facts: Draft<RunFacts>, approvalId: string, index = 3): void {
  const decision: DecisionFact = { ...sampleDecision('d3', 'step', 'deny'), override: { approvalId } };
  facts.policy.push(thaw(decision));
  facts.steps[index]!.decisionId = 'd3';
}

function denyRetry(facts: Draft<RunFacts>, index: number): void {
  fail(facts, index);
  facts.policy.push(thaw(sampleDecision('d3', 'step', 'deny')));
  Object.assign(facts.steps[index]!, { status: 'denied', decisionId: 'd3' });
}

function approveStep(facts: Draft<RunFacts>, index: number): void {
  const steps = facts.steps as readonly StepFact[];
  facts.approvals.push(thaw(sampleApproval(steps[index]!, steps)));
}

function requireTwo(facts: Draft<RunFacts>, second: string): void {
  facts.policy[2]!.obligations = [{ type: 'approvals', value: 2 }];
  const again = facts.approvals.map((approval) => ({
    ...approval,
    id: `${approval.id}-2`,
    approver: { ...approval.approver, account: second },
  }));
  facts.approvals.push(...again);
}

function forbidOwn(facts: Draft<RunFacts>): void {
  facts.policy[2]!.obligations = [{ type: 'approver-is-not-actor', value: true }];
  facts.approvals[0]!.approver = { ...facts.run.trigger.actor, account: '583231' };
}

function call(seq: number, change: Partial<LlmFact> = {}): Draft<LlmFact> {
  return thaw({ ...sampleCall(seq), ...change });
}

function addCalls(facts: Draft<RunFacts>, calls: Draft<LlmFact>[]): void {
  facts.llm = calls;
}

function relate(facts: Draft<RunFacts>, runId: string): void {
  facts.relations.push({ type: 'retryOf', runId, payloadSha256: 'a'.repeat(64), logIndex: null });
}

function carry(facts: Draft<RunFacts>, runId: string): void {
  Object.assign(facts.steps[0]!, { carriedFrom: runId, attempts: 0, decisionId: null, outputs: [sampleArtifact(0)] });
}
