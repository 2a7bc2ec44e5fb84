import { describe, expect, it } from 'vitest';
import { digestBytes } from '../../../src/base/digest.ts';
import type { PlanStep } from '../../../src/pipeline/plan.ts';
import { planOf, planStep } from '../../fakes/plans.ts';
import { onEveryStore } from './engines.ts';
import {
  ADA,
  BO,
  BUILD,
  COMMIT,
  CY,
  GATE,
  GREEN,
  MINUTE_MS,
  made,
  outside,
  PROD,
  promote,
  promoting,
  promotionOptions,
  RELEASE,
  STAGING,
} from './promotion-world.ts';
import { FAILED, type World } from './world.ts';

onEveryStore(
  'promotions',
  (world) => {
    const { answer, start, stage, release, waits, deploy } = promoting(world);
    const wake = async (w: World, run: number) => w.engine.revisitGates([(await w.engine.readRun(run)).id]);

    it('goes to an environment when exactly it was in the one before, checks are green, and people agree', async () => {
      const w = world();
      await stage(w, 'v1');
      outside.aheadMs += 31 * MINUTE_MS;
      const run = await release(w, 'v1');
      await waits(w, run, /0 of 2 approvals/);
      expect(outside.asked.at(-1)).toMatchObject({ commit: COMMIT, environments: ['staging'] });
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

    it('asks people where another plan brings a commit back, and nobody where the same one does', async () => {
      const w = world();
      const gitCommit = 'd'.repeat(40);
      const trigger = { ...RELEASE, source: { ...RELEASE.source, gitCommit } };
      const upstream = { environment: 'staging', sha: gitCommit, succeededAt: '2026-01-01T00:00:00Z', endedAt: null };
      outside.findings = { ...GREEN, deployments: [upstream] };
      const bring = (change: Partial<PlanStep> = {}): Promise<number> =>
        w.start(planOf([promote('gate', 'prod'), { ...PROD, ...change }]), { trigger });
      const first = await bring();
      await waits(w, first, /0 of 2 approvals/);
      await answer(first, BO);
      await answer(first, CY);
      await w.until(first, 'gate', 'succeeded');
      await deploy(w, first);
      outside.findings = { checks: [{ name: 'ci/build', conclusion: 'failure' }], deployments: [] };
      const same = await bring();
      await w.until(same, 'gate', 'succeeded');
      await deploy(w, same);
      const other = await bring({ with: { run: 'drop' } });
      await waits(w, other, /0 of 2 approvals/);
      expect((await w.step(other, 'gate')).status).toBe('held');
      await w.engine.cancelRun(other, 'enough');
      await w.end(other);
      outside.findings = GREEN;
    });

    it('lets a commit come back that others deployed behind the gate of the same plan, and no other', async () => {
      const w = world();
      const gitCommit = 'e'.repeat(40);
      const trigger = { ...RELEASE, source: { ...RELEASE.source, gitCommit } };
      const on = (environment: string) =>
        ({ environment, sha: gitCommit, succeededAt: '2026-01-01T00:00:00Z', endedAt: null }) as const;
      const only = (message: string): Promise<number> =>
        w.start(planOf([promote('gate', 'prod', { with: { environment: 'prod', message } })]), { trigger });
      // Whoever says that it was there has not been let there.
      outside.findings = { ...GREEN, deployments: [on('staging'), on('prod')] };
      const first = await only('one');
      await waits(w, first, /0 of 2 approvals/);
      expect(outside.asked.at(-1)?.environments).toEqual(['staging']);
      await answer(first, BO);
      await answer(first, CY);
      await w.until(first, 'gate', 'succeeded');
      await w.end(first);
      outside.findings = { checks: [{ name: 'ci/build', conclusion: 'failure' }], deployments: [on('prod')] };
      const again = await only('one');
      await w.until(again, 'gate', 'succeeded');
      await w.end(again);
      expect(outside.asked.at(-1)?.environments).toEqual(['prod', 'staging']);
      const other = await only('two');
      expect((await w.until(other, 'gate', 'denied')).reason).toMatch(/ci\/build/);
      await w.end(other);
      // Let there, but nobody says that it came to be there.
      outside.findings = { ...GREEN, deployments: [] };
      const failed = await only('one');
      expect((await w.until(failed, 'gate', 'denied')).reason).toMatch(/promotion\/upstream/);
      await w.end(failed);
      outside.findings = GREEN;
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

    it('lets what was there come back while GitHub is away, and what nobody answers expires', async () => {
      const w = world();
      await stage(w, 'v30');
      outside.aheadMs += 31 * MINUTE_MS;
      outside.isAway = true;
      const back = await release(w, 'v1');
      await w.until(back, 'gate', 'succeeded');
      await deploy(w, back);
      const gate = promote('gate', 'prod', { needs: ['build'], with: { environment: 'prod', expires: '1h' } });
      const run = await release(w, 'v30', [BUILD, gate, PROD]);
      await waits(w, run, /cannot be judged yet: GitHub is away/);
      outside.aheadMs += 61 * MINUTE_MS;
      await w.timeout(run);
      expect((await w.until(run, 'gate', 'denied')).reason).toMatch(/nobody answered in time/);
      await w.end(run);
      outside.isAway = false;
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
  promotionOptions,
);
