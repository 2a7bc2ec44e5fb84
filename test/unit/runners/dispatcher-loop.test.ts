import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import type { GitHubRuns } from '../../../src/protocol/github-run.ts';
import type { WorkerHello } from '../../../src/protocol/lease.ts';
import { NO_QUOTAS } from '../../fakes/job-quotas.ts';
import { planStep } from '../../fakes/plans.ts';
import { GitHubWorld } from './github-world.ts';

let world: GitHubWorld;
beforeAll(async () => {
  world = await GitHubWorld.open();
});
afterAll(() => world.close());
afterEach(() => world.tidy());

/** Until the far end was asked for `count` jobs. */
async function dispatched(count: number): Promise<void> {
  await vi.waitUntil(() => world.farEnd.runs.length >= count, { timeout: 5000 });
}

it('a dispatcher looks when it starts, and when steps become ready', { timeout: 8000 }, async () => {
  let hear = (): void => {};
  let isListening = false;
  const dispatcher = world.dispatcher({
    onReady: (listener) => {
      hear = listener;
      isListening = true;
      return () => {
        isListening = false;
      };
    },
  });
  await world.run();
  dispatcher.start();
  await dispatched(1);
  await world.run();
  for (let i = 0; i < 1000; i++) hear();
  await dispatched(2);
  await dispatcher.close();
  expect(isListening).toBe(false);
  expect(world.errors).toEqual([]);
});

it('a run whose place on GitHub is written after its steps are ready gets its job soon', {
  timeout: 8000,
}, async () => {
  let looks = 0;
  const find = async (runId: string): ReturnType<GitHubRuns['find']> =>
    ++looks <= 3 ? undefined : world.githubRun(runId);
  const dispatcher = world.dispatcher({ runs: { find } });
  await world.run();
  dispatcher.start();
  // Well before the sweep.
  await dispatched(1);
  await dispatcher.close();
  expect(world.errors).toEqual([]);
});

it('a look that fails is told, and the next one does the work', { timeout: 8000 }, async () => {
  let failures = 1;
  const { dispatches } = world;
  const dispatcher = world.dispatcher({
    dispatches: {
      ...dispatches,
      claimDue: (limit, holdMs) =>
        failures-- > 0 ? Promise.reject(new Error('connection lost')) : dispatches.claimDue(limit, holdMs),
    },
  });
  await world.run();
  dispatcher.start();
  await vi.waitUntil(() => world.errors.length > 0, { timeout: 5000 });
  dispatcher.wake();
  await dispatched(1);
  await dispatcher.close();
  expect(world.errors).toEqual([new Error('connection lost')]);
});

it('looks that fail come ever later, also while the place of a run is looked for', { timeout: 15_000 }, async () => {
  const { dispatches } = world;
  const failedAt: number[] = [];
  let looks = 0;
  const dispatcher = world.dispatcher({
    runs: { find: async () => undefined },
    dispatches: {
      ...dispatches,
      claimDue: (limit, holdMs) =>
        ++looks > 1 ? Promise.reject(new Error('the database is away')) : dispatches.claimDue(limit, holdMs),
    },
    onError: () => failedAt.push(performance.now()),
  });
  await world.run();
  dispatcher.start();
  await vi.waitUntil(
    () => {
      dispatcher.wake();
      return failedAt.length >= 3;
    },
    { timeout: 12_000 },
  );
  await dispatcher.close();
  const [first = 0, , third = 0] = failedAt;
  expect(third - first).toBeGreaterThan(1400);
});

describe('a class that gets no job', () => {
  const hopelessRun = async (): Promise<string> => {
    const runId = await world.run([planStep('build', { retry: { ...planStep('x').retry, max: 0 } })]);
    const { labels, ref, ...place } = { ...world.githubRun(runId), labels: ['linux'], ref: 'main' };
    for (let ordinal = 1; ordinal <= 3; ordinal++) {
      const dispatchId = `${runId}/${ordinal}`;
      await world.dispatches.request({ ...place, dispatchId, class: 'linux', ordinal, labels, ref }, NO_QUOTAS);
      await world.dispatches.end(dispatchId, 'lost', 'the job ended');
    }
    return runId;
  };
  /** A conductor that gives out no step before it is told to. Knows who asked. */
  const slowLeases = () => {
    const { leases } = world.engine;
    const go = Promise.withResolvers<void>();
    const hellos: (string | undefined)[] = [];
    return {
      go: go.resolve,
      hellos,
      leases: {
        ...leases,
        register: async (hello: WorkerHello) => {
          hellos.push(hello.run);
          return leases.register(hello);
        },
        acquire: async (...call: Parameters<typeof leases.acquire>) => {
          await go.promise;
          return leases.acquire(...call);
        },
      },
    };
  };

  it('is given up once at a time, and keeps no other from its jobs', { timeout: 15_000 }, async () => {
    const hopeless = [await hopelessRun(), await hopelessRun()];
    const { leases, hellos, go } = slowLeases();
    const dispatcher = world.dispatcher({ leases });
    dispatcher.start();
    await vi.waitUntil(() => hellos.length === 2, { timeout: 5000 });
    for (let i = 1; i <= 3; i++) {
      await world.run();
      dispatcher.wake();
      await dispatched(i);
    }
    expect(hellos).toEqual(expect.arrayContaining(hopeless));
    expect(hellos).toHaveLength(hopeless.length);
    go();
    for (const run of hopeless) {
      const id = await world.idOf(run);
      await vi.waitUntil(async () => (await world.engine.readRun(id)).status === 'failed', { timeout: 5000 });
    }
    await dispatcher.close();
    expect(world.errors).toEqual([]);
  });

  it('is left to the next dispatcher where many are given up and this one closes', { timeout: 15_000 }, async () => {
    const hopeless: string[] = [];
    for (let i = 0; i < 12; i++) hopeless.push(await hopelessRun());
    const { leases, hellos, go } = slowLeases();
    const dispatcher = world.dispatcher({ leases });
    dispatcher.start();
    await vi.waitUntil(() => hellos.length > 0, { timeout: 5000 });
    const closed = dispatcher.close();
    go();
    await closed;
    expect(hellos.length).toBeLessThan(hopeless.length);
    await world.dispatcher().look();
    for (const run of hopeless)
      expect(await world.engine.readRun(await world.idOf(run))).toMatchObject({ status: 'failed' });
    expect(world.errors).toEqual([]);
  });
});

it('a run that cannot be served keeps no other from its job', async () => {
  const poison = await world.run();
  const other = await world.run();
  const { dispatches } = world;
  const request: typeof dispatches.request = (request, quotas) =>
    request.runId === poison ? Promise.reject(new Error('poison')) : dispatches.request(request, quotas);
  await world.dispatcher({ dispatches: { ...dispatches, request } }).look();
  expect(world.errors).toEqual([new Error('poison')]);
  expect(await world.onlyDispatch(other)).toMatchObject({ status: 'queued' });
});

it('a dispatcher that closes asks for no more jobs than the one that it is asking for', async () => {
  for (let i = 0; i < 4; i++) await world.run();
  const github = world.farEnd.client();
  let calls = 0;
  const dispatcher = world.dispatcher({
    github: {
      ...github,
      dispatch: async (request) => {
        if (++calls === 1) void dispatcher.close();
        return github.dispatch(request);
      },
    },
  });
  await dispatcher.look();
  expect(calls).toBe(1);
  expect(world.farEnd.runs).toHaveLength(1);
});

it('an installation whose calls take for ever delays no other', { timeout: 8000 }, async () => {
  const github = world.farEnd.client();
  const [asked, answer] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  const dispatcher = world.dispatcher({
    github: {
      ...github,
      dispatch: async (request) => {
        if (request.target.installationId === 8) {
          asked.resolve();
          await answer.promise;
        }
        return github.dispatch(request);
      },
    },
  });
  world.installations.set(await world.run(), 8);
  dispatcher.start();
  await asked.promise;
  await world.run();
  dispatcher.wake();
  await dispatched(1);
  answer.resolve();
  await dispatched(2);
  await dispatcher.close();
  expect(world.errors).toEqual([]);
});

it('what an installation lacks while its calls take long is asked for when they are over, and claimed once', {
  timeout: 8000,
}, async () => {
  const github = world.farEnd.client();
  const [asked, answer] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  const excepted: (readonly number[])[] = [];
  const { dispatches } = world;
  const dispatcher = world.dispatcher({
    dispatches: {
      ...dispatches,
      claimDue: (limit, holdMs, except = []) => {
        excepted.push(except);
        return dispatches.claimDue(limit, holdMs, except);
      },
    },
    github: {
      ...github,
      dispatch: async (request) => {
        asked.resolve();
        await answer.promise;
        return github.dispatch(request);
      },
    },
  });
  await world.run();
  dispatcher.start();
  await asked.promise;
  await world.run();
  dispatcher.wake();
  await vi.waitUntil(() => excepted.some((ids) => ids.includes(7)), { timeout: 5000 });
  answer.resolve();
  // Well before the sweep.
  await dispatched(2);
  await dispatcher.close();
  expect(world.farEnd.dispatches).toHaveLength(2);
});
