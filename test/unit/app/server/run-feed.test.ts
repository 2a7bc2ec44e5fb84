import { afterAll, beforeAll, expect, it } from 'vitest';
import { openRunFeed } from '../../../../app/server/run-feed.ts';
import { SYSTEM_CLOCK } from '../../../../src/base/clock.ts';
import { digestBytes } from '../../../../src/base/digest.ts';
import type { Engine } from '../../../../src/engine/engine.ts';
import type { Dispatches } from '../../../../src/protocol/dispatch.ts';
import type { Database } from '../../../../src/store/database.ts';
import { openDispatches } from '../../../../src/store/dispatches.ts';
import { jobsOfRun } from '../../../../src/store/run-jobs.ts';
import { onEveryDatabase } from '../../../every-database.ts';
import { openTestEngine } from '../../../fakes/engine.ts';
import { NO_QUOTAS } from '../../../fakes/job-quotas.ts';
import { planOf, planStep, TRIGGER } from '../../../fakes/plans.ts';
import { type FreshDatabase, freshDatabase } from '../../../fresh-database.ts';

onEveryDatabase('what the reporter hears of runs', (url) => {
  let fresh: FreshDatabase;
  let db: Database;
  let engine: Engine;
  let dispatches: Dispatches;
  beforeAll(async () => {
    fresh = await freshDatabase(url);
    db = await fresh.open();
    engine = await openTestEngine(db);
    dispatches = openDispatches(db, SYSTEM_CLOCK);
  });
  afterAll(async () => {
    await engine.close();
    await db.close();
    await fresh.drop();
  });

  const openFeed = () =>
    openRunFeed({
      engine,
      dispatches,
      jobsOf: (runId, limit) => jobsOfRun(db, runId, limit),
      githubUrl: 'https://ghe.example.com',
    });

  async function start(): Promise<{ readonly run: number; readonly id: string }> {
    const { run } = await engine.startRun({ plan: planOf([planStep('a')]), trigger: TRIGGER });
    return { run, id: (await engine.readRun(run)).id };
  }

  it('keeps in mind what is wrong with a run while it is asked about others', async () => {
    const feed = openFeed();
    const [first, second] = [await start(), await start()];
    feed.noteProblem(first.id);
    const noted = (await feed.versions([first.id])).get(first.id) ?? 0;
    await feed.versions([second.id]);
    expect((await feed.versions([first.id])).get(first.id)).toBe(noted);
    feed.noteProblem(first.id);
    expect((await feed.versions([first.id])).get(first.id)).toBeGreaterThan(noted);
  });

  it('forgets what was wrong with a run that has ended, or that is not there any more', async () => {
    const feed = openFeed();
    const { run, id } = await start();
    feed.noteProblem(id);
    feed.noteProblem('gone');
    await engine.cancelRun(run, 'enough');
    const before = (await feed.versions([id, 'gone'])).get(id) ?? 0;
    expect(before % 1).not.toBe(0);
    expect((await feed.readRun(id)).status).toBe('cancelled');
    const after = (await feed.versions([id, 'gone'])).get(id) ?? 0;
    expect(after % 1).toBe(0);
  });

  it('names the pages of the newest jobs that a run has on GitHub, each once', async () => {
    const feed = openFeed();
    const { id } = await start();
    expect(await feed.readJobs(id)).toEqual([]);
    const place = { runId: id, installationId: 7, repositoryId: 42, owner: 'octo', repo: 'app', ref: 'main' };
    for (const [ordinal, workflowRunId] of [101, null, 103, 104, 105].entries()) {
      const dispatchId = `${id}-${ordinal}`;
      await dispatches.request({ ...place, dispatchId, class: 'linux', ordinal, labels: [] }, NO_QUOTAS);
      await dispatches.accepted(dispatchId, workflowRunId, 1000);
    }
    const again = { repositoryId: 42, workflowRunId: 105, runAttempt: 1, keyDigest: digestBytes('key') };
    await dispatches.adopt({ ...place, dispatchId: `${id}-again` }, again);
    expect(await feed.readJobs(id)).toEqual([
      'https://ghe.example.com/octo/app/actions/runs/105',
      'https://ghe.example.com/octo/app/actions/runs/104',
      'https://ghe.example.com/octo/app/actions/runs/103',
    ]);
  });
});
