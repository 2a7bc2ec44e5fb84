import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { ActionsFarEnd, type Kind } from '../runners/actions-far-end.ts';

const TARGET = { installationId: 7, owner: 'octo', repo: 'app' };
const REQUEST = {
  target: TARGET,
  workflow: 'maestro.yml',
  ref: 'main',
  inputs: { dispatch_id: 'd1', run: 'r1', class: 'linux', labels: '["ubuntu-latest"]' },
};
const SINCE = '2026-11-21T00:00:00.000Z';

let farEnd: ActionsFarEnd;
beforeAll(async () => {
  farEnd = await ActionsFarEnd.open();
});
afterAll(() => farEnd.close());
beforeEach(() => farEnd.reset());

describe('a workflow dispatch', () => {
  it.each<[Kind, number | null, readonly string[]]>([
    ['2026', 100, ['2026-03-10']],
    ['2022', 100, ['2026-03-10', '2022-11-28']],
    ['old', null, ['2026-03-10', '2022-11-28', '2022-11-28']],
    ['deaf', null, ['2026-03-10']],
  ])('learns how a GitHub of kind %s is asked', async (kind, workflowRunId, versions) => {
    farEnd.kind = kind;
    expect(await farEnd.client().dispatch(REQUEST)).toEqual({ status: 'accepted', workflowRunId });
    expect(farEnd.calls.map((call) => call.version)).toEqual(versions);
    expect(farEnd.runs).toHaveLength(1);
    expect(farEnd.calls.at(-1)?.body).toMatchObject({ ref: 'main', inputs: REQUEST.inputs });
  });

  it.each<[Kind, number | null]>([
    ['2026', 101],
    ['2022', 101],
    ['old', null],
    ['deaf', 101],
  ])('asks a GitHub of kind %s once when it knows it', async (kind, workflowRunId) => {
    farEnd.kind = kind;
    const client = farEnd.client();
    await client.dispatch(REQUEST);
    farEnd.calls.length = 0;
    expect(await client.dispatch(REQUEST)).toEqual({ status: 'accepted', workflowRunId });
    expect(farEnd.calls).toHaveLength(1);
  });

  it.each([
    [404, 'Not Found', /has no \.github\/workflows\/maestro\.yml .*maestro init --server/],
    [422, "Workflow does not have 'workflow_dispatch' trigger", /no workflow_dispatch trigger.*maestro init/],
    [422, 'No ref found for: main', /no branch main/],
    [422, 'Unexpected inputs provided: ["class"]', /declares other inputs/],
    [422, 'you may only define up to 10 `inputs` for a `workflow_dispatch` event', /maestro init/],
    [403, 'Actions has been disabled for this repository.', /disabled.*Settings/],
    [403, 'Resource not accessible by integration', /grant it Actions: write/],
    [409, 'odd', /refused to start.*409: odd/],
  ])('turns %i %s into what people can do', async (status, message, problem) => {
    farEnd.misbehave.push({ reply: { status, body: { message } } });
    const answer = await farEnd.client().dispatch(REQUEST);
    expect(answer).toEqual({ status: 'refused', problem: expect.stringMatching(problem) });
    expect(farEnd.calls).toHaveLength(1);
  });

  it.each<[number, Record<string, string>, string, number | null]>([
    [403, { 'retry-after': '60' }, 'You have exceeded a secondary rate limit', 60_000],
    [403, {}, 'You have exceeded a secondary rate limit', null],
    [429, { 'retry-after': '5' }, 'Too many requests', 5000],
    [403, { 'x-ratelimit-remaining': '0', 'x-ratelimit-reset': '1' }, 'API rate limit exceeded', 0],
  ])('knows the limit in a %i with %j', async (status, headers, message, retryAfterMs) => {
    farEnd.misbehave.push({ reply: { status, headers, body: { message } } });
    expect(await farEnd.client().dispatch(REQUEST)).toEqual({ status: 'limited', retryAfterMs });
    expect(farEnd.calls).toHaveLength(1);
  });

  it('is not asked again by the client when GitHub fails: the job may have started', async () => {
    farEnd.misbehave.push({ reply: { status: 502, body: { message: 'Bad gateway' } }, thenAct: true });
    await expect(farEnd.client().dispatch(REQUEST)).rejects.toMatchObject({ code: 'NETWORK_FAILED' });
    expect(farEnd.calls).toHaveLength(1);
  });

  it('gives up on a GitHub that does not answer', async () => {
    farEnd.misbehave.push({ reply: 'silence' });
    await expect(farEnd.client(50).dispatch(REQUEST)).rejects.toMatchObject({ code: 'NETWORK_FAILED' });
  });
});

describe('a workflow run', () => {
  it('is found by its name, also beyond the first page', async () => {
    const client = farEnd.client();
    for (let i = 0; i < 150; i++)
      farEnd.runs.push({ id: i, title: `maestro d${i}`, status: 'queued', conclusion: null, attempt: 1 });
    expect(await client.findRun(TARGET, 'maestro.yml', 'd3', SINCE)).toBe(3);
    expect(farEnd.calls).toHaveLength(2);
    expect(await client.findRun(TARGET, 'maestro.yml', 'd', SINCE)).toBeUndefined();
  });

  it('is not found where there is no workflow', async () => {
    farEnd.misbehave.push({ reply: { status: 404, body: {} } });
    expect(await farEnd.client().findRun(TARGET, 'maestro.yml', 'd1', SINCE)).toBeUndefined();
  });

  it('is read with its jobs, and is undefined once it was deleted', async () => {
    const client = farEnd.client();
    farEnd.runs.push({ id: 5, title: '', status: 'in_progress', conclusion: null, attempt: 2 });
    expect(await client.readRun(TARGET, 5)).toMatchObject({
      status: 'running',
      attempt: 2,
      jobs: [{ name: 'work', status: 'running', labels: ['self-hosted'], runnerName: null }],
    });
    expect(await client.readRun(TARGET, 6)).toBeUndefined();
  });

  it('is cancelled, and left alone where it has ended or is gone', async () => {
    const client = farEnd.client();
    farEnd.runs.push({ id: 5, title: '', status: 'completed', conclusion: 'success', attempt: 1 });
    await client.cancel(TARGET, 5);
    await client.cancel(TARGET, 6);
    farEnd.misbehave.push({ reply: { status: 429, body: {} } });
    await expect(client.cancel(TARGET, 5)).rejects.toMatchObject({ code: 'RATE_LIMITED' });
  });

  it('that GitHub does not let us at is told apart from a GitHub that fails', async () => {
    const client = farEnd.client();
    for (const call of [
      () => client.cancel(TARGET, 5),
      () => client.readRun(TARGET, 5),
      () => client.findRun(TARGET, 'maestro.yml', 'd1', SINCE),
    ]) {
      farEnd.misbehave.push({ reply: { status: 403, body: { message: 'Must have admin rights' } } });
      await expect(call()).rejects.toMatchObject({
        code: 'CONFLICT',
        message: expect.stringContaining('admin rights'),
      });
      farEnd.misbehave.push({ reply: { status: 502, body: {} } });
      await expect(call()).rejects.toMatchObject({ code: 'NETWORK_FAILED' });
    }
  });
});
