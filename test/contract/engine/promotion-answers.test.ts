import { expect, it } from 'vitest';
import { localPrincipal } from '../../../src/base/principal.ts';
import { planStep } from '../../fakes/plans.ts';
import { onEveryStore } from './engines.ts';
import { ADA, BO, BUILD, CY, MINUTE_MS, outside, promote, promoting, promotionOptions } from './promotion-world.ts';

onEveryStore(
  'answers to promotions, and policy that changes meanwhile',
  (world) => {
    const { answer, start, stage, release, waits, deploy } = promoting(world);

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
      expect((await w.step(run, 'gate')).status).toBe('held');
      await answer(run, CY);
      await answer(run, localPrincipal('dee'));
      await w.until(run, 'gate', 'succeeded');
      await deploy(w, run);
      await w.engine.setPolicy(home, null, source);
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
  },
  promotionOptions,
);
