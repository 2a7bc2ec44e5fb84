import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { onEveryDatabase } from '../../every-database.ts';
import { planStep } from '../../fakes/plans.ts';
import { GitHubWorld, MINUTE_MS } from './github-world.ts';

onEveryDatabase('dispatching', (url) => {
  let world: GitHubWorld;
  beforeAll(async () => {
    world = await GitHubWorld.open(url);
  });
  afterAll(() => world.close());
  afterEach(() => world.tidy());

  describe('ready steps', () => {
    it('get one job per class, dispatched on the default branch with the labels of the class', async () => {
      const run = await world.run([planStep('a'), planStep('b'), planStep('train', { runner: 'gpu' })]);
      const dispatcher = world.dispatcher();
      await dispatcher.look();
      await dispatcher.look();
      expect(world.farEnd.dispatches.map((call) => call.body)).toEqual([
        expect.objectContaining({
          ref: 'main',
          inputs: expect.objectContaining({ run, class: 'linux', labels: '["ubuntu-latest"]' }),
        }),
        expect.objectContaining({ inputs: expect.objectContaining({ class: 'gpu', labels: '["self-hosted","gpu"]' }) }),
      ]);
      expect(await world.dispatchesOf(run)).toMatchObject([
        { class: 'gpu', status: 'queued', workflowRunId: 101 },
        { class: 'linux', status: 'queued', workflowRunId: 100 },
      ]);
    });

    it('are dispatched once where two dispatchers look at the same moment', async () => {
      const run = await world.run();
      await Promise.all([world.dispatcher().look(), world.dispatcher().look(), world.dispatcher().look()]);
      expect(world.farEnd.dispatches).toHaveLength(1);
      expect(await world.onlyDispatch(run)).toMatchObject({ status: 'queued' });
    });

    it('get more jobs where they are many and the class may have more', async () => {
      const run = await world.run(Array.from({ length: 9 }, (_, i) => planStep(`s${i}`)));
      await world.dispatcher({ limits: { jobsPerClassMax: 2, stepsPerJob: 4 } }).look();
      expect(await world.dispatchesOf(run)).toHaveLength(2);
    });

    it('wait while their installation has as many jobs as it may, and others do not wait with them', async () => {
      const [first, second, other] = [await world.run(), await world.run(), await world.run()];
      world.installations.set(other, 8);
      const dispatcher = world.dispatcher({ limits: { jobsPerInstallationMax: 1 } });
      await dispatcher.look();
      expect(await world.dispatchesOf(first)).toHaveLength(1);
      expect(await world.dispatchesOf(second)).toHaveLength(0);
      expect(await world.dispatchesOf(other)).toHaveLength(1);
      // Installations are served side by side: either may have got the first number.
      const { workflowRunId } = await world.onlyDispatch(first);
      const over = { run_id: workflowRunId, run_attempt: 1, status: 'completed', conclusion: 'failure' };
      await world.deliver('workflow_job', over);
      await world.engine.cancelRun(await world.idOf(first), 'no longer needed');
      await dispatcher.look();
      expect(await world.dispatchesOf(second)).toHaveLength(1);
    });

    it('get their jobs though those of a class whose runners are offline use up what the installation may have', async () => {
      const gpu = () => planStep('train', { runner: 'gpu' });
      const [offline, waiting] = [await world.run([gpu()]), await world.run([gpu(), planStep('build')])];
      await world.dispatcher({ limits: { jobsPerInstallationMax: 1 } }).look();
      expect(await world.dispatchesOf(waiting)).toMatchObject([{ class: 'linux', status: 'queued' }]);
      expect(await world.dispatchesOf(offline)).toMatchObject([{ class: 'gpu', status: 'queued' }]);
    });

    it('of a run that was cancelled before its first job get none', async () => {
      const run = await world.run();
      await world.engine.cancelRun(await world.idOf(run), 'changed my mind');
      await world.dispatcher().look();
      expect(await world.dispatchesOf(run)).toEqual([]);
    });
  });

  describe('a crash', () => {
    it('between intent and call leaves a job that is asked for once', async () => {
      const run = await world.run();
      const github = world.farEnd.client();
      const died = world.dispatcher({
        dispatches: { ...world.dispatches, claimDue: () => Promise.reject(new Error('killed')) },
      });
      await expect(died.look()).rejects.toThrow('killed');
      expect(await world.onlyDispatch(run)).toMatchObject({ status: 'requested', workflowRunId: null });
      await world.dispatcher({ github }).look();
      expect(world.farEnd.dispatches).toHaveLength(1);
      expect(await world.onlyDispatch(run)).toMatchObject({ status: 'queued', workflowRunId: 100 });
    });

    it('between call and record finds the workflow run by its name, and does not ask again', async () => {
      const run = await world.run();
      const died = world.dispatcher({
        dispatches: { ...world.dispatches, accepted: () => Promise.reject(new Error('killed')) },
      });
      await died.look();
      expect(await world.onlyDispatch(run)).toMatchObject({ status: 'requested', workflowRunId: null });
      const dispatcher = world.dispatcher();
      await dispatcher.look();
      expect(await world.onlyDispatch(run)).toMatchObject({ status: 'requested' });
      world.clock.ms += 3 * MINUTE_MS;
      await dispatcher.look();
      expect(world.farEnd.dispatches).toHaveLength(1);
      expect(await world.onlyDispatch(run)).toMatchObject({ status: 'queued', workflowRunId: 100 });
    });

    it('before the call reached GitHub asks again, once it is sure that nothing came of the first', async () => {
      const run = await world.run();
      world.farEnd.misbehave.push({ reply: { status: 502, body: {} } });
      const dispatcher = world.dispatcher();
      await dispatcher.look();
      expect(world.errors).toMatchObject([{ code: 'NETWORK_FAILED' }]);
      await dispatcher.look();
      expect(world.farEnd.runs).toHaveLength(0);
      world.clock.ms += 3 * MINUTE_MS;
      await dispatcher.look();
      expect(world.farEnd.runs).toHaveLength(1);
      expect(await world.onlyDispatch(run)).toMatchObject({ status: 'queued', workflowRunId: 100 });
    });
  });

  describe('a dispatcher that is slow', () => {
    it('does not call once another one has taken its work over', async () => {
      const run = await world.run();
      const overtaken = Promise.withResolvers<void>();
      const claimed = Promise.withResolvers<void>();
      const slow = world.dispatcher({
        dispatches: {
          ...world.dispatches,
          claimDue: async (limit, holdMs) => {
            const due = await world.dispatches.claimDue(limit, holdMs);
            claimed.resolve();
            await overtaken.promise;
            return due;
          },
        },
      });
      const looking = slow.look();
      await claimed.promise;
      world.clock.ms += 3 * MINUTE_MS;
      const github = world.farEnd.client();
      const quick = world.dispatcher({
        github: {
          ...github,
          // In the middle of its call, when nothing but the fence tells the two apart.
          dispatch: async (request) => {
            overtaken.resolve();
            await looking;
            return github.dispatch(request);
          },
        },
      });
      await quick.look();
      expect(world.farEnd.dispatches).toHaveLength(1);
      expect(await world.onlyDispatch(run)).toMatchObject({ status: 'queued', workflowRunId: 100 });
    });
  });

  describe('a call that takes long', () => {
    it('is made by nobody else meanwhile, though its claim is almost over when it begins', async () => {
      const run = await world.run();
      const github = world.farEnd.client();
      const quick = world.dispatcher();
      const slow = world.dispatcher({
        dispatches: {
          ...world.dispatches,
          claimDue: async (limit, holdMs) => {
            const due = await world.dispatches.claimDue(limit, holdMs);
            // So long did those before it take.
            world.clock.ms += 2.4 * MINUTE_MS;
            return due;
          },
        },
        github: {
          ...github,
          dispatch: async (request) => {
            world.clock.ms += MINUTE_MS;
            await quick.look();
            return github.dispatch(request);
          },
        },
      });
      await slow.look();
      expect(world.farEnd.calls).toHaveLength(1);
      expect(await world.onlyDispatch(run)).toMatchObject({ status: 'queued', workflowRunId: 100 });
    });

    it('and is taken over all the same is repeated only when GitHub would show what came of it', async () => {
      const run = await world.run();
      const github = world.farEnd.client();
      const quick = world.dispatcher();
      const takenOver = world.dispatcher({
        github: {
          ...github,
          dispatch: async () => {
            await world.db.query('', `update dispatch set due_at = '-infinity'`, []);
            await quick.look();
            throw new Error('killed');
          },
        },
      });
      await takenOver.look();
      expect(world.farEnd.calls).toEqual([]);
      world.clock.ms += 2 * MINUTE_MS;
      await quick.look();
      expect(world.farEnd.dispatches).toHaveLength(1);
      expect(await world.onlyDispatch(run)).toMatchObject({ status: 'queued', workflowRunId: 100 });
    });
  });

  describe('a GitHub that does not say which workflow run it started', () => {
    it('is asked for the list', async () => {
      const run = await world.run();
      world.farEnd.kind = 'old';
      const dispatcher = world.dispatcher();
      await dispatcher.look();
      expect(await world.onlyDispatch(run)).toMatchObject({ status: 'queued', workflowRunId: null });
      world.clock.ms += MINUTE_MS;
      await dispatcher.look();
      expect(await world.onlyDispatch(run)).toMatchObject({ status: 'queued', workflowRunId: 100 });
      expect(world.farEnd.runs).toHaveLength(1);
    });

    it('is understood by the name in its deliveries', async () => {
      const run = await world.run();
      world.farEnd.kind = 'old';
      await world.dispatcher().look();
      const { dispatchId } = await world.onlyDispatch(run);
      const subject = {
        id: 100,
        event: 'workflow_dispatch',
        status: 'in_progress',
        display_title: `maestro ${dispatchId}`,
      };
      expect(await world.deliver('workflow_run', subject, 43)).toContain('ignored');
      expect(await world.deliver('workflow_run', subject)).toContain('is running');
      expect(await world.onlyDispatch(run)).toMatchObject({ status: 'running', workflowRunId: 100 });
    });

    it('which never shows one has lost the dispatch, and gets another', async () => {
      const run = await world.run();
      world.farEnd.kind = 'old';
      const dispatcher = world.dispatcher();
      await dispatcher.look();
      world.farEnd.runs.length = 0;
      for (let i = 0; i < 3; i++) {
        world.clock.ms += 6 * MINUTE_MS;
        await dispatcher.look();
      }
      expect((await world.dispatchesOf(run)).map((one) => one.status)).toEqual(['lost', 'queued']);
    });
  });

  describe('a refusal', () => {
    const missing = { reply: { status: 404, body: { message: 'Not Found' } } };

    it('stands on the check with what to do, and goes away once people have done it', async () => {
      const run = await world.run();
      world.farEnd.misbehave.push(missing);
      const dispatcher = world.dispatcher();
      await dispatcher.look();
      await dispatcher.look();
      expect(world.farEnd.dispatches).toHaveLength(1);
      expect(await world.dispatches.problemOf(run)).toMatch(/^linux: .*maestro init --server/);
      expect(world.told).toEqual([run]);
      world.clock.ms += MINUTE_MS;
      await dispatcher.look();
      expect(await world.dispatches.problemOf(run)).toBeNull();
      expect(world.told).toEqual([run, run]);
      expect(await world.onlyDispatch(run)).toMatchObject({ status: 'queued' });
    });

    it('that was mended does not count against the jobs that come after it', async () => {
      const run = await world.run();
      const dispatcher = world.dispatcher();
      for (let i = 0; i < 3; i++) {
        world.farEnd.misbehave.push(missing);
        await dispatcher.look();
        world.clock.ms += 5 * MINUTE_MS;
      }
      await dispatcher.look();
      const done = { run_id: 100, run_attempt: 1, status: 'completed', conclusion: 'failure' };
      await world.deliver('workflow_job', done);
      await dispatcher.look();
      expect((await world.dispatchesOf(run)).map((one) => one.status)).toEqual(['lost', 'queued']);
    });

    it('for good fails the steps of the class with the reason, and the others go on', async () => {
      const run = await world.run([planStep('build', { retry: { ...planStep('x').retry, max: 0 } })]);
      const dispatcher = world.dispatcher();
      for (let i = 0; i < 4; i++) {
        world.farEnd.misbehave.push(missing);
        await dispatcher.look();
        world.clock.ms += 5 * MINUTE_MS;
      }
      const view = await world.engine.readRun(await world.idOf(run));
      expect(view.steps[0]).toMatchObject({ status: 'failed', reason: expect.stringMatching(/maestro init --server/) });
      expect(view.status).toBe('failed');
      expect(await world.onlyDispatch(run)).toMatchObject({ status: 'lost' });
      expect(world.farEnd.dispatches).toHaveLength(4);
    });
  });

  describe('limits of GitHub', () => {
    it('pause one installation as long as GitHub says, without counting as refusals', async () => {
      const [first, other] = [await world.run(), await world.run()];
      world.installations.set(other, 8);
      const limited = { status: 403, headers: { 'retry-after': '120' }, body: { message: 'secondary rate limit' } };
      world.farEnd.misbehave.push({ reply: limited });
      const dispatcher = world.dispatcher();
      await dispatcher.look();
      await dispatcher.look();
      expect(world.farEnd.dispatches).toHaveLength(2);
      expect(world.farEnd.runs).toHaveLength(1);
      world.clock.ms += MINUTE_MS;
      await dispatcher.look();
      expect(world.farEnd.dispatches).toHaveLength(2);
      world.clock.ms += MINUTE_MS + 1;
      await dispatcher.look();
      expect(world.farEnd.runs).toHaveLength(2);
      for (const run of [first, other])
        expect(await world.onlyDispatch(run)).toMatchObject({ status: 'queued', problem: null });
      expect(world.farEnd.calls.filter((call) => call.method === 'GET')).toHaveLength(0);
    });
  });
});
