import type { Plan } from '../../../../src/pipeline/plan.ts';
import type { GitHubRun } from '../../../../src/protocol/github-run.ts';
import type { RunView, StepView } from '../../../../src/protocol/run.ts';
import { githubRun } from '../../../fakes/github-runs.ts';

export const DIGEST = `sha256:${'a'.repeat(64)}` as const;
const AT = '2026-11-20T10:00:00.000Z';

export function stepView(id: string, change: Partial<StepView> = {}): StepView {
  return {
    id,
    kind: 'work',
    uses: 'shell',
    environment: null,
    needs: [],
    status: 'succeeded',
    attempts: 1,
    iteration: 1,
    startedAt: AT,
    finishedAt: '2026-11-20T10:00:12.000Z',
    hold: null,
    reason: null,
    exitCode: null,
    outputs: {},
    artifacts: [],
    annotations: [],
    isCacheHit: false,
    isCompensation: false,
    decision: null,
    ...change,
  };
}

export function runView(id: string, change: Partial<RunView> = {}): RunView {
  const isFinal = change.status !== undefined && change.status !== 'running' && change.status !== 'queued';
  return {
    id,
    pipeline: 'ci',
    status: 'running',
    attempt: 1,
    retryOf: null,
    planDigest: DIGEST,
    trigger: { type: 'push', actor: { provider: 'github', id: 'ada' } },
    createdAt: AT,
    startedAt: AT,
    finishedAt: isFinal ? '2026-11-20T10:05:00.000Z' : null,
    reason: null,
    decision: null,
    isConsentWanted: false,
    steps: [],
    receipt: isFinal ? { status: 'signed', payloadSha256: 'f'.repeat(64) } : null,
    ...change,
  };
}

export function planOf(change: Partial<Plan> = {}): Plan {
  return {
    schema: 'maestro.plan/v1',
    name: 'ci',
    kind: 'ci',
    source: { path: '.maestro/ci.yaml', digest: DIGEST },
    params: {},
    env: {},
    steps: [],
    ...change,
  };
}

export function placeOf(runId: string, change: Partial<GitHubRun> = {}): GitHubRun {
  return githubRun({ runId, installationId: 1, repositoryId: 10, ...change });
}
