import { afterEach, beforeEach, expect, it } from 'vitest';
import { RUN_OUTCOME_BYTES_MAX } from '../../../src/engine/worker-limits.ts';
import type { PlanStep } from '../../../src/pipeline/plan.ts';
import type { Lease } from '../../../src/protocol/lease.ts';
import { onEveryDatabase } from '../../every-database.ts';
import { planOf, planStep } from '../../fakes/plans.ts';
import { type FreshDatabase, freshDatabase } from '../../fresh-database.ts';
import { World } from './world.ts';

const step = (id: string, change: Partial<PlanStep> = {}): PlanStep =>
  planStep(id, { retry: { ...planStep('x').retry, max: 0 }, ...change });

onEveryDatabase('what one step leaves for hundreds of others', (url) => {
  let fresh: FreshDatabase;
  let world: World;
  beforeEach(async () => {
    fresh = await freshDatabase(url);
    world = await World.open(await fresh.open());
  });
  afterEach(async () => {
    await world.close();
    await world.db.close();
    await fresh.drop();
  });

  const text = 'x'.repeat(500_000);
  const ids = Array.from({ length: 60 }, (_, i) => `r${i}`);
  const readers = (run: string, needs: readonly string[]): PlanStep[] =>
    ids.map((id, i) => step(id, { needs, with: { run: `echo ${i} ${run}`, shell: 'bash' } }));
  /** How many transactions wrote the steps that wait for workers. */
  const judgements = async (run: number): Promise<number> =>
    Number(
      (await world.sql(`select count(distinct xmin::text) from step where run_id = ${run} and state = 2`))[0]?.[0],
    );
  const ready = async (run: number): Promise<number> =>
    Number((await world.sql(`select count(*) from step where run_id = ${run} and state = 2`))[0]?.[0]);

  it('is put into their inputs part by part, and is on its way to workers only as far as an answer carries it', async () => {
    const run = await world.start([step('a'), ...readers('${{ steps.a.outputs.text }}', ['a'])], { isDedicated: true });
    const worker = await world.worker({ run: (await world.engine.readRun(run)).id });
    // In the account it weighs far more than it is, as many small values would.
    await worker.run('a', { kind: 'succeeded', outputs: { text } });
    await expect.poll(() => ready(run), { timeout: 20_000 }).toBe(60);
    expect(await judgements(run)).toBeGreaterThanOrEqual(3);
    await world.sql(`update run_share set bytes = ${RUN_OUTCOME_BYTES_MAX} where run_id = ${run}`);
    const leases = await world.engine.leases.acquire(worker.id, 60, 5000, new AbortController().signal);
    expect(leases.length).toBe(1);
    expect(leases[0]?.contexts.steps).toMatchObject({ a: { outputs: { text } } });
    await world.engine.cancelRun(run, 'over');
    await worker.complete(leases[0] as Lease, { kind: 'cancelled' });
    await world.end(run);
  });

  it('is judged part by part also where it comes with the start of the run', async () => {
    const plan = planOf(readers('${{ params.text }}', []), { params: { text } });
    const run = await world.start(plan);
    await expect.poll(() => ready(run), { timeout: 20_000 }).toBe(60);
    expect(await judgements(run)).toBeGreaterThanOrEqual(3);
    await world.engine.cancelRun(run, 'over');
    await world.end(run);
  });

  it('fails a step whose expressions make far more of it than policy would judge', async () => {
    const parts = Array.from({ length: 10 }, (_, i) => `${i} \${{ steps.a.outputs.text }}`);
    const run = await world.start([step('a'), step('b', { needs: ['a'], with: { parts } })]);
    const worker = await world.worker();
    await worker.run('a', { kind: 'succeeded', outputs: { text } });
    const view = await world.end(run);
    expect(view.steps[1]).toMatchObject({ status: 'failed', reason: expect.stringContaining('EXPRESSION_FAILED') });
    const own = Array.from({ length: 10 }, (_, i) => `${i} \${{ params.text }}`);
    const other = await world.start(planOf([step('b', { with: { own } })], { params: { text } }));
    expect((await world.end(other)).steps[0]?.reason).toContain('EXPRESSION_FAILED');
  });
});
