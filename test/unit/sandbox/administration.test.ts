import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { afterEach, describe, expect, it } from 'vitest';
import { branchOff, closeClean, newEvents, openStage, type Stage } from './client.ts';

const run = promisify(execFile);

describe('a repository in the sandbox', () => {
  let stage: Stage;
  let owner: { readonly login: string; readonly token: string };
  let token = '';
  afterEach(async () => await closeClean(stage));

  /** `olga/tool`, on which the app is installed, too. */
  async function open(): Promise<void> {
    stage = await openStage();
    owner = stage.sandbox.createUser('olga');
    await stage.sandbox.createRepository({ owner: 'olga', name: 'tool', files: { 'README.md': '# Tool\n' } });
    const id = stage.sandbox.install(stage.appId, 'olga', ['tool']);
    token = (await stage.call(await stage.jwt(), 'POST', `/app/installations/${id}/access_tokens`)).body.token;
    await newEvents(stage);
  }
  const update = async (body: object, who = owner.token): ReturnType<Stage['call']> =>
    await stage.call(who, 'PATCH', '/repos/olga/tool', body);
  const lastPayload = (): unknown => stage.sandbox.deliveries().at(-1)?.payload;

  it('that is renamed is found under both names, by the API and by git, until somebody takes the old one', async () => {
    await open();
    const { body: before } = await stage.call(token, 'GET', '/repos/olga/tool');
    expect((await update({ name: 'toolbox' })).body).toMatchObject({ full_name: 'olga/toolbox', id: before.id });
    expect(await newEvents(stage)).toEqual(['repository.renamed']);
    expect(lastPayload()).toMatchObject({
      changes: { repository: { name: { from: 'tool' } } },
      repository: { full_name: 'olga/toolbox' },
    });
    const moved = await fetch(`${stage.sandbox.apiUrl}/repos/olga/tool/branches?per_page=1`, { redirect: 'manual' });
    expect(moved.status).toBe(301);
    expect(moved.headers.get('location')).toBe(`${stage.sandbox.apiUrl}/repos/olga/toolbox/branches?per_page=1`);
    expect((await stage.call(token, 'GET', '/repos/olga/tool')).body).toMatchObject({ id: before.id });
    const sha = (await stage.call(token, 'GET', '/repos/olga/tool/branches')).body[0].commit.sha;
    const check = { name: 'x', head_sha: sha, conclusion: 'success' };
    expect((await stage.call(token, 'POST', '/repos/olga/tool/check-runs', check)).status).toBe(201);
    for (const name of ['tool', 'toolbox']) {
      const { stdout } = await run('git', ['ls-remote', `${stage.sandbox.url}/olga/${name}.git`, 'refs/heads/main']);
      expect(stdout).toContain(sha);
    }
    await stage.sandbox.createRepository({ owner: 'olga', name: 'tool', files: { 'b.txt': 'b' } });
    const { body: taken } = await stage.call(owner.token, 'GET', '/repos/olga/tool');
    expect(taken.id).not.toBe(before.id);
    expect((await stage.call(owner.token, 'GET', '/repos/olga/tool/contents/b.txt')).status).toBe(200);
  });

  it('that is archived is read as before and changed by nobody', async () => {
    await open();
    const { body: ref } = await stage.call(token, 'GET', '/repos/olga/tool/git/ref/heads/main');
    expect((await update({ archived: true })).body).toMatchObject({ archived: true });
    const check = { name: 'x', head_sha: ref.object.sha, conclusion: 'success' };
    const refused = await stage.call(token, 'POST', '/repos/olga/tool/check-runs', check);
    expect([refused.status, refused.body.message]).toEqual([403, 'Repository was archived so is read-only.']);
    expect((await stage.call(token, 'GET', '/repos/olga/tool/contents/README.md')).status).toBe(200);
    expect((await update({ archived: false })).body).toMatchObject({ archived: false });
    expect(await newEvents(stage)).toEqual(['repository.archived', 'repository.unarchived']);
    expect((await stage.call(token, 'POST', '/repos/olga/tool/check-runs', check)).status).toBe(201);
  });

  it('gets another default branch, and is hidden and shown', async () => {
    await open();
    expect((await update({ default_branch: 'nowhere' })).status).toBe(422);
    const { body: ref } = await stage.call(token, 'GET', '/repos/olga/tool/git/ref/heads/main');
    const branch = { ref: 'refs/heads/trunk', sha: ref.object.sha };
    await stage.call(owner.token, 'POST', '/repos/olga/tool/git/refs', branch);
    await newEvents(stage);
    expect((await update({ default_branch: 'trunk' })).body).toMatchObject({ default_branch: 'trunk' });
    expect(await newEvents(stage)).toEqual(['repository.edited']);
    expect(lastPayload()).toMatchObject({ changes: { default_branch: { from: 'main' } } });
    await update({ private: true });
    expect((await stage.call(stage.stranger.token, 'GET', '/repos/olga/tool')).status).toBe(404);
    await update({ visibility: 'public' });
    expect((await stage.call(stage.stranger.token, 'GET', '/repos/olga/tool')).status).toBe(200);
    expect(await newEvents(stage)).toEqual(['repository.privatized', 'repository.publicized']);
  });

  it('that is deleted is gone, for the app as well', async () => {
    await open();
    expect((await stage.call(stage.ada.token, 'DELETE', '/repos/olga/tool')).status).toBe(403);
    expect((await stage.call(owner.token, 'DELETE', '/repos/olga/tool')).status).toBe(204);
    expect(await newEvents(stage)).toEqual(['repository.deleted']);
    expect((await stage.call(owner.token, 'GET', '/repos/olga/tool')).status).toBe(404);
    expect((await stage.call(token, 'GET', '/installation/repositories')).body).toMatchObject({ total_count: 0 });
  });

  it('that is transferred goes to the installation of its new owner', async () => {
    await open();
    const transfer = { new_owner: 'acme', new_name: 'utensil' };
    const { status, body } = await stage.call(owner.token, 'POST', '/repos/olga/tool/transfer', transfer);
    expect([status, body.full_name]).toEqual([202, 'acme/utensil']);
    expect(await newEvents(stage)).toEqual([
      'installation_repositories.removed',
      'installation_repositories.added',
      'repository.transferred',
    ]);
    expect(lastPayload()).toMatchObject({
      changes: { owner: { from: { user: { login: 'olga' } } } },
      repository: { full_name: 'acme/utensil' },
      installation: { id: stage.installationId },
    });
    expect((await stage.call(token, 'GET', '/installation/repositories')).body).toMatchObject({ total_count: 0 });
    expect((await stage.call(await stage.token(), 'GET', '/repos/olga/tool')).body.full_name).toBe('acme/utensil');
  });

  it.each([
    ['a taken name', { name: 'other' }, 422],
    ['a name with a slash', { name: 'a/b' }, 422],
  ])('does not get %s', async (_, body, status) => {
    await open();
    await stage.sandbox.createRepository({ owner: 'olga', name: 'other', files: { a: 'a' } });
    expect((await update(body)).status).toBe(status);
    expect(await newEvents(stage)).toEqual([]);
  });

  it('is administered by those who own it, and not by those who write to it', async () => {
    await open();
    await branchOff(stage, 'topic');
    await newEvents(stage);
    for (const [method, path, body] of [
      ['PATCH', '/repos/acme/app', { archived: true }],
      ['DELETE', '/repos/acme/app', undefined],
      ['POST', '/repos/acme/app/transfer', { new_owner: 'ada' }],
    ] as const)
      expect((await stage.call(stage.ada.token, method, path, body)).status).toBe(403);
    expect(await newEvents(stage)).toEqual([]);
  });
});
