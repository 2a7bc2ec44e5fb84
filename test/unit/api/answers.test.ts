import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { MaestroError } from '../../../src/base/errors.ts';
import { Door } from './door.ts';

const RUN = '01kdxyz0a0m1n2p3q4r5s6t7v8';
const DIGEST = `sha256:${'b'.repeat(64)}`;
const ADA = { token: 'ghp_ada' };
const path = (verb = 'approve', run = RUN) => `/api/v1/runs/${run}:${verb}`;

describe('the routes for people', () => {
  let door: Door;
  beforeEach(async () => {
    door = await new Door().open();
  });
  afterEach(() => door.close());

  it.each(['approve', 'deny', 'revoke'])('%s a gate of a run', async (verb) => {
    const answer = await door.call(path(verb), { gate: 'prod', reason: 'fine', planDigest: DIGEST }, ADA);
    expect(answer).toMatchObject({ status: 200, body: { run: RUN, gate: 'prod', decision: verb, person: 'ada' } });
    expect(answer.headers.get('cache-control')).toBe('no-store');
    expect(door.answered).toEqual([{ run: RUN, gate: 'prod', reason: 'fine', planDigest: DIGEST, decision: verb }]);
  });

  it('answer for the run itself, and for whatever waits', async () => {
    await door.call(path(), { gate: null, reason: '' }, ADA);
    await door.call(path(), { reason: '' }, ADA);
    expect(door.answered.map(({ gate }) => gate)).toEqual([null, undefined]);
  });

  it.each<[string, unknown]>([
    ['without a reason', { gate: 'prod' }],
    ['for an empty gate', { gate: '', reason: '' }],
    ['for a number', { gate: 7, reason: '' }],
    ['with a reason of a book', { reason: 'x'.repeat(501) }],
    ['for a plan that is none', { reason: '', planDigest: 'sha256:1' }],
    ['in the name of somebody', { reason: '', person: 'bo' }],
    ['that decides by itself', { reason: '', decision: 'approve' }],
  ])('take no answer %s', async (_, body) => {
    expect(await door.call(path(), body, ADA)).toMatchObject({ status: 400, body: { code: 'REQUEST_INVALID' } });
    expect(door.answered).toEqual([]);
  });

  it.each(['../x:approve', 'A:approve', `${RUN}:approved`, `${RUN}:`, `${RUN}${RUN}${RUN}:approve`])(
    'have no run at %s',
    async (name) => {
      expect(await door.call(`/api/v1/runs/${name}`, { reason: '' }, ADA)).toMatchObject({
        status: 404,
        body: { code: 'ROUTE_NOT_FOUND' },
      });
    },
  );

  it('refuse who shows no token, a worker’s, or one that GitHub does not know, before the body is read', async () => {
    for (const token of ['', door.token(), 'good', 'ghs_x'])
      expect(await door.call(path(), 'no object', { token })).toMatchObject({
        status: 401,
        body: { code: 'UNAUTHENTICATED' },
      });
    expect(door.answered).toEqual([]);
  });

  it('let no person in where a worker or a job belongs', async () => {
    expect(await door.call('/api/v1/leases:renew', { held: [] }, ADA)).toMatchObject({ status: 401 });
    expect(await door.call(`/api/v1/runs/${RUN}`, null, { ...ADA, method: 'GET', body: null })).toMatchObject({
      status: 401,
    });
    expect(door.admissions).toBe(0);
  });

  it('tell of a release, to people alone', async () => {
    const read = (what: string, token = ADA.token) =>
      door.call(`/api/v1/runs/${RUN}/${what}`, null, { token, method: 'GET', body: null });
    expect(await read('release-gate')).toMatchObject({
      status: 200,
      body: { run: RUN, reasons: [{ code: 'NO_ARTIFACT' }] },
    });
    expect(await read('manifest')).toMatchObject({ status: 200, body: { run: { id: RUN } } });
    const authorization = `Bearer ${ADA.token}`;
    const pack = await fetch(`${door.url}/api/v1/runs/${RUN}/disclosure.tgz`, { headers: { authorization } });
    expect([pack.status, await pack.text()]).toEqual([200, `pack of ${RUN}`]);
    for (const what of ['release-gate', 'manifest', 'disclosure.tgz']) {
      expect(await read(what, door.token())).toMatchObject({ status: 401 });
      door.reading = async () => {
        throw new MaestroError('RUN_NOT_FOUND', 'no run is known where you may look');
      };
      expect(await read(what)).toMatchObject({ status: 404, body: { code: 'RUN_NOT_FOUND' } });
      door.reading = async () => {};
    }
  });

  it('say as a problem what keeps an answer from counting', async () => {
    door.answering = async () => {
      throw new MaestroError('APPROVAL_NOT_ALLOWED', 'ada wrote this change');
    };
    const answer = await door.call(path(), { reason: '' }, ADA);
    expect(answer).toMatchObject({
      status: 403,
      body: { code: 'APPROVAL_NOT_ALLOWED', detail: 'ada wrote this change' },
    });
    expect(answer.headers.get('content-type')).toBe('application/problem+json');
  });

  it('count calls by person, so that one of them leaves enough of GitHub to the others', async () => {
    const statuses: number[] = [];
    for (let call = 0; call < 31; call++) statuses.push((await door.call(path(), { reason: '' }, ADA)).status);
    expect(statuses.filter((status) => status === 200)).toHaveLength(30);
    const limited = await door.call(path(), { reason: '' }, ADA);
    expect(limited).toMatchObject({ status: 429, body: { code: 'RATE_LIMITED' } });
    expect(limited.headers.get('retry-after')).toBe('2');
    expect((await door.call(path(), { reason: '' }, { token: 'ghp_bo' })).status).toBe(200);
    door.now += 2000;
    expect((await door.call(path(), { reason: '' }, ADA)).status).toBe(200);
  });

  it('ask GitHub about no more tokens of an address than its calls are', async () => {
    for (let call = 0; call < 201; call++) await door.call(path(), { reason: '' }, { token: 'unknown' });
    expect(door.admissions).toBe(200);
    expect(await door.call(path(), { reason: '' }, ADA)).toMatchObject({ status: 429 });
  });

  it('answer so many calls of a person at once', async () => {
    let go = (): void => {};
    const gone = new Promise<void>((done) => (go = done));
    let open = 0;
    let full = (): void => {};
    const four = new Promise<void>((done) => (full = done));
    door.answering = async () => {
      open += 1;
      if (open === 4) full();
      await gone;
    };
    const held = [1, 2, 3, 4].map(() => door.call(path(), { reason: '' }, ADA));
    await four;
    expect((await door.call(path(), { reason: '' }, ADA)).status).toBe(429);
    go();
    expect((await Promise.all(held)).map(({ status }) => status)).toEqual([200, 200, 200, 200]);
  });

  it('stand in the document, with who may call them', async () => {
    const { body } = await door.call('/api/v1/openapi.json', null, { method: 'GET', body: null, token: '' });
    for (const verb of ['approve', 'deny', 'revoke'])
      expect(body.paths[`/api/v1/runs/{run}:${verb}`].post).toMatchObject({
        security: [{ github: [] }],
        parameters: [{ name: 'run', in: 'path' }],
        requestBody: { content: { 'application/json': { schema: { required: ['reason'] } } } },
      });
  });
});
