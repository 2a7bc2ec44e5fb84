import { afterEach, describe, expect, it } from 'vitest';
import { closeClean, newEvents, openStage, type Stage } from './client.ts';

const DEPLOYMENTS = '/repos/acme/app/deployments';

describe('a deployment in the sandbox', () => {
  let stage: Stage;
  let token = '';
  afterEach(async () => await closeClean(stage));

  async function open(): Promise<void> {
    stage = await openStage();
    token = await stage.token();
    await newEvents(stage);
  }
  const deploy = async (body: object = {}): Promise<number> =>
    (await stage.call(token, 'POST', DEPLOYMENTS, { ref: 'main', environment: 'production', ...body })).body.id;
  const say = async (id: number, state: string, more: object = {}): ReturnType<Stage['call']> =>
    await stage.call(token, 'POST', `${DEPLOYMENTS}/${id}/statuses`, { state, ...more });
  const states = async (id: number): Promise<readonly string[]> =>
    (await stage.call(token, 'GET', `${DEPLOYMENTS}/${id}/statuses`)).body.map((one: { state: string }) => one.state);

  it('is made for a ref, read, listed newest first, and the app hears of it', async () => {
    await open();
    const first = await deploy({ task: 'deploy:migrations', payload: { step: 1 }, description: 'of the day' });
    const second = await deploy({ environment: 'staging' });
    expect((await stage.call(token, 'GET', `${DEPLOYMENTS}/${first}`)).body).toMatchObject({
      sha: await stage.sha(),
      ref: 'main',
      task: 'deploy:migrations',
      environment: 'production',
      description: 'of the day',
      payload: { step: 1 },
      creator: { login: 'maestro[bot]' },
    });
    const ids = async (query: string): Promise<readonly number[]> =>
      (await stage.call(token, 'GET', `${DEPLOYMENTS}${query}`)).body.map(({ id }: { id: number }) => id);
    expect(await ids('')).toEqual([second, first]);
    expect(await ids('?environment=production')).toEqual([first]);
    expect(await ids('?task=deploy')).toEqual([second]);
    const { body } = await stage.call(await stage.token(), 'GET', '/repos/acme/app/environments');
    expect(body.environments).toMatchObject([{ name: 'production' }, { name: 'staging' }]);
    expect(await newEvents(stage)).toEqual(['deployment.created', 'deployment.created']);
    expect((await stage.call(token, 'POST', DEPLOYMENTS, { ref: 'nowhere' })).status).toBe(422);
  });

  it('has statuses, newest first, and each is heard of', async () => {
    await open();
    const id = await deploy();
    await say(id, 'in_progress', { log_url: 'https://maestro.test/runs/1', description: 'on its way' });
    const { body } = await say(id, 'success', { environment_url: 'https://app.test/' });
    expect(await states(id)).toEqual(['success', 'in_progress']);
    expect((await stage.call(token, 'GET', `${DEPLOYMENTS}/${id}/statuses/${body.id}`)).body).toMatchObject({
      state: 'success',
      environment_url: 'https://app.test/',
      creator: { login: 'maestro[bot]' },
    });
    expect(await newEvents(stage)).toEqual([
      'deployment.created',
      'deployment_status.created',
      'deployment_status.created',
    ]);
    expect((await say(id, 'splendid')).status).toBe(422);
    expect((await stage.call(token, 'GET', `${DEPLOYMENTS}/1/statuses`)).status).toBe(404);
  });

  it('makes earlier ones of its environment inactive by its success, unless that is not wanted', async () => {
    await open();
    const to = (environment: string): Promise<number> => deploy({ environment });
    const ids = [await to('staging'), await to('test'), await to('staging'), await to('staging')];
    for (const id of ids.slice(0, 3)) await say(id, 'success');
    await say(ids[3] ?? 0, 'success', { auto_inactive: false });
    expect(await Promise.all(ids.map(states))).toEqual([
      ['inactive', 'success'],
      ['success'],
      ['success'],
      ['success'],
    ]);
  });

  it.each([
    ['in production, by its name', {}],
    ['in production, because it says so', { environment: 'live', production_environment: true }],
    ['transient', { environment: 'review', transient_environment: true }],
  ])('leaves earlier ones as they are that are %s', async (_, body) => {
    await open();
    const ids = [await deploy(body), await deploy(body)];
    for (const id of ids) await say(id, 'success');
    expect(await Promise.all(ids.map(states))).toEqual([['success'], ['success']]);
  });

  it('is not made before the checks of its commit are green, unless that is not wanted', async () => {
    await open();
    const make = async (body: object): Promise<number> =>
      (await stage.call(token, 'POST', DEPLOYMENTS, { ref: 'main', ...body })).status;
    const sha = await stage.sha();
    const { body } = await stage.call(token, 'POST', '/repos/acme/app/check-runs', { name: 'ci', head_sha: sha });
    expect(await make({})).toBe(409);
    expect(await make({ required_contexts: ['ci'] })).toBe(409);
    expect(await make({ required_contexts: [] })).toBe(201);
    await stage.call(token, 'PATCH', `/repos/acme/app/check-runs/${body.id}`, { conclusion: 'success' });
    expect(await make({})).toBe(201);
    expect(await make({ required_contexts: ['other'] })).toBe(409);
  });

  it('is told of in 140 characters', async () => {
    await open();
    const id = await deploy();
    expect((await say(id, 'queued', { description: 'x'.repeat(141) })).status).toBe(422);
    expect((await say(id, 'queued', { description: 'x'.repeat(140) })).status).toBe(201);
  });
});

const TINY = { labels: ['self-hosted', 'tiny'], count: 1 };
const DEPLOY =
  'on: workflow_dispatch\njobs:\n  work:\n    environment: production\n    runs-on: [self-hosted, tiny]\n    steps:\n      - run: echo out\n';

describe('the gate before an environment in the sandbox', () => {
  let stage: Stage;
  let runId = 0;
  let token = '';
  afterEach(async () => await closeClean(stage));

  /** A job that waits for two apps, of which one is the stage's. */
  async function open(): Promise<void> {
    stage = await openStage({ runners: [TINY] }, { '.github/workflows/work.yml': DEPLOY });
    const other = stage.sandbox.registerApp({
      name: 'Gate',
      permissions: {},
      events: [],
      webhookUrl: 'http://127.0.0.1:1/',
      webhookSecret: 'x',
    });
    stage.sandbox.install(other.appId, 'acme', ['app']);
    stage.sandbox.protectEnvironment('acme', 'app', 'production', stage.appId);
    token = await stage.token();
    const path = '/repos/acme/app/actions/workflows/work.yml/dispatches';
    const { body } = await stage.call(token, 'POST', path, { ref: 'main', return_run_details: true });
    runId = body.workflow_run_id;
    await newEvents(stage);
  }
  const answer = async (body: object): ReturnType<Stage['call']> =>
    await stage.call(token, 'POST', `/repos/acme/app/actions/runs/${runId}/deployment_protection_rule`, {
      environment_name: 'production',
      ...body,
    });
  const states = async (): Promise<readonly string[]> => {
    const [deployment] = (await stage.call(token, 'GET', DEPLOYMENTS)).body;
    const { body } = await stage.call(token, 'GET', `${DEPLOYMENTS}/${deployment.id}/statuses`);
    return body.map((one: { state: string }) => one.state);
  };

  it('lets the job go on where it is approved', async () => {
    await open();
    expect(await states()).toEqual(['waiting']);
    const pending = async (): Promise<readonly object[]> =>
      (await stage.call(token, 'GET', `/repos/acme/app/actions/runs/${runId}/pending_deployments`)).body;
    expect(await pending()).toMatchObject([{ environment: { name: 'production' }, reviewers: [] }]);
    expect((await answer({ state: 'approved', comment: 'grace agreed' })).status).toBe(204);
    await stage.sandbox.settled();
    expect(stage.sandbox.jobs()).toMatchObject([{ status: 'completed', conclusion: 'success' }]);
    expect(await pending()).toEqual([]);
    expect(await states()).toEqual(['success', 'in_progress', 'queued', 'waiting']);
    expect((await answer({ state: 'approved' })).status).toBe(422);
  });

  it('ends the job where it is rejected, and asks again for another attempt', async () => {
    await open();
    expect((await answer({ state: 'rejected', comment: 'not on a Friday' })).status).toBe(204);
    expect(stage.sandbox.jobs()).toMatchObject([{ status: 'completed', conclusion: 'failure', log: [] }]);
    expect(await states()).toEqual(['failure', 'waiting']);
    await newEvents(stage);
    await stage.call(token, 'POST', `/repos/acme/app/actions/runs/${runId}/rerun`);
    expect(stage.sandbox.jobs()).toMatchObject([{ conclusion: 'failure' }, { status: 'waiting' }]);
    await answer({ state: 'approved' });
    await stage.sandbox.settled();
    expect(stage.sandbox.jobs().at(-1)).toMatchObject({ conclusion: 'success' });
  });

  it('takes ten words in between of a thousand characters, which change nothing', async () => {
    await open();
    const said = [];
    for (let index = 0; index < 11; index += 1) said.push((await answer({ comment: `waiting ${index}` })).status);
    expect(said).toEqual([...Array.from({ length: 10 }, () => 204), 422]);
    expect(stage.sandbox.jobs()).toMatchObject([{ status: 'waiting' }]);
    expect((await answer({ state: 'approved', comment: 'x'.repeat(1025) })).status).toBe(422);
    expect((await answer({ state: 'approved', comment: 'x'.repeat(1024) })).status).toBe(204);
  });

  it.each([
    ['an environment that nobody waits for', { environment_name: 'staging', state: 'approved' }, 422],
    ['an answer that is none', { state: 'perhaps' }, 422],
    ['neither answer nor word', {}, 422],
  ])('refuses %s', async (_, body, status) => {
    await open();
    expect((await answer(body)).status).toBe(status);
    expect(stage.sandbox.jobs()).toMatchObject([{ status: 'waiting' }]);
  });

  it('waits for every app that protects it', async () => {
    await open();
    const other = stage.sandbox.registerApp({
      name: 'Second',
      permissions: { deployments: 'write' },
      events: ['deployment_protection_rule'],
      webhookUrl: 'http://127.0.0.1:1/',
      webhookSecret: 'x',
    });
    stage.sandbox.install(other.appId, 'acme', ['app']);
    stage.sandbox.protectEnvironment('acme', 'app', 'production', other.appId);
    expect((await answer({ state: 'approved' })).status).toBe(204);
    await stage.sandbox.settled();
    expect(stage.sandbox.jobs()).toMatchObject([{ status: 'waiting' }]);
  });
});
