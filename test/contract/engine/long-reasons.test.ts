import { afterEach, beforeEach, expect, it } from 'vitest';
import { localPrincipal } from '../../../src/base/principal.ts';
import { EVENT_TEXT_CHARS_MAX, REASON_CHARS_MAX } from '../../../src/engine/worker-limits.ts';
import type { PlanStep } from '../../../src/pipeline/plan.ts';
import { PAYLOAD_BYTES_MAX } from '../../../src/provenance/receipt.ts';
import { onEveryDatabase } from '../../every-database.ts';
import { planStep } from '../../fakes/plans.ts';
import { type FreshDatabase, freshDatabase } from '../../fresh-database.ts';
import { World } from './world.ts';

/** Four steps in every combination that a matrix may have. */
const combinations = (change: Partial<PlanStep>): PlanStep[] =>
  Array.from({ length: 1024 }, (_, i) =>
    planStep(`s${i % 4}[n=${i >> 2}]`, { base: `s${i % 4}`, matrix: { n: i >> 2 }, ...change }),
  );

onEveryDatabase('what is said of steps', (url) => {
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

  const payloadBytes = async (run: number): Promise<number> =>
    Number((await world.sql(`select octet_length(payload) from receipt where run_id = ${run}`))[0]?.[0]);

  it('is cut where it is a long condition, so that a thousand skipped steps have their receipt', async () => {
    const condition = `'${'x'.repeat(20_000)}' == 'y'`;
    const run = await world.start(combinations({ if: condition }));
    const view = await world.end(run);
    expect(view.status).toBe('succeeded');
    const [step] = view.steps;
    expect([step?.status, step?.reason?.length]).toEqual(['skipped', REASON_CHARS_MAX]);
    expect(step?.reason).toMatch(/^its condition is false: 'x+…$/);
    const told = (await world.events(run)).find(({ type }) => type === 'step.skipped');
    expect(told?.data).toEqual({ reason: expect.stringMatching(/^its condition is false: 'x+…$/) });
    expect(told?.data?.reason).toHaveLength(EVENT_TEXT_CHARS_MAX);
  });

  it('is cut where a run is cancelled with many words, which all of its steps repeat', async () => {
    const run = await world.start(combinations({}));
    await world.engine.cancelRun(run, `because ${'of this '.repeat(5000)}`);
    const view = await world.end(run);
    expect(view.reason).toMatch(/^because .*…$/);
    expect(view.steps.map(({ reason }) => reason)).toEqual(view.steps.map(() => view.reason));
    expect(view.reason).toHaveLength(REASON_CHARS_MAX);
  });

  it('is cut further in the receipt where ten thousand steps say it', { timeout: 120_000 }, async () => {
    const run = await world.start(
      Array.from({ length: 10_000 }, (_, i) => planStep(`s${i}`, { with: { run: `make ${i}`, shell: 'bash' } })),
    );
    await world.engine.cancelRun(run, 'no more of it '.repeat(1000));
    const view = await world.end(run);
    expect(view.steps[9999]?.reason).toHaveLength(REASON_CHARS_MAX);
    const { runRecord } = await world.engine.readReceipt(run);
    const { steps } = JSON.parse(runRecord) as { steps: readonly { reason: string }[] };
    expect(steps[9999]?.reason).toMatch(/^no more of it .*…$/);
    expect(await payloadBytes(run)).toBeGreaterThan(PAYLOAD_BYTES_MAX * 0.99);
  });

  it('is cut in the middle of no character, and where policy gives many reasons', async () => {
    const tags = Array.from({ length: 60 }, (_, i) => `${i}${'😀'.repeat(300)}`);
    const run = await world.start([planStep('a', { tags }), planStep('b')]);
    const worker = await world.worker();
    await worker.run('b', { kind: 'failed', errorClass: 'step', message: '😀'.repeat(1900) });
    const view = await world.end(run);
    expect(view.steps[1]?.reason).toBe(`${'😀'.repeat(999)}…`);
    expect(view.steps[0]?.status).toBe('denied');
    expect(view.steps[0]?.reason?.length).toBeLessThanOrEqual(REASON_CHARS_MAX);
  });

  it('stands whole in the row of a gate whose message people must read', async () => {
    const message = 'Is the table empty? '.repeat(80);
    const run = await world.start([planStep('go', { kind: 'gate', uses: 'gate', with: { message } })]);
    expect((await world.until(run, 'go', 'held')).hold?.reason).toBe(message);
    await world.engine.answerGate(run, {
      gate: 'go',
      decision: 'approve',
      reason: 'y'.repeat(100_000),
      principal: localPrincipal('grace'),
      isAuthor: false,
    });
    expect((await world.end(run)).status).toBe('succeeded');
  });
});
