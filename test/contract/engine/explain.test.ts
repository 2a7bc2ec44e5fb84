import { expect, it } from 'vitest';
import { localPrincipal } from '../../../src/base/principal.ts';
import { explainPlan } from '../../../src/engine/explain.ts';
import { planOf, planStep, TRIGGER } from '../../fakes/plans.ts';
import { onEveryStore } from './engines.ts';
import { policyWith, rulesWith } from './world.ts';

const DATA = { tags: { chaos: { verdict: 'deny' }, 'high-risk': { verdict: 'ask' } } };
const PLAN = planOf([
  planStep('build'),
  planStep('break', { tags: ['chaos'] }),
  planStep('ship', { tags: ['high-risk'], needs: ['build'] }),
  planStep('late', { needs: ['ship'], with: { run: 'echo ${{ steps.ship.outputs.x }}', shell: 'bash' } }),
]);

onEveryStore(
  'explanations',
  (world) => {
    it('say what was asked about a run and its steps, the strictest first, and what each pack says to it', async () => {
      const w = world();
      const run = await w.start(PLAN);
      await (await w.worker()).run('build');
      await w.until(run, 'ship', 'held');
      const { asked, more } = await w.engine.explain(run);
      expect([asked.map(({ step, phase, decision }) => [step, phase, decision.verdict]), more]).toEqual([
        [
          ['break', 'step', 'deny'],
          ['ship', 'step', 'ask'],
          [null, 'run', 'allow'],
          ['build', 'step', 'allow'],
        ],
        0,
      ]);
      const [denied] = asked;
      expect(denied?.packs.filter(({ verdict }) => verdict === 'deny').flatMap(({ reasons }) => reasons)).toEqual(
        denied?.decision.reasons,
      );
      expect(denied?.packs.length).toBeGreaterThan(3);
      expect(denied?.input).toMatchObject({ phase: 'step', step: { tags: ['chaos'] } });
      expect(denied?.packDigest).toBe(denied?.decision.packDigest);
      await w.engine.answerGate(run, {
        decision: 'approve',
        reason: '',
        principal: localPrincipal('bo'),
        isAuthor: false,
      });
      await w.until(run, 'ship', 'ready');
      const ofShip = await w.engine.explain(run, 'ship');
      expect(ofShip.asked.map(({ phase, decision }) => [phase, decision.verdict])).toEqual([
        ['step', 'ask'],
        ['approval', 'allow'],
      ]);
      await expect(w.engine.explain(run, 'nobody')).rejects.toMatchObject({ code: 'STEP_NOT_FOUND' });
    });

    it('hold back all but fifty questions of a large run, and say how many', async () => {
      const w = world();
      const steps = Array.from({ length: 80 }, (_, i) =>
        planStep(`s${i}`, { with: { run: `echo ${i}`, shell: 'bash' } }),
      );
      const { asked, more } = await w.engine.explain(await w.start(steps));
      expect([asked.length, more]).toEqual([50, 31]);
    });

    it('of a plan are those that its run would have', async () => {
      const w = world();
      const plan = planOf(PLAN.steps.slice(0, 3));
      const run = await w.start(plan);
      await (await w.worker()).run('build');
      await w.until(run, 'ship', 'held');
      const before = explainPlan(await policyWith(DATA), { plan, trigger: TRIGGER });
      const { asked } = await w.engine.explain(run);
      expect(before.asked.map(({ step, input }) => [step, input])).toEqual(
        asked.map(({ step, input }) => [step, input]),
      );
      expect(before.asked.map(({ packs }) => packs)).toEqual(asked.map(({ packs }) => packs));
      expect(explainPlan(await policyWith(DATA), { plan, trigger: TRIGGER }, 'ship').asked).toHaveLength(1);
    });
  },
  async () => rulesWith(DATA),
);
