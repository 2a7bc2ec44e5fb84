import { describe, expect, it } from 'vitest';
import type { CodeEvent } from '../../../../src/github/code-event.ts';
import { onEveryDatabase } from '../../../every-database.ts';
import { BASE } from './sample-events.ts';
import { opened, pipeline, pushed, startingWorld } from './starting-world.ts';

onEveryDatabase('one run for one occasion', (url) => {
  const w = startingWorld(url);

  describe('a commit that comes back', () => {
    const moved = (headSha: string, beforeSha: string | null): CodeEvent => ({ ...pushed(headSha), beforeSha });

    it('runs again when its branch was elsewhere meanwhile, once for push and pull request', async () => {
      const files = { '.maestro/ci.yaml': pipeline('[push, pull_request]') };
      const [a, b] = [w().commit(files), w().commit(files)];
      await w().starter.start(moved(a, null));
      await w().starter.start(moved(b, a));
      const back = moved(a, b);
      const sync = opened(a, { action: 'synchronize', beforeSha: b });
      w().isHead(a);
      const [first, second] = [await w().starter.start(back), await w().starter.start(sync)];
      expect(first.started[0]?.runId).toBe(second.started[0]?.runId);
      expect(await w().starter.start(back)).toEqual(first);
      expect(await w().idsOf(a)).toHaveLength(2);
      // Word of the way there comes late: the branch is back by now.
      await w().starter.start(opened(b, { action: 'synchronize', beforeSha: a }));
      expect(await w().idsOf(b)).toHaveLength(1);
      w().isHead(b);
      await w().starter.start(moved(b, a));
      expect(await w().idsOf(b)).toHaveLength(2);
    });

    it('does not run again where the event of its first arrival comes twice, or late', async () => {
      const files = { '.maestro/ci.yaml': pipeline('push') };
      const [a, b] = [w().commit(files), w().commit(files)];
      await w().starter.start(moved(a, null));
      await w().starter.start(moved(b, a));
      await w().starter.start(moved(b, a));
      await w().starter.start(moved(a, null));
      expect([await w().idsOf(a), await w().idsOf(b)].map((list) => list.length)).toEqual([1, 1]);
    });

    it.each([
      ['a branch is pushed anew', 'push'],
      ['another pull request is opened', 'pull'],
    ])('runs again after a cancel when %s, where it is still the head', async (_, how) => {
      const sha = w().commit({ '.maestro/ci.yaml': pipeline(how === 'push' ? 'push' : 'pull_request') });
      const event = { ...(how === 'push' ? moved(sha, null) : opened(sha)), deliveryId: `first-${sha}` };
      const { started } = await w().starter.start(event);
      await w().engine.cancelRun(await w().engine.resolve(started[0]!.runId), 'the branch was deleted');
      const again = { ...event, deliveryId: `second-${sha}` };
      w().isHead(BASE);
      await w().starter.start(again);
      expect(await w().idsOf(sha)).toHaveLength(1);
      w().isHead(sha);
      await w().starter.start(again);
      await w().starter.start({ ...again, deliveryId: `third-${sha}` });
      expect(await w().idsOf(sha)).toHaveLength(2);
    });

    it('runs again though the run that was cancelled has not ended yet, and was itself a repetition', async () => {
      const sha = w().commit({ '.maestro/ci.yaml': pipeline('pull_request') });
      const { started } = await w().starter.start(opened(sha));
      const first = await w().engine.resolve(started[0]!.runId);
      await w().engine.cancelRun(first, 'for now');
      const [row] = await w().runs.ofCommit(11, sha);
      const next = await w().engine.retryRun(first, { type: 'all' });
      const { id } = await w().engine.readRun(next);
      await w().runs.add({ ...row!, runId: id });
      // It goes on until its step has stopped.
      const { workerId } = await w().engine.leases.register({ name: 'slow', runners: ['*'], capacity: 1, run: id });
      await w().engine.leases.acquire(workerId, 1, 2000, new AbortController().signal);
      await w().engine.cancelRun(next, 'the pull request was closed');
      expect(await w().statusOf(id)).toBe('cancelling');
      w().isHead(sha);
      await w().starter.start(opened(sha, { action: 'reopened' }));
      expect(await w().idsOf(sha)).toHaveLength(3);
    });

    const ANYTHING = '{ pull_request: { types: [opened, reopened, labeled, closed] } }';
    const cancelNewest = async (sha: string): Promise<void> => {
      const [newest = ''] = await w().idsOf(sha);
      await w().engine.cancelRun(await w().engine.resolve(newest), 'the pull request was closed');
    };

    it.each([
      ['was cancelled by its closing', ['cancel', 'closed'], 1],
      ['has passed, but for the verdict of its closing', ['closed'], 1],
      ['has passed, but for that of its closing, whatever a label ran since', ['closed', 'labeled'], 1],
      ['was cancelled, whatever a label ran since', ['cancel', 'labeled'], 1],
      ['has passed, but for the run of a label, which was cancelled', ['labeled', 'cancel'], 1],
      ['has passed, whatever a label ran since', ['labeled'], 0],
    ] as const)('of a pull request that is opened again: one that %s', async (_name, steps, count) => {
      const sha = w().commit({ '.maestro/ci.yaml': pipeline(ANYTHING) });
      const hear = (action: string, id: string) =>
        w().starter.start(opened(sha, { action, deliveryId: `${id}-${sha}` }));
      w().isHead(sha);
      await hear('opened', 'first');
      for (const step of steps) await (step === 'cancel' ? cancelNewest(sha) : hear(step, step));
      const before = await w().idsOf(sha);
      for (let i = 0; i < 2; i++) await hear('reopened', 'back');
      expect(await w().idsOf(sha)).toHaveLength(before.length + count);
      // Closed and opened once more.
      await hear('closed', 'again');
      await hear('reopened', 'once-more');
      expect(await w().idsOf(sha)).toHaveLength(before.length + count + 2);
    });
  });

  describe('word that comes late', () => {
    const later = (ms: number): string => new Date(Date.now() + ms).toISOString();

    it.each([
      ['push', (sha: string) => pushed(sha)],
      ['pull request', (sha: string) => opened(sha, { action: 'synchronize' })],
    ])('starts nothing for a commit whose branch has gone on: %s', async (_, eventOf) => {
      const files = { '.maestro/ci.yaml': pipeline('[push, pull_request]') };
      const [old, head] = [w().commit(files), w().commit(files)];
      w().isHead(head);
      await w().starter.start({ ...eventOf(head), happenedAt: later(-1000) });
      const report = await w().starter.start({ ...eventOf(old), happenedAt: later(-60_000) });
      expect(report).toMatchObject({ started: [], isOutdated: true });
      expect(await w().idsOf(old)).toEqual([]);
    });

    it('starts what is the head all the same, and asks GitHub only where something newer ran', async () => {
      const files = { '.maestro/ci.yaml': pipeline('push') };
      const [old, head] = [w().commit(files), w().commit(files)];
      await w().starter.start({ ...pushed(old), happenedAt: later(-1000) });
      w().isHead(head);
      w().far.calls.length = 0;
      const asked = () => w().far.calls.filter((call) => call.includes('/git/ref/heads/feature')).length;
      expect((await w().starter.start({ ...pushed(head), happenedAt: later(1000) })).started).toHaveLength(1);
      expect(asked()).toBe(0);
      const again = w().commit(files);
      w().isHead(again);
      expect((await w().starter.start({ ...pushed(again), happenedAt: later(-60_000) })).started).toHaveLength(1);
      expect(asked()).toBe(1);
    });

    it('starts for people whatever they ask for', async () => {
      const files = { '.maestro/ci.yaml': pipeline('pull_request') };
      const [old, head] = [w().commit(files), w().commit(files)];
      w().isHead(head);
      await w().starter.start({ ...opened(head), happenedAt: later(-1000) });
      const event = { ...opened(old), happenedAt: later(-60_000) };
      expect((await w().starter.start(event, { occasion: 'comment/late' })).started).toHaveLength(1);
    });
  });

  describe('push and pull request of one branch', () => {
    const both = '[push, pull_request]';

    it.each(['push first', 'pull request first'])('have one ref, so one concurrency group: %s', async (order) => {
      const sha = w().commit({ '.maestro/ci.yaml': pipeline(both) });
      const events = [pushed(sha), opened(sha)];
      for (const event of order === 'push first' ? events : events.toReversed()) await w().starter.start(event);
      const [row, ...others] = await w().runs.ofCommit(11, sha);
      expect(others).toEqual([]);
      expect(row).toMatchObject({ ref: 'refs/heads/feature', pullNumber: 7 });
      const { github, source } = await w().engine.readTrigger(await w().engine.resolve(row!.runId));
      expect([source.ref, github.ref, github.ref_name]).toEqual([
        'refs/heads/feature',
        'refs/heads/feature',
        'feature',
      ]);
    });

    it('keep the ref of the pull request where the pipeline does not wait for pushes to that branch', async () => {
      const sha = w().commit({ '.maestro/ci.yaml': pipeline('{ push: { branches: [main] }, pull_request: {} }') });
      await w().starter.start(opened(sha));
      expect(await w().runs.ofCommit(11, sha)).toMatchObject([{ ref: 'refs/pull/7/head', pullNumber: 7 }]);
    });
  });
});
