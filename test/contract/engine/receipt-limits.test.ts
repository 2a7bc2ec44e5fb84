import { describe, expect, it } from 'vitest';
import { digestBytes } from '../../../src/base/digest.ts';
import { localPrincipal } from '../../../src/base/principal.ts';
import { compilePlan } from '../../../src/engine/compiled-plan.ts';
import { answerBytes } from '../../../src/engine/receipt-room.ts';
import { ANSWER_BYTES_MAX } from '../../../src/engine/worker-limits.ts';
import type { PlanStep } from '../../../src/pipeline/plan.ts';
import { planOf, planStep } from '../../fakes/plans.ts';
import { onEveryStore } from './engines.ts';
import { DONE } from './world.ts';

const BO = localPrincipal('bo');
const CY = localPrincipal('cy');

/** So long that few answers are many bytes. */
const NAME_CHARS = 20_000;
const SEEN = {
  decision: 'approve',
  subjectDigest: digestBytes('seen'),
  at: new Date(0),
  environment: null,
  decisionId: null,
  revokedAt: null,
} as const;

/** Layers of steps, each of which needs all of the layer before. */
function layers(chars: number): PlanStep[] {
  const idOf = (layer: number, n: number): string => `${layer}[${`${n}`.padStart(chars, 'x')}]`;
  const before = (layer: number): string[] =>
    layer === 0 ? [] : Array.from({ length: 256 }, (_, n) => idOf(layer - 1, n));
  return Array.from({ length: 1024 }, (_, i) => {
    const layer = Math.floor(i / 256);
    return planStep(idOf(layer, i % 256), { base: `${layer}`, needs: before(layer) });
  });
}

onEveryStore('a run that could not have a receipt', (world) => {
  const gate = (id: string, approvals: number): PlanStep =>
    planStep(id, { kind: 'gate', uses: 'gate', with: { approvals } });

  describe('because of its plan', () => {
    it('does not begin, and leaves nothing behind', { timeout: 60_000 }, async () => {
      const w = world();
      const count = async (): Promise<unknown> => (await w.sql('select count(*) from run'))[0]?.[0];
      const before = await count();
      await expect(w.start(layers(150))).rejects.toMatchObject({ code: 'PIPELINE_INVALID' });
      expect(await count()).toBe(before);
      // The next one is none the worse for it.
      const run = await w.start([planStep('a')]);
      await (await w.worker()).run('a', DONE);
      expect((await w.end(run)).status).toBe('succeeded');
    });
  });

  describe('because of what people answer', () => {
    const nameless = answerBytes(
      [
        {
          ...SEEN,
          id: 1000,
          run: 1,
          idx: 0,
          generation: 1,
          provider: 'github',
          principal: '',
          account: 'x',
          reason: '',
        },
      ],
      compilePlan(planOf([gate('g', 1)])),
    );
    const taken = ANSWER_BYTES_MAX - Math.floor(1.5 * nameless);
    const each = nameless + NAME_CHARS;
    const count = Math.floor(taken / each);
    /** Bo answers, and others have done so before, about steps that were lost again and again: nobody else has room. */
    const crowd = async (run: number): Promise<void> => {
      await answer(run, 'approve', BO);
      const last = (taken % each) + NAME_CHARS;
      await world().sql(
        `insert into approval (run_id, idx, generation, decision, provider, principal, account, reason, subject_digest)
         select run_id, idx, -i, decision, 'github', repeat('x', case i when 1 then ${last} else ${NAME_CHARS} end), 'x', reason, subject_digest
         from approval, generate_series(1, ${count}) i where run_id = ${run}`,
      );
    };
    const answer = (run: number, decision: 'approve' | 'deny', principal: typeof BO): Promise<void> =>
      world().engine.answerGate(run, { decision, principal, isAuthor: false, reason: 'y'.repeat(2000) });

    it('takes no more answers, and ends with a receipt when it is cancelled', async () => {
      const w = world();
      const run = await w.start([gate('g', 3)]);
      await w.until(run, 'g', 'held');
      await crowd(run);
      for (const decision of ['approve', 'deny'] as const)
        await expect(answer(run, decision, CY)).rejects.toMatchObject({ code: 'TOO_MANY_ANSWERS' });
      expect((await w.step(run, 'g')).status).toBe('held');
      await w.engine.cancelRun(run, 'too many words');
      const { status } = await w.end(run);
      expect(status).toBe('cancelled');
      const told = (await w.events(run)).filter(({ type }) => type === 'approval.answered');
      expect(told.map(({ data }) => data?.principal)).toEqual(['local:bo']);
      const { approvals } = JSON.parse((await w.engine.readReceipt(run)).runRecord) as { approvals: unknown[] };
      expect(approvals).toHaveLength(count + 1);
    });

    it('still hears who has answered: the same word takes no more room, and its opposite less', async () => {
      const w = world();
      const run = await w.start([gate('g', 3)]);
      await w.until(run, 'g', 'held');
      await crowd(run);
      await answer(run, 'approve', BO);
      await answer(run, 'deny', BO);
      expect((await w.end(run)).status).toBe('failed');
      expect(await w.statuses(run)).toEqual({ g: 'denied' });
    });

    it('is counted for itself: its neighbours take answers', async () => {
      const w = world();
      const crowded = await w.start([gate('g', 3)]);
      const run = await w.start([gate('g', 2)]);
      await w.until(crowded, 'g', 'held');
      await w.until(run, 'g', 'held');
      await crowd(crowded);
      const answers = [answer(crowded, 'approve', CY), answer(run, 'approve', BO), answer(run, 'approve', CY)];
      expect((await Promise.allSettled(answers)).map(({ status }) => status)).toEqual([
        'rejected',
        'fulfilled',
        'fulfilled',
      ]);
      expect((await w.end(run)).status).toBe('succeeded');
    });
  });
});
