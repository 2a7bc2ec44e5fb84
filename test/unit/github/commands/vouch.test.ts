import { afterEach, beforeEach, expect, it } from 'vitest';
import { CommandWorld } from './command-world.ts';
import { sharedWorld } from './shared-world.ts';

let w: CommandWorld;
const world = sharedWorld();
beforeEach(async () => {
  w = await CommandWorld.open(world());
});
afterEach(async () => w.close());

beforeEach(() => {
  w.github.pull.isFork = true;
});
const head = () => w.github.pull.head;
const createdAt = '2026-02-01T00:00:00Z';
const isGranted = () =>
  w.tools.grants.isGranted({ repositoryId: 500, pullNumber: 7, headSha: head(), baseRef: w.github.pull.base });

it('vouches for the head that was there before the comment, and starts it', async () => {
  expect(await w.say('/maestro ok-to-test')).toContain('Started');
  expect(await isGranted()).toBe(true);
  expect(w.starts).toMatchObject([
    { event: { headSha: head(), definitionsSha: 'b'.repeat(40) }, choice: { isTrusted: true } },
  ]);
});

it('does not cover a commit that is pushed afterwards', async () => {
  await w.say('/maestro ok-to-test');
  w.github.pull.head = 'd'.repeat(40);
  expect(await isGranted()).toBe(false);
  expect(await w.say('/maestro run')).toContain('Held');
});

it('does not cover another base branch, whose pipelines are others', async () => {
  await w.say('/maestro ok-to-test');
  w.github.pull.base = 'legacy';
  expect(await isGranted()).toBe(false);
  expect(await w.say('/maestro run')).toContain('Held');
});

it.each([
  ['after the comment', '2026-02-01T00:00:05Z'],
  ['in its second', '2026-02-01T00:00:00Z'],
  ['at an unknown time', null],
  ['at no time', 'soon'],
])('refuses without a SHA where the fork was pushed to %s', async (_, pushedAt) => {
  w.github.pull.pushedAt = pushedAt;
  const answer = await w.say('/maestro ok-to-test', { createdAt });
  expect(answer).toContain(`/maestro ok-to-test ${head()}`);
  expect(await isGranted()).toBe(false);
  expect(w.starts).toEqual([]);
  await w.say(`/maestro ok-to-test ${head()}`);
  expect(await isGranted()).toBe(true);
});

it('refuses a short SHA where the fork was pushed to later: another commit can begin alike', async () => {
  w.github.pull.pushedAt = '2026-02-01T00:00:05Z';
  await w.say(`/maestro ok-to-test ${head().slice(0, 12)}`, { createdAt });
  expect(await isGranted()).toBe(false);
});

it.each(['pull_request_review', 'pull_request_review_comment'])(
  'refuses in a %s of another commit than the newest',
  async (event) => {
    const change = {
      event,
      action: event.endsWith('comment') ? 'created' : 'submitted',
      reviewedSha: 'e'.repeat(40),
    };
    expect(await w.say('/maestro ok-to-test', change)).toContain('the review is of');
    expect(await isGranted()).toBe(false);
    await w.say('/maestro ok-to-test', { ...change, reviewedSha: head() });
    expect(await isGranted()).toBe(true);
  },
);

it.each([
  ['later', '2026-02-01T00:00:09Z', 0],
  ['in the same second', '2026-02-01T00:00:00Z', 0],
  ['later, behind hundreds of other events', '2026-02-01T00:00:09Z', 250],
])('refuses where the base branch was changed %s: its pipelines are others', async (_, created_at, noise) => {
  const renamed = (count: number, at: string) =>
    Array.from({ length: count }, () => ({ event: 'renamed', created_at: at }));
  const early = renamed(120, '2026-01-01T00:00:00Z');
  w.github.events = [...early, { event: 'base_ref_changed', created_at }, ...renamed(noise, created_at)];
  expect(await w.say(`/maestro ok-to-test ${head()}`, { createdAt })).toContain('the base branch was changed');
  expect(await isGranted()).toBe(false);
  expect(await w.say(`/maestro ok-to-test ${head()}`)).toContain('Started');
});

it('refuses where so much has happened since that the base branch cannot be shown to be the same', async () => {
  w.github.events = Array.from({ length: 1500 }, () => ({ event: 'renamed', created_at: '2026-02-01T00:00:09Z' }));
  expect(await w.say(`/maestro ok-to-test ${head()}`, { createdAt })).toContain('the base branch was changed');
});

it('refuses a commit that was swapped', async () => {
  expect(await w.say(`/maestro ok-to-test ${'e'.repeat(40)}`)).toContain('is not the newest commit');
  expect(await isGranted()).toBe(false);
});

it('does not pass the permission to the next commit when a crash came before it was given', async () => {
  const { grants } = w.tools;
  Object.assign(w.tools, { grants: { ...grants, grant: async () => Promise.reject(new Error('crash')) } });
  const deliver = w.comment('/maestro ok-to-test');
  await expect(deliver()).rejects.toThrow('crash');
  Object.assign(w.tools, { grants });
  w.github.pull.head = 'f'.repeat(40);
  await deliver();
  expect(await isGranted()).toBe(false);
  expect(w.starts).toEqual([]);
});
