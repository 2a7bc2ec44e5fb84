import { afterEach, beforeEach, expect, it } from 'vitest';
import { leavesOf, runIdOf, textsOf } from '../provenance/evidence-log/sample-log.ts';
import { Door } from './door.ts';

let door: Door;
beforeEach(async () => {
  door = await new Door().open();
  door.register.entries = textsOf(leavesOf(4)).slice(0, 7);
});
afterEach(() => door.close());

const get = (path: string): Promise<Response> => fetch(`${door.url}/api/v1/evidence/${path}`);

it('shows the checkpoint and the key of the register to anybody, as text', async () => {
  const { checkpoint, verifierKey } = await door.register.checkpoint();
  const response = await get('checkpoint');
  expect(response.headers.get('content-type')).toBe('text/plain; charset=utf-8');
  expect(await response.text()).toBe(checkpoint);
  expect(await (await get('key')).text()).toBe(`${verifierKey}\n`);
});

it('shows what the register holds of a run', async () => {
  expect(await (await get(`proof?run=${runIdOf(1)}`)).json()).toEqual(await door.register.proofs(runIdOf(1)));
  const half = (await (await get(`proof?run=${runIdOf(3)}`)).json()) as { close: unknown };
  expect(half.close).toBeNull();
  const text = await (await get(`tlog-proof?run=${runIdOf(1)}`)).text();
  expect(text).toMatch(/^c2sp\.org\/tlog-proof@v1\nindex 3\n/);
});

it('shows leaves, and that the register only grew', async () => {
  const leaves = (await (await get('leaves?from=2&count=3')).json()) as { leaves: string[] };
  expect(leaves).toEqual({ from: 2, leaves: door.register.entries.slice(2, 5) });
  const { hashes } = (await (await get('consistency?from=3&to=7')).json()) as { hashes: string[] };
  expect(hashes).toEqual(await door.register.consistency(3, 7));
});

it.each([
  ['tlog-proof?run=' + runIdOf(3), 409, 'RECEIPT_NOT_READY'],
  ['proof?run=01nobody', 404, 'EVIDENCE_NOT_FOUND'],
  ['proof?run=../etc', 400, 'REQUEST_INVALID'],
  ['proof', 400, 'REQUEST_INVALID'],
  ['consistency?from=0&to=7', 404, 'EVIDENCE_NOT_FOUND'],
  ['consistency?from=-1&to=7', 400, 'REQUEST_INVALID'],
  ['consistency?from=1&to=1e3', 400, 'REQUEST_INVALID'],
  ['leaves?from=0&count=99999999999999999', 400, 'REQUEST_INVALID'],
  ['leaves?from=0', 400, 'REQUEST_INVALID'],
])('refuses %s', async (path, status, code) => {
  const response = await get(path);
  expect(response.status).toBe(status);
  expect(await response.json()).toMatchObject({ code });
});

it('lets nobody ask without end', async () => {
  const answers = await Promise.all(Array.from({ length: 260 }, () => get('checkpoint')));
  expect(answers.filter(({ status }) => status === 429).length).toBeGreaterThan(20);
});
