import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { digestBytes } from '../../../src/base/digest.ts';
import type { Principal } from '../../../src/base/principal.ts';
import type { Plan, PlanStep } from '../../../src/pipeline/plan.ts';
import { readBundle } from '../../../src/policy/bundle.ts';
import type {
  ActionInput,
  ApprovalInput,
  PolicyStep,
  PromotionFacts,
  PromotionInput,
  RunInput,
  SecretInput,
  StepInput,
} from '../../../src/policy/input.ts';
import type { PolicyTrigger } from '../../../src/policy/input-from-plan.ts';

export const POLICY_FOLDER = resolve(import.meta.dirname, '../../../policy');
export const FILES = {
  wasm: readFileSync(resolve(POLICY_FOLDER, 'dist/policy.wasm')),
  manifest: readFileSync(resolve(POLICY_FOLDER, 'dist/manifest.json')),
};
export const BUNDLE = readBundle(FILES);

export const RUN: RunInput = {
  phase: 'run',
  pipeline: { name: 'golden', kind: 'ci', version: null, steps: 1 },
  trigger: {
    type: 'manual',
    actor: { provider: 'local', id: 'me' },
    repository: 'file:///golden',
    ref: 'refs/heads/main',
    isFork: false,
  },
  purpose: null,
  authority: null,
  licence: null,
  autonomy: null,
  budget: { microUsd: null, tokens: null, minutes: null },
  step: null,
};

const WORK: PolicyStep = {
  kind: 'work',
  uses: 'shell',
  code: { uri: 'builtin:shell', digest: digestBytes('shell') },
  runner: 'linux',
  tags: [],
  egress: [],
  secrets: [],
  environment: null,
  gatedBy: [],
  isIdempotent: true,
  timeoutMs: 60_000,
  with: { run: 'true', shell: 'bash' },
};

export function stepOf(change: Partial<PolicyStep>, run: Partial<Omit<RunInput, 'phase' | 'step'>> = {}): StepInput {
  return { ...RUN, ...run, phase: 'step', step: { ...WORK, ...change } };
}

export function forkOf(change: Partial<PolicyStep>): StepInput {
  return stepOf(change, { trigger: { ...RUN.trigger, isFork: true } });
}

export const PERSON: Principal = {
  provider: 'github',
  account: '77',
  login: 'Grace',
  permission: 'write',
  teams: ['acme/release'],
  isApp: false,
};

export function secretOf(change: Partial<PolicyStep>, isolation: SecretInput['secret']['isolation']): SecretInput {
  return { ...stepOf(change), phase: 'secret', secret: { isolation } };
}

export function actionOf(name: string, person: Partial<Principal> = {}, isPublic = false): ActionInput {
  return { phase: 'action', step: null, action: { name, isPublic, person: { ...PERSON, ...person } } };
}

export function approvalOf(
  step: Partial<PolicyStep> | null,
  change: Partial<ApprovalInput['approval']> = {},
): ApprovalInput {
  return {
    ...RUN,
    phase: 'approval',
    step: step && { ...WORK, kind: 'gate', uses: 'approval', with: {}, ...step },
    approval: {
      decision: 'approve',
      person: PERSON,
      isActor: false,
      isAuthor: false,
      at: '2026-11-27T15:30:00Z',
      ...change,
    },
  };
}

export function promotionOf(change: Partial<PromotionFacts>): PromotionInput {
  const promotion: PromotionFacts = {
    environment: 'prod',
    at: '2026-11-27T15:30:00Z',
    clocks: { 'Europe/Paris': { date: '2026-11-27', time: '16:30', weekday: 'fri' } },
    artifacts: [digestBytes('app')],
    commit: '1f2e3d4c5b6a79881f2e3d4c5b6a79881f2e3d4c',
    isRollback: false,
    deployments: [],
    checks: [],
    ...change,
  };
  const step: PolicyStep = { ...WORK, kind: 'gate', uses: 'gate.promote', environment: 'prod', with: {} };
  return { ...RUN, phase: 'promotion', step, promotion };
}

export const TRIGGER: PolicyTrigger = {
  type: 'push',
  actor: { provider: 'github', id: '1' },
  source: { uri: 'https://github.com/o/r', ref: 'refs/heads/main' },
  isFork: false,
};

export const PLAN_STEP: PlanStep = {
  id: 'test[22]',
  base: 'test',
  kind: 'work',
  needs: [],
  uses: 'shell',
  code: { uri: 'builtin:shell' },
  with: { run: 'npm test' },
  env: {},
  secrets: [],
  runner: 'linux',
  timeoutMs: 60_000,
  retry: { max: 0, on: [], backoff: { initialMs: 1, factor: 1, maxMs: 1, jitter: 'none' } },
  artifacts: [],
  outputs: {},
  continueOnError: false,
  tags: [],
  egress: [],
  isIdempotent: true,
};

export const PLAN: Plan = {
  schema: 'maestro.plan/v1',
  name: 'golden',
  kind: 'ci',
  source: { path: '.maestro/golden.yaml', digest: digestBytes('golden') },
  params: {},
  env: {},
  steps: [PLAN_STEP],
};
