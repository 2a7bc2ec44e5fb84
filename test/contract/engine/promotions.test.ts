import { describe, expect, it } from 'vitest';
import { digestBytes } from '../../../src/base/digest.ts';
import { localPrincipal, type Principal } from '../../../src/base/principal.ts';
import type { PlanStep } from '../../../src/pipeline/plan.ts';
import type { StartRun } from '../../../src/protocol/client.ts';
import type { Outcome } from '../../../src/protocol/outcome.ts';
import type { PromotionAsk, PromotionFindings } from '../../../src/protocol/promotion-facts.ts';
import { planOf, planStep, TRIGGER } from '../../fakes/plans.ts';
import { onEveryStore } from './engines.ts';
import { FAILED, rulesWith, type World } from './world.ts';

const ADA = localPrincipal(TRIGGER.actor.id);
const BO = localPrincipal('bo');
const CY = localPrincipal('cy');
const MINUTE_MS = 60_000;
const COMMIT = 'a'.repeat(40);
const RELEASE: StartRun['trigger'] = { ...TRIGGER, source: { ...TRIGGER.source, gitCommit: COMMIT } };

const GREEN: PromotionFindings = { checks: [{ name: 'ci/build', conclusion: 'success' }], deployments: [] };

/** What others than the store know, and how late it is: both are moved by the tests. */
const outside = {
  findings: GREEN,
  asked: [] as PromotionAsk[],
  aheadMs: 0,
};

function made(text: string): Outcome {
  const artifacts = [{ name: 'app', path: 'app.tgz', digest: digestBytes(text), sizeBytes: text.length }];
  return { kind: 'succeeded', artifacts };
}

function promote(id: string, environment: string, change: Partial<PlanStep> = {}): PlanStep {
  const code = { uri: 'maestro:gate.promote' };
  return planStep(id, { kind: 'gate', uses: 'gate.promote', code, with: { environment }, ...change });
}

const BUILD = planStep('build', { artifacts: [{ name: 'app', path: 'app.tgz', isRequired: true }] });
const STAGING = planStep('staging', { needs: ['build'], environment: 'staging' });
const GATE = promote('gate', 'prod', { needs: ['build'] });
const PROD = planStep('prod', { needs: ['gate'], environment: 'prod' });

onEveryStore(
  'promotions',
  (world) => {
    const answer = (run: number, principal: Principal, decision: 'approve' | 'deny' | 'revoke' = 'approve') =>
      world().engine.answerGate(run, { decision, reason: 'seen', principal, isAuthor: false });
    const start = (w: World, steps: readonly PlanStep[]) => w.start(planOf(steps), { trigger: RELEASE });
    const wake = async (w: World, run: number) => w.engine.revisitGates([(await w.engine.readRun(run)).id]);
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
    const release = async (
      w: World,
      text: string,
      steps: readonly PlanStep[] = [BUILD, GATE, PROD],
    ): Promise<number> => {
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

    it('goes to an environment when exactly it was in the one before, checks are green, and people agree', async () => {
      const w = world();
      await stage(w, 'v1');
      outside.aheadMs += 31 * MINUTE_MS;
      const run = await release(w, 'v1');
      await waits(w, run, /0 of 2 approvals/);
      expect(outside.asked.at(-1)).toMatchObject({ commit: COMMIT, upstream: ['staging'] });
      await answer(run, BO);
      await waits(w, run, /1 of 2 approvals/);
      // One person counts once, and whoever started it not at all.
      await answer(run, BO);
      await expect(answer(run, ADA)).rejects.toMatchObject({ code: 'APPROVAL_NOT_ALLOWED' });
      expect((await w.step(run, 'gate')).status).toBe('held');
      await answer(run, CY);
      await w.until(run, 'gate', 'succeeded');
      await deploy(w, run);
    });

    it('waits for the soak time, and goes on by itself when that is over', async () => {
      const w = world();
      await stage(w, 'v2');
      const run = await release(w, 'v2');
      await waits(w, run, /soak/);
      await answer(run, BO);
      await answer(run, CY);
      expect((await w.step(run, 'gate')).status).toBe('held');
      outside.aheadMs += 31 * MINUTE_MS;
      await w.timeout(run);
      await w.until(run, 'gate', 'succeeded');
      await deploy(w, run);
    });

    it('refuses what was never in the environment before, whatever else was', async () => {
      const w = world();
      await stage(w, 'v3');
      outside.aheadMs += 31 * MINUTE_MS;
      const run = await release(w, 'something else');
      const gate = await w.until(run, 'gate', 'denied');
      expect(gate.reason).toMatch(/promotion\/.*sha256:/);
      expect((await w.end(run)).status).toBe('failed');
    });

    it('refuses another artifact than the one that the same run has brought to the environment before', async () => {
      const w = world();
      const other = digestBytes('never anywhere');
      const gate = { ...GATE, needs: ['staging'], with: { environment: 'prod', artifacts: [other] } };
      const run = await release(w, 'v9', [BUILD, STAGING, gate, PROD]);
      await (await w.worker()).run('staging');
      expect((await w.until(run, 'gate', 'denied')).reason).toMatch(/promotion\/upstream.*staging/);
      await w.end(run);
    });

    it('goes back to what was there at once, without people', async () => {
      const w = world();
      const run = await release(w, 'v1');
      expect(await w.until(run, 'gate', 'succeeded')).toMatchObject({ reason: null });
      await deploy(w, run);
    });

    it('takes a commit for no rollback where a run at it has brought back an older artifact', async () => {
      const w = world();
      const gitCommit = 'c'.repeat(40);
      const trigger = { ...RELEASE, source: { ...RELEASE.source, gitCommit } };
      const named = { environment: 'prod', artifacts: [digestBytes('v1')] };
      const back = await w.start(planOf([promote('gate', 'prod', { with: named }), PROD]), { trigger });
      // Nobody has seen this plan bring it there: what was there before is not all that it does.
      await waits(w, back, /0 of 2 approvals/);
      await answer(back, BO);
      await answer(back, CY);
      await w.until(back, 'gate', 'succeeded');
      await deploy(w, back);
      const run = await w.start(planOf([promote('gate', 'prod'), PROD]), { trigger });
      expect((await w.until(run, 'gate', 'denied')).reason).toMatch(/promotion\/upstream/);
      await w.end(run);
    });

    it('does not count what a run of a fork brought to the environment before', async () => {
      const w = world();
      const worker = await w.worker();
      const fork = await w.start(planOf([BUILD, STAGING]), { trigger: { ...RELEASE, isFork: true } });
      await worker.run('build', made('v13'));
      await worker.run('staging');
      expect((await w.end(fork)).status).toBe('succeeded');
      outside.aheadMs += 31 * MINUTE_MS;
      const run = await release(w, 'v13');
      expect((await w.until(run, 'gate', 'denied')).reason).toMatch(/promotion\/upstream/);
      await w.end(run);
    });

    it('refuses a commit whose checks failed, and waits for those that run', async () => {
      const w = world();
      await stage(w, 'v4');
      outside.aheadMs += 31 * MINUTE_MS;
      outside.findings = { checks: [{ name: 'ci/build', conclusion: null }], deployments: [] };
      const run = await release(w, 'v4');
      await waits(w, run, /ci\/build/);
      outside.findings = { checks: [{ name: 'ci/build', conclusion: 'failure' }], deployments: [] };
      await wake(w, run);
      expect((await w.until(run, 'gate', 'denied')).reason).toMatch(/ci\/build/);
      await w.end(run);
      outside.findings = GREEN;
    });

    it('counts no approval that was taken back before it was used', async () => {
      const w = world();
      await stage(w, 'v5');
      outside.aheadMs += 31 * MINUTE_MS;
      const run = await release(w, 'v5');
      await waits(w, run, /0 of 2/);
      await answer(run, BO);
      const written = new Date().toISOString();
      await answer(run, BO, 'revoke');
      const late = { decision: 'approve', reason: '', principal: BO, isAuthor: false, begunBefore: written } as const;
      await expect(w.engine.answerGate(run, late)).rejects.toMatchObject({ code: 'CONFLICT' });
      await expect(answer(run, CY, 'revoke')).rejects.toMatchObject({ code: 'APPROVAL_NOT_ALLOWED' });
      await answer(run, CY);
      await waits(w, run, /1 of 2/);
      await answer(run, BO);
      await w.until(run, 'gate', 'succeeded');
      await expect(answer(run, BO, 'revoke')).rejects.toMatchObject({ code: 'GATE_NOT_OPEN' });
      await deploy(w, run);
    });

    it('counts no approval of somebody whom policy does not let approve any more', async () => {
      const w = world();
      const home = { tenant: 'local', name: 'local' };
      const source = { path: '.maestro/policy.yaml', commit: null };
      await stage(w, 'v21');
      outside.aheadMs += 31 * MINUTE_MS;
      const run = await release(w, 'v21');
      await waits(w, run, /0 of 2/);
      await answer(run, BO);
      await waits(w, run, /1 of 2/);
      await w.engine.setPolicy(home, { environments: { prod: { reviewers: ['cy', 'dee'] } } }, source);
      await waits(w, run, /0 of 2/);
      await answer(run, CY);
      await answer(run, localPrincipal('dee'));
      await w.until(run, 'gate', 'succeeded');
      await deploy(w, run);
      await w.engine.setPolicy(home, null, source);
    });

    it('does not deploy after a gate that was denied, also where the step would always run', async () => {
      const w = world();
      await stage(w, 'v6');
      outside.aheadMs += 31 * MINUTE_MS;
      const run = await release(w, 'v6', [BUILD, GATE, { ...PROD, if: 'always()' }]);
      await waits(w, run, /0 of 2/);
      await answer(run, BO, 'deny');
      // It asks for itself now: nobody promoted anything.
      expect((await w.until(run, 'prod', 'held')).hold).toMatchObject({ kind: 'ask' });
      await w.engine.cancelRun(run, 'enough');
      await w.end(run);
    });

    it('asks again when a deployment is retried, and once more where something after the gate is kept', async () => {
      const w = world();
      await stage(w, 'v10');
      outside.aheadMs += 31 * MINUTE_MS;
      const check = planStep('check', { needs: ['gate'] });
      const agreed = async (steps: readonly PlanStep[]): Promise<number> => {
        const run = await release(w, 'v10', steps);
        await waits(w, run, /0 of 2/);
        for (const person of [BO, CY]) await answer(run, person);
        await w.until(run, 'gate', 'succeeded');
        return run;
      };
      const first = await agreed([BUILD, GATE, PROD]);
      await (await w.worker()).run('prod', FAILED);
      await w.end(first);
      const again = await w.engine.retryRun(first, { type: 'failed' });
      await waits(w, again, /0 of 2/);
      await w.engine.cancelRun(again, 'enough');
      await w.end(again);
      const between = await agreed([BUILD, GATE, check, { ...PROD, needs: ['check'] }]);
      const worker = await w.worker();
      await worker.run('check');
      await worker.run('prod', FAILED);
      await w.end(between);
      const later = await w.engine.retryRun(between, { type: 'failed' });
      expect((await w.until(later, 'prod', 'held')).hold).toMatchObject({ kind: 'ask' });
      await w.engine.cancelRun(later, 'enough');
      await w.end(later);
    });

    it('takes what was undone, and what a retry carries over, for no deployment', async () => {
      const w = world();
      const undo = {
        uses: 'shell',
        code: { uri: 'maestro:step/shell' },
        with: { run: 'undo' },
        env: {},
        timeoutMs: 60_000,
      };
      const staging = { ...STAGING, compensate: undo };
      const deployed = (run: number) => w.sql(`select environment from deployment where run_id = ${run}`);
      const run = await start(w, [BUILD, staging, planStep('check', { needs: ['staging'] })]);
      const worker = await w.worker();
      await worker.run('build', made('v11'));
      await worker.run('staging');
      await worker.run('check', FAILED);
      await worker.run('staging:compensate');
      expect((await w.end(run)).status).toBe('failed');
      expect(await deployed(run)).toEqual([]);
      const kept = await start(w, [BUILD, STAGING, planStep('check', { needs: ['staging'] })]);
      await worker.run('build', made('v11'));
      await worker.run('staging');
      await worker.run('check', FAILED);
      await w.end(kept);
      expect(await deployed(kept)).toEqual([['staging']]);
      const again = await w.engine.retryRun(kept, { type: 'failed' });
      await worker.run('check');
      expect((await w.end(again)).status).toBe('succeeded');
      expect(await deployed(again)).toEqual([]);
    });

    it('lets exactly one of many racing answers decide', async () => {
      const w = world();
      const run = await w.start([
        planStep('g', { kind: 'gate', uses: 'gate', with: {} }),
        planStep('z', { needs: ['g'] }),
      ]);
      await w.until(run, 'g', 'held');
      const people = Array.from({ length: 200 }, (_, i) => localPrincipal(`p${i}`));
      const answers = await Promise.allSettled(
        people.map((person, i) => answer(run, person, i % 2 === 0 ? 'approve' : 'deny')),
      );
      expect(answers.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
      const { status } = await w.step(run, 'g');
      expect(['succeeded', 'denied']).toContain(status);
      if (status === 'succeeded') await (await w.worker()).run('z');
      await w.end(run);
    });

    it('goes on when policy changes, and keeps the answers that were given', async () => {
      const w = world();
      const home = { tenant: 'local', name: 'local' };
      const source = { path: '.maestro/policy.yaml', commit: null };
      await stage(w, 'v8');
      outside.aheadMs += 31 * MINUTE_MS;
      const run = await release(w, 'v8');
      await waits(w, run, /0 of 2/);
      await answer(run, BO);
      await waits(w, run, /1 of 2/);
      const risky = await start(w, [planStep('a', { tags: ['destructive'] })]);
      await w.until(risky, 'a', 'held');
      const patch = { environments: { prod: { approvals: 1 } }, tags: { destructive: { verdict: 'allow' } } };
      await w.engine.setPolicy(home, patch, source);
      await w.until(run, 'gate', 'succeeded');
      const worker = await w.worker();
      for (const lease of await worker.lease('prod', 'a')) await worker.complete(lease);
      for (const ended of [run, risky]) expect((await w.end(ended)).status).toBe('succeeded');
      await w.engine.setPolicy(home, null, source);
    });

    it('counts whom policy let approve as long as it lets them', async () => {
      const w = world();
      const home = { tenant: 'local', name: 'local' };
      const source = { path: '.maestro/policy.yaml', commit: null };
      const own = { environment: 'staging', approvals: 2, 'not-author': false };
      const gate = promote('gate', 'staging', { needs: ['build'], with: own });
      const run = await release(w, 'v12', [BUILD, gate]);
      await waits(w, run, /0 of 2/);
      await answer(run, ADA);
      await waits(w, run, /1 of 2/);
      await w.engine.setPolicy(home, { environments: { staging: { protected: true } } }, source);
      await waits(w, run, /0 of 2/);
      await answer(run, BO);
      await waits(w, run, /1 of 2/);
      await answer(run, CY);
      await w.until(run, 'gate', 'succeeded');
      expect((await w.end(run)).status).toBe('succeeded');
      await w.engine.setPolicy(home, null, source);
    });

    it('leaves a receipt of what was approved, lost, and not let run once more', async () => {
      const w = world();
      const run = await start(w, [planStep('a', { tags: ['destructive'], isIdempotent: false })]);
      await w.until(run, 'a', 'held');
      await answer(run, BO);
      const lost = await w.worker();
      await lost.take('a');
      await lost.leave();
      await expect.poll(async () => (await w.step(run, 'a')).hold?.kind).toBe('unknown-outcome');
      await answer(run, BO, 'deny');
      expect((await w.end(run)).status).toBe('failed');
    });

    describe('freeze windows', () => {
      it('deny a promotion, or hold it until they end', async () => {
        const w = world();
        await stage(w, 'v7');
        // The year's end of 2056 in Paris: years ahead of every other test.
        outside.aheadMs = Date.parse('2056-12-28T12:00:00Z') - Date.now();
        const denied = await release(w, 'v7');
        expect((await w.until(denied, 'gate', 'denied')).reason).toMatch(/freeze\/.*year-end/);
        await w.end(denied);
        const frozen = planStep('gate', {
          kind: 'gate',
          uses: 'gate.freeze',
          code: { uri: 'maestro:gate.freeze' },
          needs: ['build'],
          with: { environment: 'prod' },
        });
        const held = await release(w, 'v7', [BUILD, frozen]);
        await waits(w, held, /year-end/);
        outside.aheadMs = Date.parse('2057-01-02T23:00:01Z') - Date.now();
        await w.timeout(held);
        await w.until(held, 'gate', 'succeeded');
        expect((await w.end(held)).status).toBe('succeeded');
        outside.aheadMs = 0;
      });
    });
  },
  async () => ({
    clock: { now: () => Date.now() + outside.aheadMs },
    promotions: {
      facts: async (ask) => {
        outside.asked.push(ask);
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
  }),
);
