import assert from 'node:assert/strict';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { digestBytes } from '../../../src/base/digest.ts';
import type { Dispatch } from '../../../src/protocol/dispatch.ts';
import { onEveryDatabase } from '../../every-database.ts';
import { planStep } from '../../fakes/plans.ts';
import { GitHubWorld, MINUTE_MS } from './github-world.ts';

const LINUX = { runners: ['linux'], capacity: 1 };

onEveryDatabase('jobs', (url) => {
  let world: GitHubWorld;
  beforeAll(async () => {
    world = await GitHubWorld.open(url);
  });
  afterAll(() => world.close());
  afterEach(() => world.tidy());

  const job = (status: string, change: object = {}) => ({
    run_id: 100,
    run_attempt: 1,
    status,
    conclusion: null,
    ...change,
  });
  const failed = job('completed', { conclusion: 'failure' });

  describe('a job', () => {
    it('that no runner takes says so, with its labels, and waits on', async () => {
      const run = await world.run([planStep('train', { runner: 'gpu' })]);
      const dispatcher = world.dispatcher();
      await dispatcher.look();
      world.clock.ms += 10 * MINUTE_MS;
      await dispatcher.look();
      expect(await world.dispatches.problemOf(run)).toBe(
        'gpu: no runner with labels [self-hosted, gpu] took the job for 10 min',
      );
      expect(world.told).toEqual([run]);
      await world.deliver('workflow_job', job('in_progress'));
      expect(await world.dispatches.problemOf(run)).toBeNull();
      expect(world.farEnd.dispatches).toHaveLength(1);
    });

    it('whose deliveries come twice and in any order ends once', async () => {
      const run = await world.run();
      await world.dispatcher().look();
      await world.register(await world.onlyDispatch(run), 100);
      const done = job('completed', { conclusion: 'success' });
      const answers = [];
      for (const subject of [done, job('queued'), job('in_progress'), done, job('waiting')])
        answers.push(await world.deliver('workflow_job', subject));
      expect(answers.filter((answer) => !answer.startsWith('ignored'))).toHaveLength(1);
      expect(await world.onlyDispatch(run)).toMatchObject({ status: 'ended', problem: null });
    });

    it('of another workflow, or of another repository, changes nothing', async () => {
      const run = await world.run();
      await world.dispatcher().look();
      expect(await world.deliver('workflow_job', { ...failed, run_id: 5 })).toMatch(/^ignored/);
      expect(await world.deliver('workflow_job', failed, 43)).toMatch(/^ignored/);
      expect(await world.deliver('workflow_job', {})).toMatch(/^ignored/);
      expect(await world.onlyDispatch(run)).toMatchObject({ status: 'queued' });
    });

    it('that ends well without its worker having come was of no use', async () => {
      const run = await world.run();
      await world.dispatcher().look();
      await world.deliver('workflow_job', job('completed', { conclusion: 'success' }));
      expect(await world.onlyDispatch(run)).toMatchObject({ status: 'lost' });
    });

    it('whose end was never delivered is found lost by a look at GitHub, and replaced', async () => {
      const run = await world.run();
      const dispatcher = world.dispatcher();
      await dispatcher.look();
      await world.deliver('workflow_job', job('in_progress'));
      const [far] = world.farEnd.runs;
      if (far) Object.assign(far, { status: 'completed', conclusion: 'cancelled' });
      world.clock.ms += 6 * MINUTE_MS;
      await dispatcher.look();
      await dispatcher.look();
      expect((await world.dispatchesOf(run)).map((one) => [one.ordinal, one.status])).toEqual([
        [1, 'lost'],
        [2, 'queued'],
      ]);
    });

    it('is replaced when it is lost, three times; then the ready steps fail with the reason', async () => {
      const run = await world.run([planStep('build', { retry: { ...planStep('x').retry, max: 0 } })]);
      const dispatcher = world.dispatcher();
      for (let i = 0; i < 3; i++) {
        await dispatcher.look();
        await world.deliver('workflow_job', { ...failed, run_id: 100 + i });
      }
      expect(await world.dispatchesOf(run)).toHaveLength(3);
      await dispatcher.look();
      const view = await world.engine.readRun(await world.idOf(run));
      expect(view.steps[0]).toMatchObject({ status: 'failed' });
      expect(view.steps[0]?.reason).toMatch(
        /no job for class linux took the step: .* 3 were lost.*ended with failure \(workflow run 102\)/,
      );
      expect(world.farEnd.dispatches).toHaveLength(3);
    });
  });

  describe('the registration of a worker', () => {
    it('counts once per attempt of its workflow run', async () => {
      const run = await world.run();
      await world.dispatcher().look();
      const dispatch = await world.onlyDispatch(run);
      const [first, second] = await Promise.allSettled([world.register(dispatch, 100), world.register(dispatch, 100)]);
      expect([first.status, second.status].sort()).toEqual(['fulfilled', 'rejected']);
      await expect(world.register(dispatch, 100)).rejects.toMatchObject({ code: 'CONFLICT' });
      expect(await world.register(dispatch, 100, 2)).toMatchObject({ status: 'running', runAttempt: 2 });
      await expect(world.register(dispatch, 100, 1)).rejects.toMatchObject({ code: 'CONFLICT' });
    });

    it('is repeated by the same process, whose answer was lost, until its job is over', async () => {
      const run = await world.run();
      await world.dispatcher().look();
      const { dispatchId } = await world.onlyDispatch(run);
      const job = { repositoryId: 42, workflowRunId: 100, runAttempt: 1, keyDigest: digestBytes('key') };
      await world.dispatches.register(dispatchId, job);
      expect(await world.dispatches.register(dispatchId, job)).toMatchObject({ status: 'running', runAttempt: 1 });
      await world.dispatches.end(dispatchId, 'ended', null);
      await expect(world.dispatches.register(dispatchId, job)).rejects.toMatchObject({ code: 'CONFLICT' });
    });

    it('is refused to another workflow run, to another repository, and to a name nobody knows', async () => {
      const run = await world.run();
      await world.dispatcher().look();
      const dispatch = await world.onlyDispatch(run);
      const { dispatches } = world;
      const good = { repositoryId: 42, workflowRunId: 100, runAttempt: 1, keyDigest: digestBytes('key') };
      for (const [id, change] of [
        [dispatch.dispatchId, { workflowRunId: 101 }],
        [dispatch.dispatchId, { repositoryId: 43 }],
        ['\u0000', {}],
      ] as const)
        await expect(dispatches.register(id, { ...good, ...change })).rejects.toMatchObject({ code: 'CONFLICT' });
      expect(await dispatches.register(dispatch.dispatchId, good)).toMatchObject({ runId: run, status: 'running' });
    });

    it('says which workflow run it is where nobody knew', async () => {
      const run = await world.run();
      world.farEnd.kind = 'old';
      await world.dispatcher().look();
      expect(await world.register(await world.onlyDispatch(run), 100)).toMatchObject({ workflowRunId: 100 });
    });

    it('is refused to a job that serves another run already, also where nobody knows the right one yet', async () => {
      world.farEnd.kind = 'old';
      const fork = await world.run();
      await world.dispatcher().look();
      await world.register(await world.onlyDispatch(fork), 100);
      const trusted = await world.run();
      await world.dispatcher().look();
      const dispatch = await world.onlyDispatch(trusted);
      await expect(world.register(dispatch, 100)).rejects.toMatchObject({ code: 'CONFLICT' });
      expect(await world.register(dispatch, 101)).toMatchObject({ runId: trusted, workflowRunId: 101 });
    });

    it('takes up a job again that somebody re-ran on GitHub', async () => {
      const run = await world.run();
      await world.dispatcher().look();
      await world.register(await world.onlyDispatch(run), 100);
      await world.deliver('workflow_job', failed);
      expect(await world.register(await world.onlyDispatch(run), 100, 2)).toMatchObject({
        status: 'running',
        problem: null,
      });
      expect(await world.deliver('workflow_job', failed)).toMatch(/^ignored/);
    });
  });

  describe('a run that is over', () => {
    it('has its waiting jobs cancelled, and those that were not asked for forgotten', async () => {
      const run = await world.run([planStep('build'), planStep('train', { runner: 'gpu' })]);
      world.farEnd.misbehave.push({ reply: { status: 404, body: {} } });
      const dispatcher = world.dispatcher();
      await dispatcher.look();
      await world.engine.cancelRun(await world.idOf(run), 'changed my mind');
      await dispatcher.look();
      expect(world.farEnd.cancelled).toEqual(['100']);
      expect((await world.dispatchesOf(run)).map((one) => one.status)).toEqual(['ended', 'ended']);
      const late = (await world.dispatchesOf(run)).map((one) => world.register(one, 100));
      for (const answer of await Promise.allSettled(late))
        expect(answer).toMatchObject({ reason: { code: 'RUN_FINISHED' } });
    });

    it('lets running jobs end by themselves, and cancels them when they do not', async () => {
      const run = await world.run();
      const dispatcher = world.dispatcher();
      await dispatcher.look();
      await world.register(await world.onlyDispatch(run), 100);
      await world.engine.cancelRun(await world.idOf(run), 'changed my mind');
      await dispatcher.look();
      world.clock.ms += 4 * MINUTE_MS;
      await dispatcher.look();
      expect(world.farEnd.cancelled).toEqual([]);
      world.clock.ms += MINUTE_MS;
      await dispatcher.look();
      expect(world.farEnd.cancelled).toEqual(['100']);
      expect(await world.onlyDispatch(run)).toMatchObject({ status: 'ended' });
    });
  });

  describe('a run whose job GitHub does not cancel', () => {
    const cancelled = async () => {
      const run = await world.run();
      const dispatcher = world.dispatcher();
      await dispatcher.look();
      await world.engine.cancelRun(await world.idOf(run), 'changed my mind');
      return { run, dispatcher };
    };

    it('is let go after half an hour of refusals, and holds up no other of its installation', async () => {
      const { run, dispatcher } = await cancelled();
      const archived = { reply: { status: 403, body: { message: 'Repository was archived so is read-only.' } } };
      world.farEnd.misbehave.push(archived);
      await dispatcher.look();
      const other = await world.run();
      await dispatcher.look();
      expect(await world.onlyDispatch(other)).toMatchObject({ status: 'queued' });
      for (let minute = 0; minute <= 36; minute++) {
        world.clock.ms += MINUTE_MS;
        if ((await world.onlyDispatch(run)).status === 'queued') world.farEnd.misbehave.unshift(archived);
        await dispatcher.look();
      }
      expect(await world.onlyDispatch(run)).toMatchObject({ status: 'ended' });
      expect(world.farEnd.cancelled.length).toBeLessThan(10);
      expect(world.errors[0]).toMatchObject({ code: 'CONFLICT', message: expect.stringContaining('archived') });
    });

    it('is let go after half an hour of failures', async () => {
      const { run, dispatcher } = await cancelled();
      for (let minute = 0; minute <= 32; minute++) {
        world.farEnd.misbehave.splice(0, 1, { reply: { status: 500, body: {} } });
        await dispatcher.look();
        world.clock.ms += MINUTE_MS;
      }
      expect(await world.onlyDispatch(run)).toMatchObject({ status: 'ended' });
      world.farEnd.calls.length = 0;
      await dispatcher.look();
      expect(world.farEnd.calls).toEqual([]);
    });
  });

  describe('a run that is cancelled while GitHub is asked for its job', () => {
    /** Dispatches; `meanwhile` happens between GitHub's deed and its answer. */
    const dispatching = async (meanwhile: (run: string) => Promise<void>) => {
      const run = await world.run();
      const github = world.farEnd.client();
      const slow = world.dispatcher({
        github: {
          ...github,
          dispatch: async (request) => {
            const answer = await github.dispatch(request);
            await world.engine.cancelRun(await world.idOf(run), 'changed my mind');
            await meanwhile(run);
            return answer;
          },
        },
      });
      await slow.look();
      return run;
    };

    it('has it cancelled once it is known, also where another server cleared the run away first', async () => {
      const other = world.dispatcher();
      const run = await dispatching(async () => {
        // What GitHub does shows in its lists a while later.
        const unseen = world.farEnd.runs.splice(0);
        await other.look();
        world.farEnd.runs.push(...unseen);
      });
      world.clock.ms += MINUTE_MS;
      await other.look();
      expect(world.farEnd.cancelled).toEqual(['100']);
      expect(world.farEnd.dispatches).toHaveLength(1);
      expect(await world.onlyDispatch(run)).toMatchObject({ status: 'ended', workflowRunId: 100 });
    });

    it('has it cancelled at once where nobody waits for it any more', async () => {
      await dispatching(async (run) => world.dispatches.end((await world.onlyDispatch(run)).dispatchId, 'ended', null));
      expect(world.farEnd.cancelled).toEqual(['100']);
    });

    it('has it found and cancelled where its answer was lost', async () => {
      const died = dispatching(() => Promise.reject(new Error('killed')));
      const run = await died;
      const dispatcher = world.dispatcher();
      world.clock.ms += MINUTE_MS;
      await dispatcher.look();
      await dispatcher.look();
      expect(world.farEnd.cancelled).toEqual(['100']);
      expect(await world.onlyDispatch(run)).toMatchObject({ status: 'ended' });
    });
  });

  describe('a run that goes on', () => {
    it('loses machine after machine and is not given up, as long as each of them does some work', async () => {
      const run = await world.run(Array.from({ length: 5 }, (_, i) => planStep(`s${i}`)));
      world.clock.ms = Date.now();
      const dispatcher = world.dispatcher();
      const { leases } = world.engine;
      for (let i = 0; i < 4; i++) {
        await dispatcher.look();
        await world.register((await world.dispatchesOf(run)).at(-1) as Dispatch, 100 + i);
        const { workerId } = await leases.register({ name: 'job', ...LINUX, run });
        const [lease] = await leases.acquire(workerId, 1, 1000, new AbortController().signal);
        assert(lease);
        await leases.complete(workerId, [{ ...lease, outcome: { kind: 'succeeded' } }], 0);
        await leases.leave(workerId);
        await world.deliver('workflow_job', { ...failed, run_id: 100 + i });
        world.clock.ms = Date.now();
      }
      await dispatcher.look();
      expect((await world.dispatchesOf(run)).map((one) => one.status)).toEqual([...Array(4).fill('lost'), 'queued']);
      expect(world.farEnd.dispatches).toHaveLength(5);
    });

    it('gets another job for steps that became ready after its first has ended well', async () => {
      const run = await world.run([planStep('build'), planStep('test', { needs: ['build'] })]);
      const dispatcher = world.dispatcher();
      await dispatcher.look();
      await world.register(await world.onlyDispatch(run), 100);
      const { leases } = world.engine;
      const { workerId } = await leases.register({ name: 'job', ...LINUX, run });
      const [lease] = await leases.acquire(workerId, 1, 1000, new AbortController().signal);
      if (lease) await leases.complete(workerId, [{ ...lease, outcome: { kind: 'succeeded' } }], 0);
      await world.deliver('workflow_job', job('completed', { conclusion: 'success' }));
      await dispatcher.look();
      expect((await world.dispatchesOf(run)).map((one) => one.status)).toEqual(['ended', 'queued']);
    });
  });
});
