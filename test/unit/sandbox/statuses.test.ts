import { afterEach, describe, expect, it } from 'vitest';
import { closeClean, newEvents, openStage, type Stage } from './client.ts';

describe('what is said of a commit in the sandbox', () => {
  let stage: Stage;
  let sha = '';
  let token = '';
  afterEach(async () => await closeClean(stage));

  async function open(): Promise<void> {
    stage = await openStage();
    sha = await stage.sha();
    token = await stage.token();
    await newEvents(stage);
  }
  const say = async (state: string, context: string): Promise<number> =>
    (await stage.call(token, 'POST', `/repos/acme/app/statuses/${sha}`, { state, context })).status;
  const combined = async (): Promise<unknown> => {
    const { body } = await stage.call(token, 'GET', '/repos/acme/app/commits/main/status');
    return [body.state, body.statuses.map((one: { context: string; state: string }) => `${one.context} ${one.state}`)];
  };

  it('is combined from the newest word of each context', async () => {
    await open();
    expect(await combined()).toEqual(['pending', []]);
    await say('pending', 'ci');
    await say('success', 'lint');
    expect(await combined()).toEqual(['pending', ['ci pending', 'lint success']]);
    await say('success', 'ci');
    expect(await combined()).toEqual(['success', ['ci success', 'lint success']]);
    await say('error', 'lint');
    expect(await combined()).toEqual(['failure', ['ci success', 'lint error']]);
    const { body } = await stage.call(token, 'GET', '/repos/acme/app/commits/main/statuses');
    expect(body.map((one: { state: string }) => one.state)).toEqual(['error', 'success', 'success', 'pending']);
    expect(await newEvents(stage)).toEqual(['status', 'status', 'status', 'status']);
  });

  it('is asked for again, of a whole suite, by people and by the app, and its owner hears of it', async () => {
    await open();
    await stage.call(token, 'POST', '/repos/acme/app/check-runs', { name: 'x', head_sha: sha, conclusion: 'failure' });
    const { body } = await stage.call(token, 'GET', `/repos/acme/app/commits/${sha}/check-suites`);
    const [suite] = body.check_suites;
    expect(suite).toMatchObject({ status: 'completed', conclusion: 'failure', latest_check_runs_count: 1 });
    await newEvents(stage);
    const path = `/repos/acme/app/check-suites/${suite.id}/rerequest`;
    expect((await stage.call(token, 'POST', path)).status).toBe(201);
    expect((await stage.call(stage.ada.token, 'POST', path)).status).toBe(201);
    expect((await stage.call(stage.stranger.token, 'POST', path)).status).toBe(403);
    const click = `${stage.sandbox.url}/_sandbox/check-suites/${suite.id}/rerequest`;
    expect((await stage.call(stage.ada.token, 'POST', click)).status).toBe(201);
    expect(await newEvents(stage)).toEqual(Array.from({ length: 3 }, () => 'check_suite.rerequested'));
    expect(stage.sandbox.deliveries().at(-1)?.payload).toMatchObject({
      check_suite: { id: suite.id, head_sha: sha },
      sender: { login: 'ada' },
    });
    expect((await stage.call(token, 'POST', '/repos/acme/app/check-suites/1/rerequest')).status).toBe(404);
  });
});
