import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { digestBytes } from '../../../src/base/digest.ts';
import { MaestroError } from '../../../src/base/errors.ts';
import { openDemand } from '../../../src/store/demand.ts';
import { onEveryDatabase } from '../../every-database.ts';
import { planStep } from '../../fakes/plans.ts';
import { GitHubWorld } from './github-world.ts';

const gpu = (id = 'train') => planStep(id, { runner: 'gpu' });

onEveryDatabase('quotas', (url) => {
  let world: GitHubWorld;
  beforeAll(async () => {
    world = await GitHubWorld.open(url);
  });
  afterAll(() => world.close());
  afterEach(() => world.tidy());

  /** Classes for which each run has asked for jobs. */
  const jobsOf = async (...runs: readonly string[]) =>
    Promise.all(runs.map(async (run) => (await world.dispatchesOf(run)).map((one) => one.class)));
  const problemsOf = (...runs: readonly string[]) => Promise.all(runs.map((run) => world.dispatches.problemOf(run)));
  /** As a user whose worker has nothing more to do. */
  const endJobs = async (runId: string) => {
    for (const { dispatchId } of await world.dispatchesOf(runId)) await world.dispatches.end(dispatchId, 'ended', null);
    await world.engine.cancelRun(await world.idOf(runId), 'done');
  };

  describe('of jobs of a class', () => {
    it('keep runs waiting, which say so on their checks, the oldest first, until jobs end', async () => {
      await world.setQuota({ jobs: { gpu: 1 } });
      const runs = [await world.run([gpu()]), await world.run([gpu()]), await world.run([gpu()])] as const;
      const dispatcher = world.dispatcher();
      await dispatcher.look();
      const waits = 'gpu waits: the repository has 1 of 1 gpu jobs';
      expect(await jobsOf(...runs)).toEqual([['gpu'], [], []]);
      expect(await problemsOf(...runs)).toEqual([null, waits, waits]);
      expect(world.told).toEqual([runs[1], runs[2]]);
      await dispatcher.look();
      expect(world.told).toHaveLength(2);
      await endJobs(runs[0]);
      await dispatcher.look();
      expect(await jobsOf(...runs)).toEqual([['gpu'], ['gpu'], []]);
      expect(await problemsOf(...runs)).toEqual([null, null, waits]);
      expect(world.told).toEqual([runs[1], runs[2], runs[1]]);
      expect(world.errors).toEqual([]);
    });

    it('hold up no other class of the run, no other run, and no other repository', async () => {
      await world.setQuota({ jobs: { gpu: 1 } });
      const runs = [await world.run([gpu()]), await world.run([gpu(), planStep('build')]), await world.run()] as const;
      const other = await world.run([gpu()]);
      world.repositories.set(other, 43);
      await world.dispatcher().look();
      expect(await jobsOf(...runs, other)).toEqual([['gpu'], ['linux'], ['linux'], ['gpu']]);
    });

    it('bind a run whose steps call for several jobs', async () => {
      await world.setQuota({ jobs: { linux: 2 } });
      const run = await world.run(Array.from({ length: 9 }, (_, i) => planStep(`s${i}`)));
      const dispatcher = world.dispatcher({ limits: { jobsPerClassMax: 3, stepsPerJob: 1 } });
      await dispatcher.look();
      await dispatcher.look();
      expect(await jobsOf(run)).toEqual([['linux', 'linux']]);
      expect(await problemsOf(run)).toEqual([null]);
      expect(world.told).toEqual([]);
    });

    it('that are raised help whoever waits', async () => {
      await world.setQuota({ jobs: { gpu: 1 } });
      const runs = [await world.run([gpu()]), await world.run([gpu()])] as const;
      const dispatcher = world.dispatcher();
      await dispatcher.look();
      await world.setQuota({ jobs: { gpu: 2 } });
      await dispatcher.look();
      expect(await jobsOf(...runs)).toEqual([['gpu'], ['gpu']]);
    });

    it('of an installation are told as well', async () => {
      const runs = [await world.run(), await world.run()] as const;
      world.repositories.set(runs[1], 43);
      await world.dispatcher({ limits: { jobsPerInstallationMax: 1 } }).look();
      expect(await problemsOf(...runs)).toEqual([null, 'linux waits: the installation has 1 of 1 linux jobs']);
    });
  });

  describe('of runs', () => {
    it('count those that have jobs, which may have more of them', async () => {
      await world.setQuota({ runs: 1 });
      const runs = [await world.run([planStep('build'), gpu()]), await world.run()] as const;
      const dispatcher = world.dispatcher();
      await dispatcher.look();
      expect(await jobsOf(...runs)).toEqual([['gpu', 'linux'], []]);
      expect(await problemsOf(...runs)).toEqual([null, 'linux waits: the repository has 1 of 1 runs at work']);
      await endJobs(runs[0]);
      await dispatcher.look();
      expect(await jobsOf(runs[1])).toEqual([['linux']]);
    });

    it("count the jobs of people's own workflows, and do not hold those up", async () => {
      await world.setQuota({ runs: 1 });
      const runs = [await world.run(), await world.run(), await world.run()] as const;
      for (const runId of runs.slice(0, 2))
        await world.dispatches.adopt(
          { dispatchId: `own of ${runId}`, runId, installationId: 7, repositoryId: 42, owner: 'o', repo: 'r', ref: '' },
          { repositoryId: 42, workflowRunId: 900, runAttempt: 1, keyDigest: digestBytes(runId) },
        );
      await world.dispatcher().look();
      expect(await jobsOf(...runs)).toEqual([['*'], ['*'], []]);
      expect(await problemsOf(...runs)).toEqual([null, null, 'linux waits: the repository has 2 of 1 runs at work']);
    });

    it('keep a place for the oldest that waits for something else', async () => {
      await world.setQuota({ runs: 2, jobs: { gpu: 1 } });
      const [busy, waiting, younger] = [await world.run([gpu()]), await world.run([gpu()]), await world.run()] as const;
      const dispatcher = world.dispatcher();
      await dispatcher.look();
      expect(await jobsOf(busy, waiting, younger)).toEqual([['gpu'], [], []]);
      expect(await problemsOf(waiting, younger)).toEqual([
        'gpu waits: the repository has 1 of 1 gpu jobs',
        'linux waits: the repository has 1 of 2 runs at work, and an older one comes first',
      ]);
      await endJobs(busy);
      await dispatcher.look();
      expect(await jobsOf(waiting, younger)).toEqual([['gpu'], ['linux']]);
    });
  });

  describe('what becomes free', () => {
    it('in the middle of a look is not for a younger run', async () => {
      await world.setQuota({ jobs: { gpu: 1 } });
      const [busy, waiting, younger] = [await world.run([gpu()]), await world.run([gpu()]), await world.run([gpu()])];
      await world.dispatcher().look();
      const { dispatches } = world;
      const slow: typeof dispatches.request = async (request, quotas) => {
        const answer = await dispatches.request(request, quotas);
        if (request.runId === waiting) await endJobs(busy);
        return answer;
      };
      await world.dispatcher({ dispatches: { ...dispatches, request: slow } }).look();
      expect(await jobsOf(waiting, younger)).toEqual([[], []]);
      await world.dispatcher().look();
      expect(await jobsOf(waiting, younger)).toEqual([['gpu'], []]);
    });

    it('is for the oldest run, though its steps became ready last', async () => {
      await world.setQuota({ jobs: { gpu: 1 } });
      const [busy, oldest, younger] = [await world.run([gpu()]), await world.run([gpu()]), await world.run([gpu()])];
      await world.dispatcher().look();
      // As after a retry.
      await world.db.query(
        '',
        `with gone as (delete from ready where run_id = (select id from run where key = $1) returning queue, run_id, idx)
         insert into ready (queue, run_id, idx) select * from gone`,
        [oldest],
      );
      await endJobs(busy);
      await world.dispatcher().look();
      expect(await jobsOf(oldest, younger)).toEqual([['gpu'], []]);
    });

    it('is given once, whoever looks at the same moment', async () => {
      await world.setQuota({ runs: 2, jobs: { gpu: 3 } });
      const runs: string[] = [];
      for (let i = 0; i < 8; i++) runs.push(await world.run([gpu(), planStep('build')]));
      const looks = () => Promise.all([1, 2, 3, 4].map(() => world.dispatcher().look()));
      for (let round = 0; round < 4; round++) {
        await looks();
        const live = runs.slice(round * 2, round * 2 + 2);
        expect((await jobsOf(...runs)).map((jobs) => jobs.length)).toEqual(
          runs.map((run) => (runs.indexOf(run) < round * 2 + 2 ? 2 : 0)),
        );
        for (const run of live) await endJobs(run);
      }
      expect(world.errors).toEqual([]);
    });
  });

  it('of one namespace, whose runs wait in a crowd, leave those of another their place in a look', async () => {
    const crowd = [await world.run([gpu(), planStep('build')]), await world.run(), await world.run()];
    const other = await world.run([gpu()], { namespace: { tenant: 'github:7', name: 'github:43' } });
    const seen = (await openDemand(world.db).unserved(1, 3)).map((one) => [one.runId, one.class]);
    expect(seen).toEqual([
      [crowd[0], 'gpu'],
      [crowd[0], 'linux'],
      [other, 'gpu'],
    ]);
  });

  describe('what is said of a wait', () => {
    it('goes when another job serves the run, or nothing is ready any more', async () => {
      await world.setQuota({ runs: 1 });
      const [, adopted, cancelled] = [await world.run(), await world.run(), await world.run()] as const;
      await world.dispatcher().look();
      expect(await problemsOf(adopted, cancelled)).toEqual([expect.any(String), expect.any(String)]);
      const place = { installationId: 7, repositoryId: 42, owner: 'octo', repo: 'app', ref: 'main' };
      await world.dispatches.adopt(
        { dispatchId: 'own', runId: adopted, ...place },
        { repositoryId: 42, workflowRunId: 900, runAttempt: 1, keyDigest: digestBytes('key') },
      );
      await world.engine.cancelRun(await world.idOf(cancelled), 'changed my mind');
      expect(await problemsOf(adopted, cancelled)).toEqual([null, null]);
    });

    it('is what is wrong with a policy that nobody understands, and others go on', async () => {
      const [broken, other] = [await world.run(), await world.run()];
      const quotasOf = async (runId: string) => {
        if (runId === broken) throw new MaestroError('POLICY_INVALID', 'policy obliges to runs-max "many"');
        return world.engine.quotasOf(runId);
      };
      await world.dispatcher({ quotasOf }).look();
      expect(await jobsOf(broken, other)).toEqual([[], ['linux']]);
      expect(await problemsOf(broken)).toEqual(['linux waits: policy obliges to runs-max "many"']);
      await world.dispatcher().look();
      expect(await jobsOf(broken)).toEqual([['linux']]);
      expect(await problemsOf(broken)).toEqual([null]);
      expect(world.errors).toEqual([]);
    });

    it('of a class that may have no jobs at all keeps no other run waiting', async () => {
      const [never, other] = [await world.run([gpu()]), await world.run([gpu()])];
      const quotasOf = async (runId: string) => ({
        runsMax: 1,
        jobsMax: new Map(runId === never ? [['gpu', 0]] : []),
      });
      await world.dispatcher({ quotasOf }).look();
      expect(await jobsOf(never, other)).toEqual([[], ['gpu']]);
      expect(await problemsOf(never)).toEqual(['gpu waits: the repository has 0 of 0 gpu jobs']);
    });
  });

  describe('the end of a job', () => {
    const dispatched = (count: number) => vi.waitUntil(() => world.farEnd.runs.length >= count, { timeout: 5000 });

    it('that GitHub tells lets the run go on that waits for it', { timeout: 8000 }, async () => {
      await world.setQuota({ runs: 1 });
      const [first, second] = [await world.run(), await world.run()] as const;
      const dispatcher = world.dispatcher();
      dispatcher.start();
      await vi.waitUntil(async () => (await problemsOf(second))[0] !== null, { timeout: 5000 });
      await dispatched(1);
      await world.register(await world.onlyDispatch(first), 100);
      await world.engine.cancelRun(await world.idOf(first), 'done');
      const over = { run_id: 100, run_attempt: 1, status: 'completed', conclusion: 'success' };
      await world.deliver('workflow_job', over, 42, () => dispatcher.wake());
      // Well before the sweep.
      await dispatched(2);
      await dispatcher.close();
      expect(await jobsOf(second)).toEqual([['linux']]);
    });

    it('that the dispatcher itself brings about does so, too', { timeout: 8000 }, async () => {
      await world.setQuota({ runs: 1 });
      const [first, second] = [await world.run(), await world.run()] as const;
      const dispatcher = world.dispatcher();
      dispatcher.start();
      await dispatched(1);
      await vi.waitUntil(async () => (await problemsOf(second))[0] !== null, { timeout: 5000 });
      await world.engine.cancelRun(await world.idOf(first), 'changed my mind');
      dispatcher.wake();
      await dispatched(2);
      await dispatcher.close();
      expect(world.farEnd.cancelled).toEqual(['100']);
    });
  });
});
