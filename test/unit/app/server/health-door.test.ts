import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { healthDoor } from '../../../../app/server/health-door.ts';
import { type Listening, listen } from '../../../../app/server/listen.ts';

describe('the door of a process that has no other', () => {
  const troubles: string[] = [];
  let listening: Listening;
  let url: string;
  beforeAll(async () => {
    const door = healthDoor(async () => troubles);
    listening = await listen({ host: '127.0.0.1', port: 0 }, { webhooks: door, api: door }, () => {});
    url = `http://127.0.0.1:${listening.port}`;
  });
  beforeEach(() => {
    troubles.length = 0;
  });
  afterAll(() => listening.close(0));

  it.each(['/healthz', '/readyz', '/readyz?from=balancer'])('answers %s', async (path) => {
    const answer = await fetch(url + path);
    expect([answer.status, answer.headers.get('cache-control')]).toEqual([200, 'no-store']);
    expect(await answer.json()).toEqual({ status: 'ok' });
    expect((await fetch(url + path, { method: 'HEAD' })).status).toBe(200);
  });

  it('says that the process lives and why it is not ready', async () => {
    troubles.push('the database does not answer');
    expect((await fetch(`${url}/healthz`)).status).toBe(200);
    const answer = await fetch(`${url}/readyz`);
    expect(answer.status).toBe(503);
    expect(await answer.json()).toEqual({ status: 'not ready: the database does not answer' });
  });

  it.each([
    ['GET', '/'],
    ['POST', '/readyz'],
    ['POST', '/api/github/webhooks'],
    ['POST', '/api/v1/workers'],
    ['GET', '/api/v1/openapi.json'],
    ['GET', '//readyz'],
  ])('answers no %s %s', async (method, path) => {
    expect((await fetch(url + path, { method })).status).toBe(404);
  });
});
