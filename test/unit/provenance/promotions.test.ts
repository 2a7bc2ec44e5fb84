import { beforeAll, describe, expect, it } from 'vitest';
import { digestBytes } from '../../../src/base/digest.ts';
import { approvalSubject1 } from '../../../src/provenance/approval-subject.ts';
import type {
  ApprovalFact,
  DecisionFact,
  PromotionFact,
  RunFacts,
  SecretFact,
  StepFact,
} from '../../../src/provenance/facts.ts';
import type { Signer } from '../../../src/provenance/signer.ts';
import { answerTo, type Draft, thaw } from './draft.ts';
import { promotionRun, sampleConsent } from './sample-promotion.ts';
import { at, GIT_COMMIT, sampleApproval, sampleDecision, sampleSigner, sampleSubject } from './sample-run.ts';

let signer: Signer;
beforeAll(async () => {
  signer = await sampleSigner();
});

/** A receipt's facts, with names for what is changed. */
interface Told {
  readonly facts: Draft<RunFacts>;
  readonly toProd: Draft<StepFact>;
  readonly unfrozen: Draft<StepFact>;
  readonly deploy: Draft<StepFact>;
  readonly bea: Draft<ApprovalFact>;
  readonly cyd: Draft<ApprovalFact>;
  readonly dan: Draft<ApprovalFact>;
  readonly promotion: Draft<PromotionFact>;
  readonly built: Draft<SecretFact>;
  readonly decision: (id: string) => Draft<DecisionFact>;
}

function told(): Told {
  const facts = thaw(promotionRun());
  const step = (id: string) => facts.steps.find((one) => one.id === id) as Draft<StepFact>;
  const [bea, cyd, dan] = facts.approvals.slice(-3) as [Draft<ApprovalFact>, Draft<ApprovalFact>, Draft<ApprovalFact>];
  return {
    facts,
    toProd: step('to-prod'),
    unfrozen: step('unfrozen'),
    deploy: step('deploy'),
    bea,
    cyd,
    dan,
    promotion: facts.promotions[0] as Draft<PromotionFact>,
    built: facts.secrets[0] as Draft<SecretFact>,
    decision: (id) => facts.policy.find((one) => one.id === id) as Draft<DecisionFact>,
  };
}

type Change = (it: Told) => unknown;

function refuses(cases: readonly (readonly [string, string, Change])[]): void {
  it.each(cases)('%s: %s', async (_what, code, lie) => {
    const changed = told();
    lie(changed);
    expect(await answerTo(changed.facts as RunFacts, signer)).toBe(code);
  });
}

describe('of approvals an issuer that holds the right key cannot', () => {
  refuses([
    ['leave one out', 'APPROVAL_INVALID', ({ facts, cyd }) => remove(facts.approvals, cyd)],
    ['count somebody twice who was renamed', 'APPROVAL_INVALID', ({ cyd }) => (cyd.approver.account = '42')],
    ['count what was taken back', 'APPROVAL_INVALID', ({ cyd }) => (cyd.revokedAt = at(13))],
    ['count what policy was not asked about', 'APPROVAL_INVALID', ({ cyd }) => (cyd.decisionId = null)],
    ['count what policy did not let count', 'APPROVAL_INVALID', (t) => judge(t, 'deny')],
    ['count what policy would have asked others about', 'APPROVAL_INVALID', (t) => judge(t, 'ask')],
    ['let it count by a decision about a step', 'POLICY_MISMATCH', ({ cyd }) => (cyd.decisionId = 'd1')],
    ['let it count by a decision that is not there', 'POLICY_MISMATCH', ({ cyd }) => (cyd.decisionId = 'd99')],
    ['hide who refused', 'APPROVAL_INVALID', ({ dan }) => Object.assign(dan, { decision: 'deny', revokedAt: null })],
    ['take a refusal back', 'APPROVAL_INVALID', ({ dan }) => (dan.decision = 'deny')],
    ['take back a refusal that nobody needed', 'APPROVAL_INVALID', ({ facts }) => refuseWork(facts)],
    ['take an approval back before it was given', 'APPROVAL_INVALID', ({ dan }) => (dan.revokedAt = at(11))],
    ['use what was given for another environment', 'APPROVAL_INVALID', ({ cyd }) => (cyd.environment = 'staging')],
    ['use it for another environment', 'APPROVAL_INVALID', ({ toProd }) => (toProd.environment = 'staging')],
    ['use it for another artifact', 'APPROVAL_INVALID', ({ promotion }) => (promotion.artifacts = [EVIL])],
    ['use it for one artifact more', 'APPROVAL_INVALID', ({ promotion }) => promotion.artifacts.push(EVIL)],
    ['use one without an environment', 'APPROVAL_INVALID', ({ facts, cyd }) => (cyd.subjectDigest = subject1(facts))],
    ['give a local user two names', 'APPROVAL_INVALID', ({ cyd }) => (cyd.approver.provider = 'local')],
    ['let whoever asked approve under a new name', 'APPROVAL_INVALID', ({ cyd }) => (cyd.approver.account = '583231')],
    ['let whoever asked approve, of whom only the name is known', 'APPROVAL_INVALID', (t) => approveOwn(t)],
    ['ask for fewer people where two packs want some', 'APPROVAL_INVALID', (t) => wantThree(t)],
  ]);
});

describe('of promotions an issuer that holds the right key cannot', () => {
  refuses([
    ['leave one out', 'PROMOTION_INVALID', forget],
    [
      'leave one out of a gate that names its version',
      'PROMOTION_INVALID',
      (t) => ((t.toProd.code.uri += '@1.0.0'), forget(t)),
    ],
    ['tell one twice', 'PROMOTION_INVALID', ({ facts, promotion }) => facts.promotions.push(promotion)],
    ['invent one', 'PROMOTION_INVALID', ({ facts, promotion }) => facts.promotions.push({ ...promotion, gate: 'x' })],
    [
      'tell one of another gate',
      'PROMOTION_INVALID',
      (t) => t.facts.promotions.push({ ...t.promotion, gate: 'step-9' }),
    ],
    [
      'pass its gate off as work',
      'PROMOTION_INVALID',
      ({ toProd }) => Object.assign(toProd, { kind: 'work', attempts: 1 }),
    ],
    ['tell one of a gate that was denied', 'PROMOTION_INVALID', (t) => denied(t)],
    ['tell one that another run made', 'PROMOTION_INVALID', (t) => (retried(t), t.facts.promotions.push(t.promotion))],
    ['send it elsewhere', 'PROMOTION_INVALID', ({ promotion }) => (promotion.environment = 'staging')],
    ['promote another commit', 'PROMOTION_INVALID', ({ promotion }) => (promotion.commit = 'b'.repeat(40))],
    [
      'promote nothing',
      'PROMOTION_INVALID',
      (t) => (goBack(t), Object.assign(t.promotion, { artifacts: [], commit: null })),
    ],
    [
      'name an artifact twice',
      'PROMOTION_INVALID',
      ({ promotion }) => promotion.artifacts.push(...promotion.artifacts),
    ],
    ['promote without a decision', 'POLICY_MISMATCH', ({ promotion }) => (promotion.decisionId = 'd99')],
    ['promote by the decision about the gate', 'POLICY_MISMATCH', ({ promotion }) => (promotion.decisionId = 'own')],
    ['promote what policy denied', 'POLICY_MISMATCH', ({ decision }) => (decision('promoted').decision = 'deny')],
    ['promote what policy denied and a person let pass', 'POLICY_MISMATCH', (t) => override(t, 'promoted')],
    ['promote what policy held', 'POLICY_MISMATCH', (t) => hold(t, 'promoted')],
    [
      'go back although policy denied it',
      'POLICY_MISMATCH',
      (t) => (goBack(t), (t.decision('promoted').decision = 'deny')),
    ],
    ['promote what policy asked about without enough answers', 'APPROVAL_INVALID', (t) => oblige(t, 'promoted', 3)],
    ['promote what policy asked about without any answer', 'APPROVAL_INVALID', (t) => askNobody(t)],
    ['hide what people had to agree to', 'POLICY_MISMATCH', ({ toProd }) => (toProd.decisionId = 'promoted')],
    ['pass a freeze without asking', 'POLICY_MISMATCH', ({ unfrozen }) => (unfrozen.decisionId = 'd1')],
    ['pass a freeze that policy denied', 'POLICY_MISMATCH', ({ decision }) => (decision('thawed').decision = 'deny')],
    ['pass a freeze that policy held', 'POLICY_MISMATCH', (t) => hold(t, 'thawed')],
    [
      'pass a freeze that policy asked about',
      'APPROVAL_INVALID',
      ({ decision }) => (decision('thawed').decision = 'ask'),
    ],
    [
      'run work under a decision about a promotion',
      'POLICY_MISMATCH',
      ({ deploy }) => (deploy.decisionId = 'promoted'),
    ],
  ]);
});

describe('of secrets an issuer that holds the right key cannot', () => {
  refuses([
    ['tell a release twice', 'SECRET_INVALID', ({ facts, built }) => facts.secrets.push(built)],
    ['tell one to a step that is not there', 'SECRET_INVALID', ({ built }) => (built.stepId = 'step-99')],
    ['tell one to a gate', 'SECRET_INVALID', ({ built }) => (built.stepId = 'to-prod')],
    ['tell one to a step that was skipped', 'SECRET_INVALID', (t) => skipRest(t)],
    ['tell one to a step that ran elsewhere', 'SECRET_INVALID', (t) => (retried(t), releaseAgain(t))],
    ['tell one of no secret', 'SECRET_INVALID', ({ built }) => (built.names = [])],
    ['name a secret twice', 'SECRET_INVALID', ({ built }) => built.names.push('NPM_TOKEN')],
    ['release without a decision', 'POLICY_MISMATCH', ({ built }) => (built.decisionId = 'd99')],
    ['release by the decision about the step', 'POLICY_MISMATCH', ({ built }) => (built.decisionId = 'd1')],
    ['release what policy denied', 'POLICY_MISMATCH', ({ decision }) => (decision('released').decision = 'deny')],
    ['release what policy asked about', 'POLICY_MISMATCH', ({ decision }) => (decision('released').decision = 'ask')],
    ['release what policy denied and a person let pass', 'POLICY_MISMATCH', (t) => override(t, 'released')],
    [
      'run a step under the decision about its secrets',
      'POLICY_MISMATCH',
      ({ deploy }) => (deploy.decisionId = 'released'),
    ],
    ['run a step that was denied its secrets', 'POLICY_MISMATCH', (t) => denySecrets(t, 'succeeded')],
    ['call a step that was denied its secrets a failure', 'POLICY_MISMATCH', (t) => denySecrets(t, 'failed')],
  ]);
});

describe('an honest issuer can tell of a run that', () => {
  it.each<readonly [string, Change]>([
    ['promoted', () => undefined],
    ['promoted by a gate that names its version', ({ toProd }) => (toProd.code.uri += '@1.0.0')],
    ['promoted what policy asked about', ({ decision }) => (decision('promoted').decision = 'ask')],
    ['promoted its commit, as it made nothing', (t) => see(t, [])],
    ['promoted artifacts of no commit in particular', ({ promotion }) => (promotion.commit = null)],
    ['promoted what another run made', (t) => see(t, [EVIL])],
    ['went back, which nobody has to agree to and no freeze holds', (t) => (goBack(t), hold(t, 'promoted'))],
    ['was denied a promotion by policy', (t) => (denied(t), refuse(t, 'promoted'), forget(t))],
    ['was denied a promotion by a person', (t) => (denied(t), (t.cyd.decision = 'deny'), forget(t))],
    ['was denied a promotion that nobody answered in time', (t) => (denied(t), dropAnswers(t), forget(t))],
    ['was denied the secrets of a step', (t) => denySecrets(t, 'denied')],
    ['was cancelled between two turns of a loop that was given secrets', (t) => cancelLoop(t)],
    ['was denied the secrets of a step before it began', (t) => (denySecrets(t, 'denied'), neverBegan(t.deploy))],
    ['was cancelled while its environment was frozen', (t) => frozen(t)],
    ['was retried behind what was promoted', (t) => retried(t)],
    [
      'was asked for by somebody of whom only the name is known',
      ({ facts }) => (facts.run.trigger.actor.account = null),
    ],
    ['was approved by two who had one name', ({ cyd }) => (cyd.approver.id = 'bea')],
    ['was approved by a local user', ({ cyd }) => (cyd.approver = { provider: 'local', id: 'cyd', account: 'cyd' })],
    ['was approved by whoever asked as well, who does not count', (t) => approveToo(t)],
    [
      'was approved once more by somebody of whom policy was not asked',
      ({ dan }) => Object.assign(dan, { revokedAt: null, decisionId: null }),
    ],
  ])('%s', async (_what, tell) => {
    const changed = told();
    tell(changed);
    expect(await answerTo(changed.facts as RunFacts, signer)).toBeUndefined();
  });
});

const EVIL = digestBytes('evil');

const NEVER_BEGAN = {
  attempts: 0,
  exit: null,
  startedOn: null,
  finishedOn: null,
  outputs: [],
  outputsDigest: null,
  paramsDigest: null,
  logs: null,
} as const;

function refuseWork(facts: Draft<RunFacts>): void {
  const steps = facts.steps as readonly StepFact[];
  const refusal = sampleApproval(steps[3] as StepFact, steps);
  facts.approvals.push(thaw({ ...refusal, decision: 'deny', revokedAt: at(5) }));
}

function askNobody(told: Told): void {
  dropAnswers(told);
  told.decision('own').obligations = [];
  told.decision('promoted').decision = 'ask';
}

function remove<T>(list: T[], item: T): void {
  list.splice(list.indexOf(item), 1);
}

/** What policy says of one answer more. */
function judge({ facts, cyd }: Told, verdict: DecisionFact['decision']): void {
  facts.policy.push(thaw(sampleDecision('judged', 'approval', verdict)));
  cyd.decisionId = 'judged';
}

function subject1({ run, plan }: Draft<RunFacts>): ReturnType<typeof approvalSubject1> {
  const artifactDigests = promotionRun().promotions[0]?.artifacts ?? [];
  return approvalSubject1({
    runId: run.id,
    gate: 'to-prod',
    planDigest: plan.digest,
    gitCommit: GIT_COMMIT,
    artifactDigests,
  });
}

function approveOwn({ facts, cyd }: Told): void {
  facts.run.trigger.actor = { provider: 'github', id: 'Ada', account: null };
  cyd.approver.id = 'aDA';
}

function approveToo({ facts, dan }: Told): void {
  Object.assign(dan, { revokedAt: null, approver: { ...facts.run.trigger.actor } });
}

function wantThree({ decision }: Told): void {
  decision('own').obligations.splice(1, 1, { type: 'approvals', value: 3 }, { type: 'approvals', value: 1 });
}

function dropAnswers({ facts }: Told): void {
  facts.approvals = facts.approvals.filter(({ gate }) => gate !== 'to-prod');
}

function forget({ facts }: Told): void {
  facts.promotions = [];
}

function goBack(told: Told): void {
  told.promotion.isRollback = true;
  dropAnswers(told);
}

/** Everybody saw other artifacts. */
function see({ promotion, toProd, bea, cyd, dan }: Told, artifacts: (typeof EVIL)[]): void {
  promotion.artifacts = artifacts;
  for (const one of [bea, cyd, dan]) one.subjectDigest = sampleSubject(toProd, artifacts);
}

function override({ facts, decision }: Told, id: string): void {
  facts.approvals.push(thaw({ ...sampleConsent(facts.steps[12] as StepFact, 'eve', '45') }));
  Object.assign(decision(id), { decision: 'deny', override: { approvalId: 'a-to-prod-eve' } });
}

function hold({ decision }: Told, id: string): void {
  decision(id).obligations = [{ type: 'hold', value: 'freeze/window: until monday' }];
}

function oblige({ decision }: Told, id: string, approvals: number): void {
  Object.assign(decision(id), { decision: 'ask', obligations: [{ type: 'approvals', value: approvals }] });
}

function refuse({ toProd, decision }: Told, id: string): void {
  decision(id).decision = 'deny';
  toProd.decisionId = id;
}

function neverBegan(step: Draft<StepFact>): void {
  Object.assign(step, NEVER_BEGAN);
}

function skip(step: Draft<StepFact>): void {
  Object.assign(step, { ...NEVER_BEGAN, status: 'skipped', decisionId: null });
}

function denied({ facts, toProd, unfrozen, deploy }: Told): void {
  facts.run.status = 'failed';
  toProd.status = 'denied';
  skip(unfrozen);
  skip(deploy);
  facts.secrets.pop();
}

function skipRest({ facts, deploy }: Told): void {
  skip(deploy);
  facts.run.status = 'succeeded';
}

function frozen({ facts, unfrozen, deploy, decision }: Told): void {
  facts.run.status = 'cancelled';
  decision('thawed').obligations = [{ type: 'hold', value: 'freeze/window: until monday' }];
  unfrozen.status = 'cancelled';
  skip(deploy);
  facts.secrets.pop();
}

/** The run before made everything up to the gate, and let it pass. */
function retried(told: Told): void {
  const { facts } = told;
  facts.run.attempt = 2;
  facts.relations.push({ type: 'retryOf', runId: 'r1', payloadSha256: null, logIndex: null });
  for (const step of facts.steps.slice(0, 13)) Object.assign(step, { carriedFrom: 'r1', attempts: 0 });
  facts.secrets.shift();
  facts.approvals = [];
  forget(told);
}

/** To a loop whose turns all were another run's. */
function releaseAgain({ facts, built }: Told): void {
  facts.secrets.push(built);
  Object.assign(facts.steps[11] ?? {}, { iteration: 1 });
}

function cancelLoop({ facts, deploy }: Told): void {
  facts.run.status = 'cancelled';
  Object.assign(deploy, { ...NEVER_BEGAN, status: 'cancelled', iteration: 1 });
}

function denySecrets({ facts, deploy }: Told, status: StepFact['status']): void {
  facts.policy.push(thaw(sampleDecision('withheld', 'secret', 'deny')));
  facts.secrets.pop();
  Object.assign(deploy, { status, decisionId: 'withheld' });
  if (status !== 'succeeded') facts.run.status = 'failed';
}
