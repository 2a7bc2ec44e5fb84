import { digestBytes } from '../../../../src/base/digest.ts';
import type { RunFacts } from '../../../../src/provenance/facts.ts';
import { type Draft, thaw } from '../draft.ts';
import { sampleDecision, sampleStep } from '../sample-run.ts';
import { at } from './at.ts';
import type { Group } from './item.ts';
import { packItem } from './packs.ts';
import { factsItem, statementItem } from './receipts.ts';

type Facts = Draft<RunFacts>;

export const STEPS: Group = {
  title: 'Steps',
  items: [
    factsItem('one left out', 'PLAN_MISMATCH', ({ steps }) => steps.splice(5, 1)),
    factsItem('one added', 'PLAN_MISMATCH', ({ steps }) => steps.push(thaw(sampleStep(20)))),
    factsItem('two in another order', 'PLAN_MISMATCH', ({ steps }) => steps.splice(3, 0, ...steps.splice(4, 1))),
    factsItem('one that runs before what it needs', 'PLAN_MISMATCH', ({ steps }) => (at(steps, 0).needs = ['step-1'])),
    statementItem('stepCount is another', 'STEP_COUNT_MISMATCH', ({ predicate }) => (predicate.stepCount -= 1)),
    statementItem('one left out, and nothing derived anew', 'STEP_COUNT_MISMATCH', ({ predicate }) =>
      predicate.steps.pop(),
    ),
    factsItem('the plan names one more', 'PLAN_MISMATCH', ({ plan }) => plan.stepIds.push('step-99')),
    statementItem(
      'stepsRoot is another',
      'STEPS_ROOT_MISMATCH',
      ({ predicate }) => (predicate.stepsRoot = 'f'.repeat(64)),
    ),
    statementItem(
      'one changed, and nothing derived anew',
      'STEPS_ROOT_MISMATCH',
      ({ predicate }) => (at(predicate.steps, 3).attempts = 2),
    ),
    factsItem(
      'one that failed, in a run that is said to have succeeded',
      'STATUS_INCONSISTENT',
      ({ steps }) => (at(steps, 3).status = 'failed'),
    ),
    factsItem(
      'a process that ended with 1, shown as a success',
      'STEP_INCONSISTENT',
      ({ steps }) => (at(steps, 3).exit = 1),
    ),
    factsItem('a success that was never tried', 'STEP_INCONSISTENT', ({ steps }) => (at(steps, 3).attempts = 0)),
    factsItem('one that was denied, shown as an absorbed failure', 'STEP_INCONSISTENT', ({ steps }) =>
      Object.assign(at(steps, 3), { status: 'denied', isFailureAbsorbed: true }),
    ),
    statementItem('outputs of the run that are not those of its steps', 'OUTPUTS_MISMATCH', ({ predicate }) =>
      predicate.outputs.pop(),
    ),
  ],
};

export const POLICY: Group = {
  title: 'Policy and approvals',
  items: [
    statementItem('a decision with the digest of another result', 'POLICY_MISMATCH', ({ predicate }) =>
      Object.assign(at(predicate.policy, 1).result, { digest: digestBytes('another') }),
    ),
    statementItem(
      'a decision flipped',
      'POLICY_MISMATCH',
      ({ predicate }) => (at(predicate.policy, 2).decision = 'allow'),
    ),
    factsItem(
      'something that ran although policy denied it',
      'POLICY_MISMATCH',
      ({ policy }) => (at(policy, 1).decision = 'deny'),
    ),
    factsItem(
      'something that ran, and policy was not asked',
      'POLICY_MISMATCH',
      ({ steps }) => (at(steps, 3).decisionId = null),
    ),
    packItem('the question of a decision replaced, in a pack', 'POLICY_MISMATCH', (files) => {
      const path = [...files.keys()].find((name) => name.startsWith('policy/questions/')) ?? '';
      files.set(path, Buffer.from('{}'));
    }),
    packItem('the rules replaced, in a pack', 'POLICY_MISMATCH', (files) =>
      files.set('policy/policy.wasm', Buffer.from('evil')),
    ),
    factsItem('a denial overridden without an approval', 'APPROVAL_INVALID', (facts) => overrideStep(facts, 'nobody')),
    factsItem('a denial overridden by the approval of another gate', 'POLICY_MISMATCH', (facts) =>
      overrideStep(facts, 'a-step-9'),
    ),
    factsItem('a gate that nobody approved', 'APPROVAL_INVALID', ({ approvals }) => approvals.shift()),
    factsItem('an approval of an older artifact', 'APPROVAL_INVALID', ({ steps }) =>
      Object.assign(at(at(steps, 8).outputs, 0), { digest: digestBytes('rebuilt since') }),
    ),
    factsItem('an approval of an older commit', 'APPROVAL_INVALID', ({ run, promotions }) => {
      run.source.gitCommit = 'b'.repeat(40);
      at(promotions, 0).commit = 'b'.repeat(40);
    }),
    factsItem('an approval of an older plan', 'APPROVAL_INVALID', ({ plan }) => (plan.digest = digestBytes('older'))),
    factsItem('an author who approves, where policy says that none may', 'APPROVAL_INVALID', (facts) => {
      facts.policy.push(thaw(sampleDecision('author', 'approval', 'deny')));
      consent(facts, 'cyd').decisionId = 'author';
    }),
    factsItem(
      'an approval of which policy was not asked, where no author may',
      'APPROVAL_INVALID',
      (facts) => (consent(facts, 'cyd').decisionId = null),
    ),
    factsItem(
      'whoever asked for the run approves it, where nobody may',
      'APPROVAL_INVALID',
      (facts) => (consent(facts, 'cyd').approver.account = '583231'),
    ),
    factsItem(
      'one person twice, where two are wanted',
      'APPROVAL_INVALID',
      (facts) => (consent(facts, 'cyd').approver.account = '42'),
    ),
    factsItem(
      'an approval that was taken back',
      'APPROVAL_INVALID',
      (facts) => (consent(facts, 'cyd').revokedAt = consent(facts, 'cyd').at),
    ),
    factsItem(
      'secrets released to a step that is not there',
      'SECRET_INVALID',
      ({ secrets }) => (at(secrets, 0).stepId = 'step-99'),
    ),
    factsItem('secrets released though policy denied it', 'POLICY_MISMATCH', ({ policy }) =>
      Object.assign(policy.find(({ id }) => id === 'released') ?? {}, { decision: 'deny' }),
    ),
  ],
};

export const LEDGER: Group = {
  title: 'Calls of models',
  items: [
    factsItem(
      'one dropped between two others',
      'LLM_INVALID',
      ({ llm, cost }) => (llm.splice(1, 1), (cost.microUsd = '20')),
    ),
    factsItem('the last one dropped', 'COST_INVALID', ({ llm }) => llm.pop()),
    factsItem('the sum is another', 'COST_INVALID', ({ cost }) => (cost.microUsd = '29')),
    factsItem('more cached tokens than there were', 'LLM_INVALID', ({ llm }) => (at(llm, 0).tokens.cached = '101')),
    factsItem('negative tokens', 'LLM_INVALID', ({ llm }) => (at(llm, 0).tokens.out = '-10')),
    factsItem(
      'a negative cost',
      'COST_INVALID',
      ({ llm, cost }) => ((at(llm, 0).microUsd = '-10'), (cost.microUsd = '10')),
    ),
    factsItem('one of a step that is not there', 'LLM_INVALID', ({ llm }) => (at(llm, 0).stepId = 'step-99')),
    statementItem('money as a number, which parsers round', 'SCHEMA_INVALID', ({ predicate }) =>
      Object.assign(predicate.cost, { microUsd: 30 }),
    ),
  ],
};

/** The answer of somebody to the gate that promotes. */
function consent({ approvals }: Facts, name: string): Facts['approvals'][number] {
  return at(
    approvals.filter(({ id }) => id === `a-to-prod-${name}`),
    0,
  );
}

/** Policy denied a step, and a person is said to have let it pass. */
function overrideStep({ policy, steps }: Facts, approvalId: string): void {
  policy.push(thaw({ ...sampleDecision('denied', 'step', 'deny'), override: { approvalId } }));
  at(steps, 3).decisionId = 'denied';
}
