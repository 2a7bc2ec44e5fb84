import type { ApprovalFact, RunFacts, StepFact } from '../../../src/provenance/facts.ts';
import {
  at,
  GIT_COMMIT,
  sampleApproval,
  sampleArtifact,
  sampleDecision,
  sampleRun,
  sampleStep,
  sampleSubject,
} from './sample-run.ts';

const BUILT = 11;

/**
 * A run that promotes what it made: steps 0 to 11 as in any sample, of which the last was given a secret; then `to-prod`
 * (approved by Bea and Cyd; Dan took his approval back), `unfrozen`, and `deploy`, which was given two.
 */
export function promotionRun(): RunFacts {
  const run = sampleRun(BUILT + 1);
  const promoting = gate(12, 'to-prod', 'gate.promote', `step-${BUILT}`, 'own');
  const unfrozen = gate(13, 'unfrozen', 'gate.freeze', 'to-prod', 'thawed');
  const deploy: StepFact = { ...sampleStep(14), id: 'deploy', needs: ['unfrozen'], environment: 'prod' };
  const steps = [...run.steps, promoting, unfrozen, deploy];
  return {
    ...run,
    steps,
    plan: { ...run.plan, stepIds: steps.map(({ id }) => id) },
    policy: [
      ...run.policy,
      { ...sampleDecision('own', 'step', 'allow'), obligations: DUTIES },
      sampleDecision('promoted', 'promotion', 'allow'),
      sampleDecision('thawed', 'promotion', 'allow'),
      sampleDecision('released', 'secret', 'allow'),
    ],
    approvals: [
      ...run.approvals,
      sampleConsent(promoting, 'bea', '42'),
      sampleConsent(promoting, 'cyd', '43'),
      { ...sampleConsent(promoting, 'dan', '44'), revokedAt: at(13) },
    ],
    secrets: [
      { stepId: `step-${BUILT}`, names: ['NPM_TOKEN'], at: at(BUILT), decisionId: 'released' },
      { stepId: 'deploy', names: ['DEPLOY_KEY', 'REGION'], at: at(14), decisionId: 'released' },
    ],
    promotions: [
      {
        gate: 'to-prod',
        environment: 'prod',
        artifacts: [sampleArtifact(BUILT).digest],
        commit: GIT_COMMIT,
        isRollback: false,
        decisionId: 'promoted',
        at: at(13),
      },
    ],
    relations: [{ type: 'promotes', runId: 'r-staging', payloadSha256: 'c'.repeat(64), logIndex: null }],
  };
}

const DUTIES = [
  { type: 'approvals', value: 1 },
  { type: 'approvals', value: 2 },
  { type: 'approver-is-not-actor', value: true },
  { type: 'approver-is-not-author', value: true },
  { type: 'expires-seconds', value: 86_400 },
];

function gate(seq: number, id: string, uses: string, need: string, decisionId: string): StepFact {
  const code = { uri: `maestro:${uses}`, digest: null };
  return { ...sampleStep(9), seq, id, code, needs: [need], environment: 'prod', decisionId };
}

/** To what the sample promotes. */
export function sampleConsent(gate: StepFact, id: string, account: string): ApprovalFact {
  return {
    ...sampleApproval(gate, []),
    id: `a-${gate.id}-${id}`,
    approver: { provider: 'github', id, account },
    subjectDigest: sampleSubject(gate, [sampleArtifact(BUILT).digest]),
  };
}
