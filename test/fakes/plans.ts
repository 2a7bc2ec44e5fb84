import { digestBytes } from '../../src/base/digest.ts';
import type { Plan, PlanStep } from '../../src/pipeline/plan.ts';
import type { RunTrigger } from '../../src/protocol/client.ts';

/** A plan step that says nothing special. */
export function planStep(id: string, change: Partial<PlanStep> = {}): PlanStep {
  return {
    id,
    base: id,
    kind: 'work',
    needs: [],
    uses: 'shell',
    code: { uri: 'maestro:step/shell' },
    with: { run: 'true', shell: 'bash' },
    env: {},
    secrets: [],
    runner: 'linux',
    timeoutMs: 60_000,
    retry: { max: 2, on: ['infra', 'rate-limit'], backoff: { initialMs: 1, factor: 1, maxMs: 1, jitter: 'none' } },
    artifacts: [],
    outputs: {},
    continueOnError: false,
    tags: [],
    egress: [],
    isIdempotent: true,
    ...change,
  };
}

export function planOf(steps: readonly PlanStep[], change: Partial<Plan> = {}): Plan {
  return {
    schema: 'maestro.plan/v1',
    name: 'sample',
    kind: 'ci',
    source: { path: '.maestro/sample.yaml', digest: digestBytes(JSON.stringify(steps)) },
    params: {},
    env: {},
    steps,
    ...change,
  };
}

export const TRIGGER: RunTrigger = {
  type: 'manual',
  actor: { provider: 'local', id: 'ada' },
  source: { uri: 'file:///repository', gitCommit: null, ref: null },
  github: {},
  eventDigest: digestBytes('event'),
  isFork: false,
};
