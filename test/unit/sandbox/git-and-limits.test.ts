import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, describe, expect, it } from 'vitest';
import { eventsOf, openStage, type Stage } from './client.ts';

const run = promisify(execFile);
const IDENTITY = ['-c', 'user.name=ada', '-c', 'user.email=ada@example.com'];

describe('git in the sandbox', () => {
  let stage: Stage;
  let folder: string;
  afterEach(async () => {
    await stage.close();
    await rm(folder, { recursive: true, force: true });
  });

  const clone = async (token: string | null): Promise<string> => {
    folder = await mkdtemp(join(tmpdir(), 'sandbox-git-'));
    const place = new URL(`${stage.sandbox.url}/acme/app.git`);
    if (token !== null) Object.assign(place, { username: 'x-access-token', password: token });
    await run('git', ['clone', '--quiet', place.href, folder]);
    return folder;
  };
  const git = async (...words: string[]): Promise<string> =>
    (
      await run('git', ['-C', folder, ...IDENTITY, ...words], { env: { ...process.env, GIT_TERMINAL_PROMPT: '0' } })
    ).stdout.trim();

  it('takes real pushes, with the webhooks of a push by the API', async () => {
    stage = await openStage();
    await clone(stage.ada.token);
    await git('checkout', '--quiet', '-b', 'topic');
    await writeFile(join(folder, 'new.txt'), 'new\n');
    await git('add', '.');
    await git('commit', '--quiet', '-m', 'a new file');
    await git('tag', 'v1');
    await git('push', '--quiet', 'origin', 'topic', 'v1');
    await stage.sandbox.settled();
    expect(eventsOf(stage.received)).toEqual([
      'installation.created',
      'create',
      'push',
      'check_suite.requested',
      'create',
      'push',
    ]);
    const pushes = stage.received
      .filter(({ headers }) => headers['x-github-event'] === 'push')
      .map(({ body }) => JSON.parse(body) as object);
    const head = await git('rev-parse', 'HEAD');
    expect(pushes).toMatchObject([
      {
        ref: 'refs/heads/topic',
        after: head,
        created: true,
        head_commit: { added: ['new.txt'] },
        pusher: { name: 'ada' },
      },
      { ref: 'refs/tags/v1', after: head },
    ]);
    await git('push', '--quiet', 'origin', ':topic');
    await git('tag', 'a');
    for (const tag of ['b', 'c', 'd']) await git('tag', tag);
    await git('push', '--quiet', '--tags');
    await stage.sandbox.settled();
    expect(eventsOf(stage.received).slice(6)).toEqual(['push', 'delete']);
  });

  it('fetches one commit by its SHA, for a token that may read', async () => {
    stage = await openStage();
    const sha = await stage.sha();
    folder = await mkdtemp(join(tmpdir(), 'sandbox-git-'));
    await git('init', '--quiet');
    const token = await stage.token({ permissions: { contents: 'read' } });
    const place = `${stage.sandbox.url.replace('//', `//x-access-token:${token}@`)}/acme/app.git`;
    await git('fetch', '--quiet', '--depth=1', place, sha);
    expect(await git('rev-parse', 'FETCH_HEAD')).toBe(sha);
  });

  it('refuses pushes of strangers and of tokens that only read', async () => {
    stage = await openStage();
    await clone(null);
    for (const token of [stage.stranger.token, await stage.token({ permissions: { contents: 'read' } })]) {
      const place = `${stage.sandbox.url.replace('//', `//x-access-token:${token}@`)}/acme/app.git`;
      await expect(git('push', place, 'HEAD:refs/heads/mine')).rejects.toThrow(/403/);
    }
  });
});

describe('limits in the sandbox', () => {
  let stage: Stage;
  let nowMs = Date.now();
  afterEach(async () => await stage.close());
  const check = async (token: string): ReturnType<Stage['call']> =>
    await stage.call(token, 'POST', '/repos/acme/app/check-runs', { name: 'x', head_sha: await stage.sha() });

  it('are 80 writes in a minute, with the seconds to wait', async () => {
    stage = await openStage({ nowMs: () => nowMs });
    const token = await stage.token();
    const sha = await stage.sha();
    const statuses = [];
    for (let index = 0; index < 81; index += 1) {
      statuses.push(await stage.call(token, 'POST', `/repos/acme/app/statuses/${sha}`, { state: 'success' }));
    }
    expect(statuses.map(({ status }) => status)).toEqual([...Array.from({ length: 80 }, () => 201), 403]);
    expect(statuses[80]!.body.message).toContain('secondary rate limit');
    expect(statuses[80]!.headers.get('retry-after')).toBe('60');
    nowMs += 60_000;
    expect((await check(token)).status).toBe(201);
    nowMs = Date.now();
  });

  it('count every call, and say how many are left', async () => {
    stage = await openStage({ limits: { callsPerHour: 3 } });
    const token = await stage.token();
    const answers = [];
    for (let index = 0; index < 4; index += 1) answers.push(await stage.call(token, 'GET', '/repos/acme/app'));
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200, 403]);
    expect(answers.map(({ headers }) => headers.get('x-ratelimit-remaining'))).toEqual(['2', '1', '0', '0']);
  });
});

describe('releases in the sandbox', () => {
  it('keep a broken upload as a starter, refuse its name, and nothing changes once it is published', async () => {
    const stage = await openStage();
    try {
      const { token } = stage.ada;
      stage.sandbox.makeReleasesImmutable('acme', 'app');
      const { body } = await stage.call(token, 'POST', '/repos/acme/app/releases', { tag_name: 'v1', draft: true });
      const upload = (name: string): ReturnType<Stage['call']> =>
        stage.call(token, 'POST', body.upload_url.replace(/\{.*/, `?name=${name}`), 'bytes');
      stage.sandbox.breakUpload('a.txt');
      expect((await upload('a.txt')).status).toBe(502);
      expect((await upload('a.txt')).status).toBe(422);
      const assets = await stage.call(token, 'GET', `/repos/acme/app/releases/${body.id}/assets`);
      expect(assets.body).toMatchObject([{ name: 'a.txt', state: 'starter' }]);
      await stage.call(token, 'DELETE', `/repos/acme/app/releases/assets/${assets.body[0].id}`);
      expect((await upload('a.txt')).status).toBe(201);
      await stage.call(token, 'PATCH', `/repos/acme/app/releases/${body.id}`, { draft: false });
      expect((await upload('b.txt')).status).toBe(422);
      expect(stage.sandbox.snapshot()).toMatchObject({
        'acme/app': { releases: [{ tag: 'v1', assets: ['a.txt uploaded'] }] },
      });
      expect(stage.sandbox.violations()).toEqual([]);
    } finally {
      await stage.close();
    }
  });
});
