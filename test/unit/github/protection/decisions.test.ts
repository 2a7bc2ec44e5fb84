import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { objectAt, textAt } from '../../../../src/github/intake/payload.ts';
import { DecidingWorld, PEOPLE, TINY } from './deciding-world.ts';

const { ada, bo } = PEOPLE;
const WAIT = { timeout: 20_000 };

describe('the App as a protection rule', { timeout: 60_000 }, () => {
  let world: DecidingWorld;
  beforeAll(async () => {
    world = await DecidingWorld.open();
  }, 60_000);
  afterAll(() => world.close());

  const waits = async (runId: string, reason = /0 of 1 approvals/): Promise<void> => {
    await expect.poll(async () => (await world.view(runId)).steps[0]?.hold?.reason ?? '', WAIT).toMatch(reason);
  };
  /** Signed, too: the last word waits for that. */
  const ends = async (runId: string, status: string): Promise<void> => {
    await expect
      .poll(async () => {
        const view = await world.view(runId);
        return `${view.status} ${view.receipt?.status}`;
      }, WAIT)
      .toBe(`${status} signed`);
  };
  /** A job waits, and people are asked. */
  const asked = async (): Promise<{ readonly workflowRunId: number; readonly runId: string }> => {
    const workflowRunId = await world.dispatch();
    const runId = await world.ask();
    await waits(runId);
    return { workflowRunId, runId };
  };
  const isOpen = async (runId: string): Promise<boolean> =>
    (await world.runs.open(1000)).some((row) => row.runId === runId);

  it('lets a job go on when people have approved it, and says who', async () => {
    const { workflowRunId, runId } = await asked();
    await world.report();
    expect(await world.jobs(workflowRunId)).toMatchObject([
      { state: 'waiting', gate: 'waiting', words: [expect.stringContaining('0 of 1 approvals')] },
    ]);
    await world.answer(runId, bo);
    await ends(runId, 'succeeded');
    await world.report();
    await world.github.sandbox.settled();
    const [job] = await world.jobs(workflowRunId);
    expect(job).toMatchObject({ state: 'success', gate: 'approved' });
    expect(job?.words.at(-1)).toContain('approved by bo');
    expect(world.errors).toEqual([]);
  });

  it('is a run like any other, with trigger, check and receipt', async () => {
    const { runId } = await asked();
    const headSha = await world.github.sha();
    const run = await world.engine.resolve(runId);
    expect(await world.engine.readTrigger(run)).toMatchObject({
      type: 'deployment',
      actor: { provider: 'github', id: 'octo' },
      source: { gitCommit: headSha, ref: 'refs/heads/main' },
      github: { event_name: 'deployment_protection_rule', event: { environment: 'prod' } },
      isFork: false,
    });
    await world.report();
    const { data } = await world.github.ada.rest.checks.listForRef({ ...world.github.place, ref: headSha });
    const checks = data.check_runs.filter(({ app }) => app?.id === world.github.app.id).map(({ name }) => name);
    expect(checks.toSorted()).toEqual(['maestro / deployment to prod', 'maestro / deployment to prod / promote']);
    await world.answer(runId, bo, 'deny');
    await ends(runId, 'failed');
    expect(await world.engine.readReceipt(run)).toMatchObject({ payloadSha256: expect.any(String) });
  });

  it('keeps a job from going on when somebody denied it, and says why', async () => {
    const { workflowRunId, runId } = await asked();
    await world.answer(runId, bo, 'deny');
    await ends(runId, 'failed');
    await world.report();
    expect(await world.jobs(workflowRunId)).toMatchObject([
      { state: 'failure', gate: 'rejected', words: [expect.stringContaining('denied by bo: seen')] },
    ]);
  });

  it('judges a job by its commit also where it waits before it is known whose that is', async () => {
    const slow = await DecidingWorld.open({
      policy: { environments: { prod: { order: 1, checks: 'all' } } },
      beforeKnown: 500,
    });
    try {
      await slow.dispatch();
      const runId = await slow.ask();
      const reason = async () => (await slow.view(runId)).steps[0]?.reason ?? '';
      await expect.poll(reason, WAIT).toMatch(/the commit has no check yet/);
    } finally {
      await slow.close();
    }
  });

  it('asks nobody twice, however often GitHub sends the webhook', async () => {
    const workflowRunId = await world.dispatch();
    const runIds = [await world.ask(), await world.ask()];
    expect(new Set(runIds).size).toBe(1);
    expect(await world.rules.openOf(world.github.repositoryId, workflowRunId)).toHaveLength(1);
  });

  it.each(['installation', 'repository', 'environment', 'deployment', 'sender', 'event', 'pull_requests'])(
    'decides also where the webhook names no %s',
    async (field) => {
      await world.dispatch();
      const runId = await world.ask([field]);
      expect(await world.rules.find(runId)).toMatchObject({ environment: 'prod', attempt: 1 });
      expect(await world.engine.readTrigger(await world.engine.resolve(runId))).toMatchObject({
        actor: { id: 'octo' },
        source: { gitCommit: await world.github.sha(), ref: 'refs/heads/main' },
      });
      await waits(runId);
    },
  );

  it('decides where the webhook names nothing but where to answer', async () => {
    await world.dispatch();
    const all = Object.keys(world.delivery('deployment_protection_rule').payload);
    const runId = await world.ask(all.filter((name) => name !== 'deployment_callback_url' && name !== 'action'));
    expect(await world.rules.find(runId)).toMatchObject({ environment: 'prod' });
    await waits(runId);
  });

  it.each([
    ['names no place to answer', () => undefined, /ignored/],
    ['wants the answer elsewhere', (url: string) => url.replace(/^.*\/repos/, 'https://evil.test/repos'), /refused/],
    ['wants another repository to be answered', (url: string) => url.replace('/octo/app/', '/octo/other/'), /refused/],
    ['names a workflow run that is gone', (url: string) => url.replace(/runs\/\d+/, 'runs/1'), /is over/],
  ])('starts nothing where the webhook %s', async (_name, change, note) => {
    const workflowRunId = await world.dispatch();
    const { payload, ...delivery } = world.delivery('deployment_protection_rule');
    const { deployment_callback_url: _, ...rest } = payload;
    const url = change(textAt(payload, 'deployment_callback_url') ?? '');
    const told = { ...rest, ...(url === undefined ? {} : { deployment_callback_url: url }) };
    expect(await world.handle({ ...delivery, payload: told })).toMatch(note);
    expect(await world.rules.openOf(world.github.repositoryId, workflowRunId)).toEqual([]);
  });

  it('cancels the decision where the workflow run was cancelled, and answers nobody', async () => {
    const { workflowRunId, runId } = await asked();
    await world.github.ada.rest.actions.cancelWorkflowRun({ ...world.github.place, run_id: workflowRunId });
    expect(await world.handle(world.delivery('workflow_run'))).toContain(runId);
    await ends(runId, 'cancelled');
    await world.report();
    expect(await world.jobs(workflowRunId)).toEqual([{ state: 'cancelled', gate: 'unanswered', words: [] }]);
    expect(world.errors).toEqual([]);
  });

  it('finds out by itself that a workflow run was cancelled', async () => {
    const { workflowRunId, runId } = await asked();
    await world.sweep();
    expect((await world.view(runId)).status).toBe('running');
    await world.github.ada.rest.actions.cancelWorkflowRun({ ...world.github.place, run_id: workflowRunId });
    await world.sweep();
    await ends(runId, 'cancelled');
    expect(world.errors).toEqual([]);
  });

  it('never lets an attempt go on by what was decided about the one before', async () => {
    const { workflowRunId, runId: first } = await asked();
    const place = { ...world.github.place, run_id: workflowRunId };
    await world.github.ada.rest.actions.cancelWorkflowRun(place);
    await world.github.ada.rest.actions.reRunWorkflow(place);
    await world.answer(first, bo);
    await ends(first, 'succeeded');
    await world.report();
    expect(await world.jobs(workflowRunId)).toMatchObject([{ state: 'cancelled' }, { state: 'waiting', words: [] }]);
    const second = await world.ask();
    expect(second).not.toBe(first);
    expect(await world.rules.find(second)).toMatchObject({ attempt: 2 });
  });

  it('lets a job that is run again bring back what it has deployed before, and asks about another workflow run', async () => {
    const { workflowRunId, runId: first } = await asked();
    await world.answer(first, bo);
    await ends(first, 'succeeded');
    await world.report();
    await world.github.sandbox.settled();
    await asked();
    await world.github.ada.rest.actions.reRunWorkflow({ ...world.github.place, run_id: workflowRunId });
    const second = await world.ask();
    expect(second).not.toBe(first);
    await ends(second, 'succeeded');
    await world.report();
    await world.github.sandbox.settled();
    expect(await world.jobs(workflowRunId)).toMatchObject([
      { state: 'success', gate: 'approved' },
      { state: 'success', gate: 'approved' },
    ]);
    expect(world.errors).toEqual([]);
  });

  it('cancels what decided for an earlier attempt when the next one asks', async () => {
    const { workflowRunId, runId: first } = await asked();
    const place = { ...world.github.place, run_id: workflowRunId };
    await world.github.ada.rest.actions.cancelWorkflowRun(place);
    await world.github.ada.rest.actions.reRunWorkflow(place);
    const second = await world.ask();
    await ends(first, 'cancelled');
    expect((await world.view(first)).reason).toContain('attempt 2');
    await waits(second);
  });

  it('starts nothing where the webhook comes when the next attempt waits already', async () => {
    const workflowRunId = await world.dispatch();
    const { payload, ...delivery } = world.delivery('deployment_protection_rule');
    const created_at = '2026-01-01T00:00:00Z';
    const deployment = { ...objectAt(payload, 'deployment'), created_at };
    expect(await world.handle({ ...delivery, payload: { ...payload, deployment } })).toMatch(/earlier attempt/);
    expect(await world.rules.openOf(world.github.repositoryId, workflowRunId)).toEqual([]);
  });

  it('answers once where GitHub took the answer and did not say so', async () => {
    const { workflowRunId, runId } = await asked();
    await world.answer(runId, bo);
    await ends(runId, 'succeeded');
    const call = new RegExp(`^POST .*/${workflowRunId}/deployment_protection_rule$`);
    world.github.sandbox.misbehave({ kind: 'answer', call, answer: { type: 'lost-answer' }, times: 1 });
    // The job goes on, and finds no machine: the workflow run is not over.
    world.github.sandbox.setRunners([]);
    await world.report();
    expect(await isOpen(runId)).toBe(true);
    await world.report();
    world.github.sandbox.setRunners([TINY]);
    await world.github.sandbox.settled();
    const [job] = await world.jobs(workflowRunId);
    expect(job).toMatchObject({ state: 'success', gate: 'approved' });
    expect(job?.words.filter((word) => word.startsWith('Approved'))).toHaveLength(1);
    expect(world.errors).toEqual([]);
  });

  it('says at most ten words while it waits, and then still answers', async () => {
    const { workflowRunId, runId } = await asked();
    const request = await world.rules.find(runId);
    const row = await world.runs.find(runId);
    if (!request || !row) throw new Error('it is not known');
    for (let version = 0; version < 12; version++) {
      const comment = `reason ${version}`;
      const spec = { ...request, externalId: `${runId}/review/prod`, state: null, comment };
      await world.rules.putReview(row, spec, 1_000_000 + version);
      // So long nothing is said of an hour: the pace of updates.
      world.clock.aheadMs += 86_400_000 * 5;
      await world.write();
    }
    expect((await world.jobs(workflowRunId))[0]?.words).toEqual(Array.from({ length: 10 }, (_, at) => `reason ${at}`));
    const answer = { ...request, externalId: `${runId}/review/prod`, state: 'approved', comment: 'at last' } as const;
    await world.rules.putReview(row, answer, 2_000_000);
    await world.write();
    await world.github.sandbox.settled();
    expect(await world.jobs(workflowRunId)).toMatchObject([{ state: 'success', gate: 'approved' }]);
    expect(world.errors).toEqual([]);
  });

  it('takes no approval of whoever started the workflow', async () => {
    const { runId } = await asked();
    const { actor } = await world.engine.readTrigger(await world.engine.resolve(runId));
    const self = { ...ada, login: actor.id, account: actor.account ?? '' };
    await expect(world.answer(runId, self)).rejects.toMatchObject({ code: 'APPROVAL_NOT_ALLOWED' });
  });
});
