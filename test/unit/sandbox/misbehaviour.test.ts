import { afterEach, describe, expect, it } from 'vitest';
import type { MisbehaviourRule } from '../../../sandbox/sandbox.ts';
import { openStage, type Stage } from './client.ts';

type Answer = Extract<MisbehaviourRule, { kind: 'answer' }>['answer'];

describe('answers of the sandbox', () => {
  let stage: Stage;
  afterEach(async () => await stage.close());
  const check = async (token: string): ReturnType<Stage['call']> =>
    await stage.call(token, 'POST', '/repos/acme/app/check-runs', { name: 'x', head_sha: await stage.sha() });
  const once = (answer: Answer): void => {
    stage.sandbox.misbehave({ kind: 'answer', call: /check-runs$/, answer, times: 1 });
  };
  const made = async (token: string): Promise<number> =>
    (await stage.call(token, 'GET', `/repos/acme/app/commits/${await stage.sha()}/check-runs?filter=all`)).body
      .total_count;

  it('are failures on request, as often as they were asked for', async () => {
    stage = await openStage();
    const token = await stage.token();
    const call = /^POST .*check-runs$/;
    stage.sandbox.misbehave({ kind: 'answer', call, answer: { type: 'status', status: 502 }, times: 1 });
    stage.sandbox.misbehave({
      kind: 'answer',
      call,
      answer: { type: 'secondary-limit', retryAfterSeconds: 7 },
      times: 1,
    });
    stage.sandbox.misbehave({ kind: 'answer', call, answer: { type: 'rate-limit', retryAfterSeconds: 9 }, times: 1 });
    const answers = [await check(token), await check(token), await check(token), await check(token)];
    expect(answers.map(({ status }) => status)).toEqual([502, 403, 429, 201]);
    expect(answers.map(({ headers }) => headers.get('retry-after'))).toEqual([null, '7', '9', null]);
  });

  it('are lost after the call was carried out', async () => {
    stage = await openStage();
    const token = await stage.token();
    once({ type: 'lost-answer' });
    await expect(check(token)).rejects.toThrow('fetch failed');
    expect(await made(token)).toBe(1);
    const [lost] = stage.sandbox.calls().filter(({ operation }) => operation === 'checks/create');
    expect(lost).toMatchObject({ status: 201, installationId: stage.installationId });
  });

  it('break off after some bytes of their body, and say how many it should have been', async () => {
    stage = await openStage();
    const token = await stage.token();
    once({ type: 'cut-body', bytes: 7 });
    const response = await post(token);
    expect(response.status).toBe(201);
    expect(Number(response.headers.get('content-length'))).toBeGreaterThan(7);
    const read = response.body?.getReader();
    expect(Buffer.from((await read?.read())?.value ?? []).toString()).toBe('{"id":1');
    await expect(read?.read()).rejects.toThrow('terminated');
    expect([(await post(token)).status, await made(token)]).toEqual([201, 2]);
  });

  it('are whole where what should break off is no success', async () => {
    stage = await openStage();
    once({ type: 'cut-body', bytes: 7 });
    const { status, body } = await stage.call('nobody', 'POST', '/repos/acme/app/check-runs', {});
    expect([status, body.message]).toEqual([401, 'Bad credentials']);
    const refused = await stage.call(await stage.token(), 'POST', '/repos/acme/app/check-runs', {});
    expect([refused.status, refused.body.status]).toEqual([422, '422']);
  });

  it('hang after their headers, until the caller gives up', async () => {
    stage = await openStage();
    const token = await stage.token();
    once({ type: 'hang' });
    const patience = new AbortController();
    const response = await post(token, patience.signal);
    expect(response.status).toBe(201);
    const body = response.text();
    expect(await made(token)).toBe(1);
    patience.abort();
    await expect(body).rejects.toThrow('aborted');
    expect((await post(token)).status).toBe(201);
  });

  it('that hang do not keep the sandbox from closing', async () => {
    stage = await openStage();
    once({ type: 'hang' });
    const body = (await post(await stage.token())).text();
    const [, read] = await Promise.allSettled([stage.sandbox.close(), body]);
    expect(read).toMatchObject({ status: 'rejected', reason: { message: 'terminated' } });
  });

  async function post(token: string, signal: AbortSignal | null = null): Promise<Response> {
    return await fetch(`${stage.sandbox.apiUrl}/repos/acme/app/check-runs`, {
      method: 'POST',
      headers: { authorization: `Bearer ${token}` },
      body: JSON.stringify({ name: 'x', head_sha: await stage.sha() }),
      signal,
    });
  }
});
