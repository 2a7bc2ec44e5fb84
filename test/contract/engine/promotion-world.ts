import { expect } from 'vitest';
import { digestBytes } from '../../../src/base/digest.ts';
import { messageOf } from '../../../src/base/errors.ts';
import { localPrincipal, type Principal } from '../../../src/base/principal.ts';
import type { EngineOptions } from '../../../src/engine/engine-options.ts';
import type { PlanStep } from '../../../src/pipeline/plan.ts';
import type { GateAnswer, StartRun } from '../../../src/protocol/client.ts';
import type { Outcome } from '../../../src/protocol/outcome.ts';
import type { PromotionAsk, PromotionFindings } from '../../../src/protocol/promotion-facts.ts';
import { planOf, planStep, TRIGGER } from '../../fakes/plans.ts';
import { rulesWith, type World } from './world.ts';

export const ADA = localPrincipal(TRIGGER.actor.id);
export const BO = localPrincipal('bo');
export const CY = localPrincipal('cy');
export const MINUTE_MS = 60_000;
export const COMMIT = 'a'.repeat(40);
export const RELEASE: StartRun['trigger'] = { ...TRIGGER, source: { ...TRIGGER.source, gitCommit: COMMIT } };
export const GREEN: PromotionFindings = { checks: [{ name: 'ci/build', conclusion: 'success' }], deployments: [] };

/** What others than the store know, and how late it is: both are moved by the tests. */
export const outside = { findings: GREEN, asked: [] as PromotionAsk[], aheadMs: 0, isAway: false };
const AWAY = 'GitHub is away';

export function made(text: string): Outcome {
  const artifacts = [{ name: 'app', path: 'app.tgz', digest: digestBytes(text), sizeBytes: text.length }];
  return { kind: 'succeeded', artifacts };
}

export function promote(id: string, environment: string, change: Partial<PlanStep> = {}): PlanStep {
  const code = { uri: 'maestro:gate.promote' };
  return planStep(id, { kind: 'gate', uses: 'gate.promote', code, with: { environment }, ...change });
}

export const BUILD = planStep('build', { artifacts: [{ name: 'app', path: 'app.tgz', isRequired: true }] });
export const STAGING = planStep('staging', { needs: ['build'], environment: 'staging' });
export const GATE = promote('gate', 'prod', { needs: ['build'] });
export const PROD = planStep('prod', { needs: ['gate'], environment: 'prod' });

/** What the tests of promotions do again and again. */
export function promoting(world: () => World) {
  const answer = (run: number, principal: Principal, decision: GateAnswer['decision'] = 'approve') =>
    world().engine.answerGate(run, { decision, reason: 'seen', principal, isAuthor: false });
  const start = (w: World, steps: readonly PlanStep[]) => w.start(planOf(steps), { trigger: RELEASE });
  /** A run that brings what it builds to staging. */
  const stage = async (w: World, text: string): Promise<void> => {
    outside.aheadMs = 0;
    const run = await start(w, [BUILD, STAGING]);
    const worker = await w.worker();
    await worker.run('build', made(text));
    await worker.run('staging');
    expect((await w.end(run)).status).toBe('succeeded');
  };
  /** A run whose gate to prod waits. */
  const release = async (w: World, text: string, steps: readonly PlanStep[] = [BUILD, GATE, PROD]): Promise<number> => {
    const run = await start(w, steps);
    await (await w.worker()).run('build', made(text));
    return run;
  };
  const waits = async (w: World, run: number, reason: RegExp): Promise<void> => {
    await expect.poll(async () => (await w.step(run, 'gate')).hold?.reason, { timeout: 5000 }).toMatch(reason);
  };
  const deploy = async (w: World, run: number): Promise<void> => {
    await (await w.worker()).run('prod');
    expect((await w.end(run)).status).toBe('succeeded');
  };
  return { answer, start, stage, release, waits, deploy };
}

/** A policy with two environments and a freeze, and a clock that the tests move. */
export async function promotionOptions(): Promise<Partial<EngineOptions>> {
  const onError = (error: unknown): void => {
    if (messageOf(error) !== AWAY) throw error;
  };
  return {
    onError,
    clock: { now: () => Date.now() + outside.aheadMs },
    promotions: {
      facts: async (ask) => {
        outside.asked.push(ask);
        if (outside.isAway) throw new Error(AWAY);
        return outside.findings;
      },
    },
    ...(await rulesWith({
      environments: {
        staging: { order: 1 },
        prod: { order: 2, protected: true, soak: '30m', checks: 'all', approvals: 2 },
      },
      freeze: {
        windows: [
          {
            name: 'year-end',
            environments: ['prod'],
            timezone: 'Europe/Paris',
            from: '2056-12-20T00:00',
            to: '2057-01-03T00:00',
          },
        ],
      },
    })),
  };
}
