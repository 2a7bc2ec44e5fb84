import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { digestBytes } from '../../../src/base/digest.ts';
import { onEveryDatabase } from '../../every-database.ts';
import { planStep } from '../../fakes/plans.ts';
import { GitHubWorld, MINUTE_MS } from './github-world.ts';

onEveryDatabase("a job of a user's own workflow", (url) => {
  let world: GitHubWorld;
  beforeAll(async () => {
    world = await GitHubWorld.open(url);
  });
  afterAll(() => world.close());
  afterEach(() => world.tidy());

  const adopt = async (runId: string, key = runId) => {
    const repository = { installationId: 7, repositoryId: 42, owner: 'octo', repo: 'app', ref: 'main' };
    const dispatchId = `own job of ${runId}`;
    return world.dispatches.adopt(
      { dispatchId, runId, ...repository },
      { repositoryId: 42, workflowRunId: 900, runAttempt: 1, keyDigest: digestBytes(key) },
    );
  };
  const done = { status: 'completed', run_attempt: 1, conclusion: 'failure' };

  it('is adopted once more by the same process, whose answer was lost, and by no other', async () => {
    const run = await world.run();
    const { dispatchId } = await adopt(run);
    expect(await adopt(run)).toMatchObject({ dispatchId, status: 'running' });
    await expect(adopt(run, 'another')).rejects.toMatchObject({ code: 'CONFLICT' });
  });

  it('has a run of its own beside those of the other jobs of the workflow, until that is over', async () => {
    const runs = [await world.run(), await world.run()];
    for (const run of runs) await adopt(run);
    for (const run of runs) expect(await world.onlyDispatch(run)).toMatchObject({ status: 'running' });
    await world.deliver('workflow_run', { ...done, id: 900 });
    for (const run of runs) expect(await world.onlyDispatch(run)).toMatchObject({ status: 'lost' });
  });

  it('serves every class of its run, so that no other is asked for', async () => {
    const run = await world.run([planStep('build'), planStep('train', { runner: 'gpu' })]);
    await adopt(run);
    await world.dispatcher().look();
    expect(world.farEnd.dispatches).toHaveLength(0);
  });

  it('makes those needless that were about to be asked for', async () => {
    const run = await world.run();
    world.farEnd.misbehave.push({ reply: { status: 404, body: {} } });
    const dispatcher = world.dispatcher();
    await dispatcher.look();
    await adopt(run);
    expect(await world.dispatches.problemOf(run)).toBeNull();
    world.clock.ms += MINUTE_MS;
    await dispatcher.look();
    expect(world.farEnd.dispatches).toHaveLength(1);
  });

  it('is not taken for the other jobs of its workflow', async () => {
    const run = await world.run();
    await adopt(run);
    expect(await world.deliver('workflow_job', { ...done, run_id: 900 })).toMatch(/^ignored/);
    expect(await world.onlyDispatch(run)).toMatchObject({ status: 'running' });
    await world.deliver('workflow_run', { ...done, id: 900 });
    expect(await world.onlyDispatch(run)).toMatchObject({ status: 'lost' });
  });

  it('is never cancelled by us', async () => {
    const run = await world.run();
    await adopt(run);
    await world.engine.cancelRun(await world.idOf(run), 'changed my mind');
    const dispatcher = world.dispatcher();
    await dispatcher.look();
    world.clock.ms += 10 * MINUTE_MS;
    await dispatcher.look();
    expect(world.farEnd.cancelled).toEqual([]);
    expect(await world.onlyDispatch(run)).toMatchObject({ status: 'ended' });
  });
});
