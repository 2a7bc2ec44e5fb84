import { generateKeyPairSync } from 'node:crypto';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Digest, digestBytes } from '../../../src/base/digest.ts';
import { approvalSubject } from '../../../src/provenance/approval-subject.ts';
import { signPayload } from '../../../src/provenance/envelope.ts';
import type {
  ApprovalFact,
  ArtifactFact,
  DecisionFact,
  LlmFact,
  RunFacts,
  StepFact,
} from '../../../src/provenance/facts.ts';
import type { Signer } from '../../../src/provenance/signer.ts';
import { openLocalSigner } from '../../../src/provenance/signers/local.ts';

const START_MS = Date.UTC(2026, 10, 20, 12, 0, 0);
const PLAN_DIGEST = digestBytes('plan');
export const GIT_COMMIT = 'a'.repeat(40);
const RUN_ID = '01jd4z8f3k5q7r9t0v2w4x6y8z';

/** A run of `count` steps that succeeded: work in chains of ten, each with one artifact; every tenth step is a gate. */
export function sampleRun(count: number): RunFacts {
  const steps = Array.from({ length: count }, (_, index) => sampleStep(index));
  return {
    run: {
      id: RUN_ID,
      attempt: 1,
      nonce: '00112233445566778899aabbccddeeff',
      pipeline: {
        name: 'release',
        version: null,
        uri: 'git+https://example.org/acme/app',
        path: '.maestro/release.yaml',
        digest: digestBytes('yaml'),
      },
      trigger: {
        type: 'manual',
        actor: { provider: 'github', id: 'ada', account: '583231' },
        eventDigest: digestBytes('event'),
      },
      source: { uri: 'git+https://example.org/acme/app', gitCommit: GIT_COMMIT },
      status: 'succeeded',
      reason: null,
      decisionId: 'd0',
      startedOn: at(0),
      finishedOn: at(count + 1),
    },
    plan: { digest: PLAN_DIGEST, stepIds: steps.map((step) => step.id) },
    inputs: [{ name: 'params', path: 'params.json', digest: digestBytes('{}'), sizeBytes: '2' }],
    steps,
    policy: [
      sampleDecision('d0', 'run', 'allow'),
      sampleDecision('d1', 'step', 'allow'),
      sampleDecision('d2', 'step', 'ask'),
      sampleDecision('answers', 'approval', 'allow'),
    ],
    approvals: steps.filter((step) => step.kind === 'gate').map((step) => sampleApproval(step, steps)),
    secrets: [],
    promotions: [],
    llm: [],
    cost: { microUsd: '0' },
    relations: [],
    issuer: { builderId: 'https://example.org/builders/laptop', version: '0.1.0', keyReachableBySteps: true },
  };
}

export function sampleStep(index: number): StepFact {
  const isGate = index % 10 === 9;
  return {
    seq: index,
    id: stepId(index),
    kind: isGate ? 'gate' : 'work',
    needs: index % 10 === 0 ? [] : [stepId(index - 1)],
    code: { uri: isGate ? 'maestro:approval' : 'maestro:shell', digest: digestBytes(`code ${index}`) },
    paramsDigest: isGate ? null : digestBytes(`params ${index}`),
    environment: null,
    runner: { environment: 'linux', isolation: isGate ? null : 'process' },
    inputs: [],
    outputs: isGate ? [] : [sampleArtifact(index)],
    outputsDigest: isGate ? null : digestBytes('{}'),
    exit: isGate ? null : 0,
    status: 'succeeded',
    attempts: isGate ? 0 : 1,
    iteration: 0,
    startedOn: at(index),
    finishedOn: at(index + 1),
    logs: isGate ? null : { digest: digestBytes(`log ${index}`), sizeBytes: '1234', isTruncated: false },
    isCacheHit: false,
    carriedFrom: null,
    isFailureAbsorbed: false,
    isCompensation: false,
    reason: null,
    decisionId: isGate ? 'd2' : 'd1',
  };
}

export function sampleArtifact(index: number): ArtifactFact {
  return { name: 'dist', path: `dist/app-${index}.tgz`, digest: digestBytes(`artifact ${index}`), sizeBytes: '4096' };
}

export function sampleDecision(
  id: string,
  phase: DecisionFact['phase'],
  decision: DecisionFact['decision'],
): DecisionFact {
  return {
    id,
    phase,
    engine: { name: 'opa', version: '1.4.2' },
    bundle: { digest: digestBytes('bundle and data'), revision: 'r1' },
    entrypoint: 'maestro/decision',
    input: { digest: digestBytes(`input ${id}`) },
    decision,
    reasons: [`base: ${decision}`],
    obligations: [],
    evaluatedAt: at(0),
    override: null,
  };
}

/** A call of a model by the second step. */
export function sampleCall(seq: number): LlmFact {
  const digest = digestBytes(`call ${seq}`);
  return {
    seq,
    stepId: 'step-1',
    provider: 'example',
    model: 'm',
    revision: null,
    microUsd: '10',
    isCacheHit: false,
    paramsDigest: digest,
    promptDigest: digest,
    responseDigest: digest,
    tokens: { in: '100', out: '10', cached: '0' },
  };
}

export function sampleApproval(gate: StepFact, steps: readonly StepFact[]): ApprovalFact {
  const needed = steps.filter((step) => gate.needs.includes(step.id));
  return {
    id: `a-${gate.id}`,
    gate: gate.id,
    environment: gate.environment,
    approver: { provider: 'github', id: 'bea', account: '42' },
    decision: 'approve',
    reason: 'seen',
    at: at(gate.seq),
    revokedAt: null,
    decisionId: 'answers',
    subjectDigest: sampleSubject(
      gate,
      needed.flatMap((step) => step.outputs.map((output) => output.digest)),
    ),
  };
}

export function sampleSubject({ id, environment }: StepFact, artifactDigests: readonly Digest[]): Digest {
  const run = { runId: RUN_ID, planDigest: PLAN_DIGEST, gitCommit: GIT_COMMIT };
  return approvalSubject({ ...run, gate: id, environment, artifactDigests });
}

/** A real signer on a real key file. */
export function sampleSigner(): Promise<Signer> {
  return openLocalSigner(join(scratchDirectory(), 'keys', 'signing.pem'));
}

export function scratchDirectory(): string {
  return mkdtempSync(join(tmpdir(), 'maestro-provenance-'));
}

export function writeKey(path: string, curve: string, mode: number): void {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: curve });
  writeFileSync(path, privateKey.export({ type: 'pkcs8', format: 'pem' }), { mode });
}

/** A statement signed as a bundle: what a lying issuer with the right key would write. */
export async function bundleOf(payload: string, signer: Signer): Promise<Uint8Array> {
  return Buffer.from(await signPayload(payload, signer));
}

function stepId(index: number): string {
  return `step-${index}`;
}

export function at(seconds: number): string {
  return new Date(START_MS + seconds * 1000).toISOString();
}
