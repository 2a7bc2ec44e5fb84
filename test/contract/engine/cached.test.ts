import { expect, it } from 'vitest';
import { planStep } from '../../fakes/plans.ts';
import { onEveryStore } from './engines.ts';

onEveryStore('a result from the cache', (world) => {
  it('shows as such in the facts of the run, and only there', async () => {
    const w = world();
    const cache = { key: 'k', ttlMs: 60_000, paths: [] };
    const run = await w.start([planStep('kept', { cache }), planStep('done', { cache }), planStep('plain')]);
    const worker = await w.worker();
    await worker.run('kept', { kind: 'succeeded', cacheKey: 'k', isCacheHit: true });
    await worker.run('done', { kind: 'succeeded', cacheKey: 'k', exitCode: 0 });
    await worker.run('plain', { kind: 'succeeded', isCacheHit: false });
    await w.end(run);
    const ends = (await w.events(run)).filter(({ type }) => type === 'step.succeeded');
    expect(Object.fromEntries(ends.map(({ step, data }) => [step, data]))).toEqual({
      kept: { isCacheHit: true },
      done: {},
      plain: {},
    });
  });
});
