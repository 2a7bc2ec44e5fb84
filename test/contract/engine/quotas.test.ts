import { expect, it } from 'vitest';
import type { JsonObject } from '../../../src/base/json.ts';
import { planStep, TRIGGER } from '../../fakes/plans.ts';
import { onEveryStore } from './engines.ts';
import type { World } from './world.ts';

const SOURCE = { path: '.maestro/policy.yaml', commit: null };
const ANY = { runsMax: null, jobsMax: new Map() };
let repositories = 0;

/** A repository that nobody else has. */
function repository(w: World) {
  const namespace = { tenant: 'github:1', name: `github:${++repositories}` };
  return {
    set: (patch: JsonObject | null) => w.engine.setPolicy(namespace, patch, SOURCE),
    start: async (): Promise<string> => {
      const run = await w.start([planStep('train', { runner: 'gpu' })], { isDedicated: true, namespace });
      return (await w.engine.readRun(run)).id;
    },
    verdictOn: async (runId: string): Promise<string> => {
      const plan = await w.engine.readPlan(await w.engine.resolve(runId));
      return (await w.engine.preview({ plan, trigger: TRIGGER, namespace })).run.verdict;
    },
  };
}

onEveryStore('quotas of a namespace', (world) => {
  it('are none where policy says nothing', async () => {
    expect(await world().engine.quotasOf(await repository(world()).start())).toEqual(ANY);
  });

  it('are those of its own policy, and no other namespace has them', async () => {
    const [own, other] = [repository(world()), repository(world())];
    await own.set({ quota: { runs: 20, jobs: { gpu: 2, linux: 5 } } });
    expect(await world().engine.quotasOf(await own.start())).toEqual({
      runsMax: 20,
      jobsMax: new Map([
        ['gpu', 2],
        ['linux', 5],
      ]),
    });
    expect(await world().engine.quotasOf(await other.start())).toEqual(ANY);
  });

  it('are those of today, also for a run that was started under others', async () => {
    const { set, start } = repository(world());
    await set({ quota: { runs: 1 } });
    const run = await start();
    await set({ quota: { runs: 2 } });
    expect(await world().engine.quotasOf(run)).toMatchObject({ runsMax: 2 });
    await set(null);
    expect(await world().engine.quotasOf(run)).toEqual(ANY);
  });

  it('are those under which a run was admitted that would not be any more', async () => {
    const { set, start, verdictOn } = repository(world());
    await set({ quota: { runs: 3 } });
    const run = await start();
    await set({ kinds: { ci: null }, quota: { runs: 4 } });
    expect(await verdictOn(run)).toBe('deny');
    expect(await world().engine.quotasOf(run)).toMatchObject({ runsMax: 3 });
  });

  it('are not those of a run that nobody knows', async () => {
    await expect(world().engine.quotasOf('01kbqtyqdn6t5kyc9nd3wxyz00')).rejects.toMatchObject({
      code: 'RUN_NOT_FOUND',
    });
  });
});
