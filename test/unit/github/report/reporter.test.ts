import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Annotation } from '../../../../src/protocol/outcome.ts';
import { onEveryDatabase } from '../../../every-database.ts';
import { Reporting } from './reporting.ts';
import { placeOf, planOf, runView, stepView } from './views.ts';

onEveryDatabase('the reporter', (url) => {
  let at: Reporting;
  beforeAll(async () => {
    at = await Reporting.open(url);
  });
  afterAll(() => at.close());
  beforeEach(() => at.empty());

  const names = (count: number): readonly string[] => Array.from({ length: count }, (_, index) => `step-${index}`);

  describe('a run that is reported', () => {
    it('of 30 steps costs at most 10 writes, which leaves 2 of 12 for its dispatch', async () => {
      const reporter = at.reporter();
      for (let done = 0; done <= 30; done++) {
        const steps = names(30).map((id, index) =>
          index < done ? stepView(id) : stepView(id, { status: 'pending', finishedAt: null }),
        );
        const status = done === 30 ? 'succeeded' : 'running';
        await at.show(
          placeOf('r1'),
          runView('r1', {
            status,
            steps,
            ...(done === 30 ? { receipt: { status: 'pending', payloadSha256: null } } : {}),
          }),
        );
        for (let second = 0; second < 60; second += 4) {
          await reporter.turn();
          at.clock.ms += 4000;
        }
      }
      const steps = names(30).map((id) => stepView(id));
      await at.show(placeOf('r1'), runView('r1', { status: 'succeeded', steps }));
      await reporter.turn();
      await reporter.turn();
      expect(at.far.writes.length).toBeLessThanOrEqual(10);
      expect(at.far.writes.length).toBeGreaterThan(5);
      expect(at.far.checks).toMatchObject([{ name: 'maestro / ci', status: 'completed', conclusion: 'success' }]);
      expect(at.far.checks[0]?.output.summary).toContain('f'.repeat(64));
      expect(await at.runs.open(10)).toEqual([]);
      expect(at.errors).toEqual([]);
    });

    it('is updated after 5 s while it is under way, and at once when it has ended', async () => {
      const reporter = at.reporter();
      const steps = (done: number) =>
        names(3).map((id, index) => stepView(id, index < done ? {} : { status: 'ready' }));
      await at.show(placeOf('r1'), runView('r1', { steps: steps(0) }));
      await reporter.turn();
      await at.show(placeOf('r1'), runView('r1', { steps: steps(1) }));
      at.clock.ms += 4999;
      await reporter.turn();
      expect(at.far.writes).toHaveLength(1);
      at.clock.ms += 1;
      await reporter.turn();
      expect(at.far.writes).toHaveLength(2);
      await at.show(placeOf('r1'), runView('r1', { status: 'succeeded', steps: steps(3) }));
      await reporter.turn();
      expect(at.far.writes).toHaveLength(3);
      expect(at.far.check('r1')?.conclusion).toBe('success');
    });

    it('is told without a receipt after a second, told again with it, and closed then', async () => {
      const reporter = at.reporter();
      await at.show(
        placeOf('r1'),
        runView('r1', { status: 'failed', receipt: { status: 'pending', payloadSha256: null } }),
      );
      await reporter.turn();
      expect(at.far.writes).toEqual([]);
      at.clock.ms += 1000;
      await reporter.turn();
      expect(at.far.check('r1')).toMatchObject({ conclusion: 'failure' });
      expect(await at.runs.open(10)).toHaveLength(1);
      await at.show(placeOf('r1'), runView('r1', { status: 'failed' }));
      await reporter.turn();
      await reporter.turn();
      expect(at.far.writes).toHaveLength(2);
      expect(at.far.check('r1')?.output.summary).toContain('f'.repeat(64));
      expect(await at.runs.open(10)).toEqual([]);
    });

    it('is closed when its receipt does not come for ten minutes, and when the run is gone', async () => {
      const reporter = at.reporter();
      await at.show(
        placeOf('r1'),
        runView('r1', { status: 'failed', receipt: { status: 'pending', payloadSha256: null } }),
      );
      await at.runs.add(placeOf('gone'));
      await reporter.turn();
      at.clock.ms += 600_000;
      await reporter.turn();
      await reporter.turn();
      expect(await at.runs.open(10)).toEqual([]);
      expect(at.errors).toEqual([]);
    });
  });

  describe('a crash', () => {
    it('between a creation and its record leaves one check', async () => {
      await at.show(placeOf('r1'), runView('r1'));
      at.far.fault = (method) => (method === 'POST' ? { type: 'lose-answer' } : undefined);
      await at.reporter().turn();
      expect(at.far.checks).toHaveLength(1);
      at.far.fault = () => undefined;
      at.clock.ms += 130_000;
      await at.show(placeOf('r1'), runView('r1', { status: 'succeeded' }));
      await at.reporter().turn();
      expect(at.far.checks).toMatchObject([{ conclusion: 'success' }]);
    });

    it('of the process that has the claim is made good by another when the claim ends', async () => {
      await at.show(placeOf('r1'), runView('r1'));
      await at.reporter().look();
      const claimed = await at.board.claim({
        nowMs: at.clock.ms,
        claimMs: 60_000,
        limit: 9,
        installations: { except: [] },
      });
      expect(claimed).toHaveLength(1);
      await at.reporter().turn();
      expect(at.far.writes).toEqual([]);
      at.clock.ms += 60_000;
      await at.reporter().turn();
      expect(at.far.requests.map((one) => one.split(' ')[0])).toEqual(['GET', 'POST']);
    });

    it('in the middle of many annotations sends none of them twice', async () => {
      await at.show(placeOf('r1'), runView('r1', { status: 'failed', steps: [failed(175)] }));
      let updates = 0;
      at.far.fault = (method) => (method === 'PATCH' && ++updates === 2 ? { type: 'lose-answer' } : undefined);
      await at.reporter().turn();
      at.clock.ms += 130_000;
      await at.reporter().turn();
      expect(at.far.check('r1/test')?.output.annotations).toEqual(
        Array.from({ length: 175 }, (_, index) => expect.objectContaining({ start_line: index + 1 })),
      );
    });
  });

  function failed(count: number) {
    const annotations = Array.from(
      { length: count },
      (_, index): Annotation => ({ level: 'failure', message: `no. ${index}`, path: 'src/a.ts', startLine: index + 1 }),
    );
    return stepView('test', { status: 'failed', reason: 'exit code 1', annotations });
  }

  describe('annotations', () => {
    it('of a step that makes 10,000 are sent up to 1,000 in batches of 50, within the budget, and counted beyond', async () => {
      await at.show(placeOf('r1'), runView('r1', { status: 'failed', steps: [failed(10_000)] }));
      const reporter = at.reporter();
      await reporter.turn();
      const check = at.far.check('r1/test');
      expect(check?.output.annotations).toHaveLength(1000);
      expect(check?.output.summary).toContain('9000 more annotations are not shown');
      expect(at.far.writes.length).toBeLessThanOrEqual(22);
    });
  });

  describe('a re-run', () => {
    it('resets the verdict of the pipeline and takes back the red marks of single steps', async () => {
      const reporter = at.reporter();
      await at.show(placeOf('r1'), runView('r1', { status: 'failed', steps: [failed(1)] }));
      await reporter.turn();
      await reporter.turn();
      expect(at.far.check('r1/test')).toMatchObject({ conclusion: 'failure' });
      expect(at.far.check('r1')).toMatchObject({ actions: [{ identifier: 'rerun-failed' }] });
      await at.show(placeOf('r2'), runView('r2', { status: 'queued', attempt: 2, startedAt: null }));
      await reporter.turn();
      const latest = at.far.checks.filter((one) => one.name === 'maestro / ci').at(-1);
      expect(latest).toMatchObject({ external_id: 'r2', status: 'queued', conclusion: null });
      expect(at.far.check('r1/test')).toMatchObject({ conclusion: 'neutral' });
    });
  });

  describe('two runs of a pipeline on one commit', () => {
    const gate = (id: string) =>
      stepView(id, { kind: 'gate', status: 'held', hold: { kind: 'gate', reason: '', dueAt: null }, finishedAt: null });

    it('both ask people, and tell what was answered, as long as they go on', async () => {
      const reporter = at.reporter();
      await at.show(placeOf('r1'), runView('r1', { steps: [gate('deploy')] }));
      await at.show(placeOf('r2'), runView('r2', { steps: [gate('deploy')] }));
      await reporter.turn();
      const steps = [stepView('deploy', { kind: 'gate' }), gate('announce')];
      await at.show(placeOf('r1'), runView('r1', { steps }));
      await reporter.turn();
      expect(at.far.check('r1/deploy')).toMatchObject({ conclusion: 'success', actions: [] });
      expect(at.far.check('r1/announce')).toMatchObject({ conclusion: 'action_required' });
      await at.show(placeOf('r1'), runView('r1', { status: 'cancelled', steps }));
      await reporter.turn();
      await reporter.turn();
      expect(at.far.check('r1/announce')).toMatchObject({ conclusion: 'neutral', actions: [] });
      expect(at.far.check('r2/deploy')).toMatchObject({ conclusion: 'action_required' });
    });
  });

  describe('a gate', () => {
    it('has a check with buttons while it waits, and its answer afterwards', async () => {
      const reporter = at.reporter();
      const gate = stepView('deploy', {
        kind: 'gate',
        status: 'held',
        hold: { kind: 'gate', reason: 'by @ops', dueAt: null },
        finishedAt: null,
      });
      await at.show(placeOf('r1'), runView('r1', { steps: [gate] }));
      await reporter.turn();
      expect(at.far.check('r1/deploy')).toMatchObject({
        name: 'maestro / ci / deploy',
        status: 'completed',
        conclusion: 'action_required',
        actions: [{ identifier: 'approve' }, { identifier: 'deny' }, { identifier: 'cancel' }],
      });
      await at.show(placeOf('r1'), runView('r1', { steps: [stepView('deploy', { kind: 'gate' })] }));
      await reporter.turn();
      expect(at.far.check('r1/deploy')).toMatchObject({
        conclusion: 'success',
        output: { title: 'Approved' },
        actions: [],
      });
    });
  });

  describe('several processes', () => {
    it('that look and write at the same time make one check of a run', async () => {
      await at.show(placeOf('r1'), runView('r1', { status: 'failed', steps: [failed(120)] }));
      await Promise.all([at.reporter(), at.reporter(), at.reporter()].map((one) => one.turn()));
      expect(at.far.checks.map((one) => one.external_id).toSorted()).toEqual(['r1', 'r1/test']);
      expect(at.far.check('r1/test')?.output.annotations).toHaveLength(120);
    });

    it('that know an older state of the run do not undo what a newer one said', async () => {
      await at.show(placeOf('r1'), runView('r1'));
      const late = at.views.get('r1');
      await at.show(placeOf('r1'), runView('r1', { status: 'succeeded' }));
      await at.reporter().turn();
      at.views.set('r1', late!);
      at.clock.ms += 60_000;
      await at.reporter().turn();
      expect(at.far.check('r1')).toMatchObject({ status: 'completed', conclusion: 'success' });
    });
  });

  describe('a run that has a problem beside its events', () => {
    it('is told of it, and of its end by a process that knows nothing of the problem', async () => {
      await at.show(placeOf('r1'), runView('r1', { status: 'queued', startedAt: null }));
      await at.reporter().turn();
      for (const [version, reason] of [
        [1.5, 'no runner'],
        [1.9, 'still no runner'],
      ] as const) {
        at.clock.ms += 60_000;
        at.views.set('r1', { version, view: runView('r1', { status: 'queued', startedAt: null, reason }) });
        await at.reporter().turn();
        expect(at.far.check('r1')?.output.title).toBe(`Queued: ${reason}`);
      }
      at.views.set('r1', { version: 2, view: runView('r1', { status: 'cancelled' }) });
      await at.reporter().turn();
      expect(at.far.check('r1')).toMatchObject({ conclusion: 'cancelled' });
    });
  });

  describe('the loop', () => {
    it('goes on after an error, and ends with its signal when its writes have ended', async () => {
      await at.show(placeOf('r1'), runView('r1', { status: 'succeeded' }));
      const stop = new AbortController();
      let looks = 0;
      const feed = {
        next: async () => {},
        versions: async () => {
          if (++looks === 1) throw new Error('the database is away');
          return new Map([['r1', 1]]);
        },
        readRun: async () => runView('r1', { status: 'succeeded' }),
        readPlan: async () => planOf(),
        readJobs: async () => [],
      };
      const loop = at.reporter({ feed }).run(stop.signal);
      await expect.poll(() => at.far.check('r1')?.conclusion).toBe('success');
      stop.abort();
      await loop;
      expect(at.errors).toHaveLength(1);
    });
  });

  describe('GitHub that refuses', () => {
    it('for good (a repository that was deleted) is asked once, and blocks nobody', async () => {
      await at.show(placeOf('r1', { owner: 'gone' }), runView('r1', { status: 'succeeded' }));
      await at.show(placeOf('r2', { repositoryId: 11 }), runView('r2', { status: 'succeeded' }));
      at.far.fault = (_, path) => (path.includes('/gone/') ? { type: 'answer', status: 404 } : undefined);
      const reporter = at.reporter();
      await reporter.turn();
      await reporter.turn();
      expect(at.far.writes.filter((one) => one.includes('/gone/'))).toHaveLength(1);
      expect(at.far.check('r2')).toMatchObject({ conclusion: 'success' });
      expect(await at.runs.open(10)).toEqual([]);
    });

    it('for a while is left alone by that installation only, until the time that it names', async () => {
      await at.show(placeOf('r1'), runView('r1'));
      await at.show(placeOf('r2', { repositoryId: 11 }), runView('r2'));
      await at.show(placeOf('r3', { repositoryId: 12, installationId: 2 }), runView('r3'));
      at.far.fault = (method) =>
        method === 'POST' && at.far.writes.length === 1
          ? { type: 'answer', status: 403, headers: { 'retry-after': '30' }, message: 'secondary rate limit' }
          : undefined;
      const reporter = at.reporter({ access: { installation: async () => at.far.octokit } });
      await reporter.turn();
      expect(at.far.checks.length).toBeGreaterThanOrEqual(1);
      const before = at.far.writes.length;
      at.clock.ms += 29_000;
      await reporter.turn();
      expect(at.far.writes).toHaveLength(before);
      at.clock.ms += 1000;
      await reporter.turn();
      expect(at.far.checks.map((one) => one.external_id).toSorted()).toEqual(['r1', 'r2', 'r3']);
    });

    it('with errors of its own is asked again later, later each time', async () => {
      await at.show(placeOf('r1'), runView('r1', { status: 'succeeded' }));
      at.far.fault = (method) => (method === 'POST' ? { type: 'answer', status: 502 } : undefined);
      const reporter = at.reporter();
      for (let second = 0; second < 60; second++) {
        await reporter.turn();
        at.clock.ms += 1000;
      }
      expect(at.far.writes.length).toBeGreaterThan(3);
      expect(at.far.writes.length).toBeLessThan(9);
      at.far.fault = () => undefined;
      at.clock.ms += 600_000;
      await reporter.turn();
      expect(at.far.checks).toMatchObject([{ conclusion: 'success' }]);
    });

    it('to answer one installation in time delays no other', async () => {
      await at.show(placeOf('r1'), runView('r1'));
      await at.show(placeOf('r2', { repositoryId: 12, installationId: 2 }), runView('r2'));
      const stuck = Promise.withResolvers<never>();
      const reporter = at.reporter({
        access: { installation: (id) => (id === 1 ? stuck.promise : Promise.resolve(at.far.octokit)) },
      });
      const turn = reporter.turn();
      await expect.poll(() => at.far.checks.map((one) => one.external_id)).toEqual(['r2']);
      stuck.reject(new Error('gave up'));
      await turn;
    });
  });

  describe('a reporter', () => {
    it('writes checks also where a comment cannot be thought over', async () => {
      await at.show(placeOf('r1', { pullNumber: 7 }), runView('r1', { status: 'failed' }));
      const ofPull = () => Promise.reject(new Error('poison'));
      await at.reporter({ book: { ...at.board, ofPull } }).turn();
      expect(at.errors).toEqual([new Error('poison')]);
      expect(at.far.check('r1')).toMatchObject({ conclusion: 'failure' });
    });

    it('that stops gives back what it has not begun to write, for another one to write at once', async () => {
      for (const id of ['r1', 'r2', 'r3']) await at.show(placeOf(id, { checkName: `maestro / ${id}` }), runView(id));
      const stopping = new AbortController();
      at.far.fault = () => {
        stopping.abort();
        return undefined;
      };
      await at.reporter().run(stopping.signal);
      expect(at.far.writes).toHaveLength(1);
      await at.reporter().turn();
      expect(at.far.checks).toHaveLength(3);
      expect(at.far.requests).toHaveLength(3);
    });
  });
});
