import { afterEach, describe, expect, it } from 'vitest';
import { closeClean, openStage, type Stage } from './client.ts';

const PULL = '/repos/acme/app/pulls/1';
const EVENTS = '/repos/acme/app/issues/1/events';

describe('the events of a pull request in the sandbox', () => {
  let stage: Stage;
  /** A whole second: the part after it is what GitHub cuts off. */
  const startMs = Math.floor(Date.now() / 1000) * 1000;
  let nowMs = startMs;
  afterEach(async () => await closeClean(stage));

  /** A pull request of mallory's fork, and the branch `release` beside main. */
  async function openPull(): Promise<void> {
    stage = await openStage({ nowMs: () => nowMs });
    await stage.call(stage.ada.token, 'POST', '/repos/acme/app/git/refs', {
      ref: 'refs/heads/release',
      sha: await stage.sha(),
    });
    await stage.call(stage.stranger.token, 'POST', '/repos/acme/app/forks', {});
    const put = { message: 'mine', content: 'eA==' };
    await stage.call(stage.stranger.token, 'PUT', '/repos/mallory/app/contents/x.txt', put);
    const pull = { title: 'Mine', head: 'mallory:main', base: 'main' };
    expect((await stage.call(stage.stranger.token, 'POST', '/repos/acme/app/pulls', pull)).status).toBe(201);
  }

  it('name who moved it to another base, and when, to the second', async () => {
    await openPull();
    nowMs = startMs + 1500;
    const changed = await stage.call(stage.stranger.token, 'PATCH', PULL, { base: 'release' });
    expect(changed.body).toMatchObject({ base: { ref: 'release', sha: await stage.sha('heads/release') } });
    const { body } = await stage.call(await stage.token(), 'GET', EVENTS);
    expect(body).toEqual([
      expect.objectContaining({
        event: 'base_ref_changed',
        actor: expect.objectContaining({ login: 'mallory' }),
        created_at: new Date(startMs + 1000).toISOString().replace('.000Z', 'Z'),
        commit_id: null,
        performed_via_github_app: null,
      }),
    ]);
    expect(body[0]).not.toHaveProperty('label');
    await stage.sandbox.settled();
    const edited = stage.sandbox.deliveries().findLast(({ action }) => action === 'edited');
    expect(edited?.payload).toMatchObject({
      changes: { base: { ref: { from: 'main' }, sha: { from: await stage.sha() } } },
      pull_request: { base: { ref: 'release' } },
    });
  });

  it('are there for labels, another title, closing and merging, oldest first', async () => {
    await openPull();
    await stage.call(stage.ada.token, 'POST', '/repos/acme/app/issues/1/labels', { labels: ['good'] });
    await stage.call(stage.ada.token, 'DELETE', '/repos/acme/app/issues/1/labels/good');
    for (const change of [{ title: 'Other' }, { title: 'Other' }, { state: 'closed' }, { state: 'open' }])
      await stage.call(stage.stranger.token, 'PATCH', PULL, change);
    const { body: merge } = await stage.call(stage.ada.token, 'PUT', `${PULL}/merge`, {});
    const { body } = await stage.call(stage.ada.token, 'GET', EVENTS);
    expect(body.map((event: { event: string }) => event.event)).toEqual([
      'labeled',
      'unlabeled',
      'renamed',
      'closed',
      'reopened',
      'merged',
      'closed',
    ]);
    expect(body[0]).toMatchObject({ label: { name: 'good' }, actor: { login: 'ada' } });
    expect(body[2]).toMatchObject({ rename: { from: 'Mine', to: 'Other' } });
    expect(body[5]).toMatchObject({ commit_id: merge.sha });
  });

  it('come in pages whose links name the next and the last', async () => {
    await openPull();
    for (const base of ['release', 'main', 'release', 'main', 'release'])
      await stage.call(stage.stranger.token, 'PATCH', PULL, { base });
    const first = await stage.call(await stage.token(), 'GET', `${EVENTS}?per_page=2`);
    expect(first.body).toHaveLength(2);
    const links = Object.fromEntries(
      [...(first.headers.get('link') ?? '').matchAll(/<([^>]+)>; rel="(\w+)"/g)].map(([, url, rel]) => [rel, url]),
    );
    expect(Object.keys(links).toSorted()).toEqual(['last', 'next']);
    expect((await stage.call(await stage.token(), 'GET', links['next'])).body).toHaveLength(2);
    const last = await stage.call(await stage.token(), 'GET', links['last']);
    expect(last.body).toHaveLength(1);
    expect(last.headers.get('link')).not.toContain('rel="next"');
  });

  it.each([
    ['a branch that is not there', { base: 'nowhere' }, 422],
    ['a branch that the same head has a pull request for', { base: 'release' }, 422],
  ])('do not come of a change to %s', async (_, change, status) => {
    await openPull();
    const other = { title: 'Again', head: 'mallory:main', base: 'release' };
    await stage.call(stage.stranger.token, 'POST', '/repos/acme/app/pulls', other);
    expect((await stage.call(stage.stranger.token, 'PATCH', PULL, change)).status).toBe(status);
    expect((await stage.call(stage.ada.token, 'GET', EVENTS)).body).toEqual([]);
  });

  it('do not come of a change by somebody who neither wrote it nor may push', async () => {
    await openPull();
    const eve = stage.sandbox.createUser('eve');
    expect((await stage.call(eve.token, 'PATCH', PULL, { base: 'release' })).status).toBe(403);
    expect((await stage.call(stage.ada.token, 'GET', EVENTS)).body).toEqual([]);
  });
});
