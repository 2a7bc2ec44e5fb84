import { describe, expect, it } from 'vitest';
import type { CodeEvent } from '../../../../src/github/code-event.ts';
import { onEveryDatabase } from '../../../every-database.ts';
import { BASE } from './sample-events.ts';
import { opened, pipeline, pushed, REPO, startingWorld } from './starting-world.ts';

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
      const [first, second] = [await w().starter.start(back), await w().starter.start(sync)];
      expect(first.started[0]?.runId).toBe(second.started[0]?.runId);
      expect(await w().starter.start(back)).toEqual(first);
      expect(await w().idsOf(a)).toHaveLength(2);
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
      const late = `GET ${REPO}/${how === 'push' ? 'git/ref/heads/feature' : 'pulls/7'}`;
      w().far.answers.set(late, { state: 'open', head: { sha: BASE }, object: { sha: BASE } });
      await w().starter.start(again);
      expect(await w().idsOf(sha)).toHaveLength(1);
      w().far.answers.set(late, { state: 'open', head: { sha }, object: { sha } });
      await w().starter.start(again);
      await w().starter.start(again);
      expect(await w().idsOf(sha)).toHaveLength(2);
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
