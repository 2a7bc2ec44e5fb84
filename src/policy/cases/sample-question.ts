import type { Principal } from '../../base/principal.ts';
import type {
  ActionInput,
  ApprovalInput,
  PolicyFacts,
  PolicyInput,
  PolicyPhase,
  PolicyStep,
  PromotionInput,
  RunInput,
  SecretInput,
  StepInput,
} from '../input.ts';

const FACTS: PolicyFacts = {
  pipeline: { name: 'sample', kind: 'ci', version: null, steps: 1 },
  trigger: {
    type: 'push',
    actor: { provider: 'github', id: '1' },
    repository: 'https://github.com/acme/shop',
    ref: 'refs/heads/main',
    isFork: false,
  },
  purpose: null,
  authority: null,
  licence: null,
  autonomy: null,
  budget: { microUsd: null, tokens: null, minutes: null },
};

const STEP: PolicyStep = {
  kind: 'work',
  uses: 'shell',
  code: { uri: 'builtin:shell', digest: null },
  runner: 'linux',
  tags: [],
  egress: [],
  secrets: [],
  environment: null,
  gatedBy: [],
  isIdempotent: false,
  timeoutMs: 600_000,
  with: {},
};

const PERSON: Principal = {
  provider: 'github',
  account: '2',
  login: 'ada',
  permission: 'write',
  teams: [],
  isApp: false,
};

const AT = '2026-01-14T12:00:00.000Z';
const COMMIT = '0'.repeat(40);

/** A valid question of each phase, over which a case lays what it is about. */
export const SAMPLE_QUESTIONS: { readonly [Phase in PolicyPhase]: PolicyInput & { readonly phase: Phase } } = {
  run: { phase: 'run', ...FACTS, step: null } satisfies RunInput,
  step: { phase: 'step', ...FACTS, step: STEP } satisfies StepInput,
  secret: {
    phase: 'secret',
    ...FACTS,
    step: { ...STEP, secrets: ['TOKEN'] },
    secret: { isolation: 'container' },
  } satisfies SecretInput,
  action: {
    phase: 'action',
    ...FACTS,
    step: null,
    action: { name: 'run', isPublic: false, person: PERSON },
  } satisfies ActionInput,
  approval: {
    phase: 'approval',
    ...FACTS,
    step: { ...STEP, kind: 'gate', uses: 'approval', code: { uri: 'builtin:approval', digest: null } },
    approval: { decision: 'approve', person: PERSON, isActor: false, isAuthor: false, at: AT },
  } satisfies ApprovalInput,
  promotion: {
    phase: 'promotion',
    ...FACTS,
    step: {
      ...STEP,
      kind: 'gate',
      uses: 'gate.promote',
      code: { uri: 'builtin:gate.promote', digest: null },
      environment: 'staging',
      with: { environment: 'staging' },
    },
    promotion: {
      environment: 'staging',
      at: AT,
      clocks: { UTC: { date: '2026-01-14', time: '12:00', weekday: 'wed' } },
      artifacts: [],
      commit: COMMIT,
      isRollback: false,
      deployments: [],
      checks: [],
    },
  } satisfies PromotionInput,
};
