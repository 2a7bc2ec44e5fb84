import { afterEach, describe, expect, it } from 'vitest';
import { closeClean, newEvents, openStage, openTopic, type Stage } from './client.ts';

describe('an installation in the sandbox', () => {
  let stage: Stage;
  afterEach(async () => await closeClean(stage));

  async function open(): Promise<string> {
    stage = await openStage();
    await stage.sandbox.createRepository({ owner: 'acme', name: 'other', isPrivate: true, files: { a: 'a' } });
    stage.sandbox.addRepository(stage.installationId, 'other');
    expect(await newEvents(stage)).toEqual(['installation.created', 'installation_repositories.added']);
    return await stage.token();
  }
  const comment = async (): Promise<number> =>
    (await stage.call(stage.ada.token, 'POST', '/repos/acme/app/issues/1/comments', { body: 'hello' })).status;
  const status = async (token: string, path: string): Promise<number> => (await stage.call(token, 'GET', path)).status;

  it('that is taken away tells the app, ends its tokens, and is heard of no more', async () => {
    const token = await open();
    await openTopic(stage);
    await newEvents(stage);
    stage.sandbox.uninstall(stage.installationId);
    expect(await newEvents(stage)).toEqual(['installation.deleted']);
    expect(stage.sandbox.deliveries().at(-1)?.payload).toMatchObject({
      installation: { id: stage.installationId, account: { login: 'acme' } },
      repositories: [{ full_name: 'acme/app' }, { full_name: 'acme/other' }],
    });
    expect(await status(token, '/repos/acme/app')).toBe(401);
    const path = `/app/installations/${stage.installationId}`;
    const asked = [
      await status(await stage.jwt(), path),
      await status(await stage.jwt(), '/repos/acme/app/installation'),
      (await stage.call(await stage.jwt(), 'POST', `${path}/access_tokens`)).status,
    ];
    expect(asked).toEqual([404, 404, 404]);
    expect(await comment()).toBe(201);
    expect(await newEvents(stage)).toEqual([]);
  });

  it('that is suspended has no rights and hears nothing until that ends', async () => {
    const token = await open();
    await openTopic(stage);
    await newEvents(stage);
    stage.sandbox.suspend(stage.installationId);
    const path = `/app/installations/${stage.installationId}`;
    const { body } = await stage.call(await stage.jwt(), 'GET', path);
    expect(Date.parse(body.suspended_at)).toBeGreaterThan(0);
    const refused = await stage.call(token, 'GET', '/repos/acme/app');
    expect([refused.status, refused.body.message]).toEqual([403, 'This installation has been suspended']);
    expect((await stage.call(await stage.jwt(), 'POST', `${path}/access_tokens`)).status).toBe(403);
    await comment();
    expect(await newEvents(stage)).toEqual(['installation.suspend']);
    stage.sandbox.unsuspend(stage.installationId);
    expect(await status(token, '/repos/acme/app')).toBe(200);
    await comment();
    expect(await newEvents(stage)).toEqual(['installation.unsuspend', 'issue_comment.created']);
  });

  it('that loses a repository loses what its tokens reached there', async () => {
    const token = await open();
    stage.sandbox.removeRepository(stage.installationId, 'other');
    expect(await newEvents(stage)).toEqual(['installation_repositories.removed']);
    expect(stage.sandbox.deliveries().at(-1)?.payload).toMatchObject({
      repositories_added: [],
      repositories_removed: [{ full_name: 'acme/other', private: true }],
    });
    expect([await status(token, '/repos/acme/other'), await status(token, '/repos/acme/app')]).toEqual([404, 200]);
    const { body } = await stage.call(token, 'GET', '/installation/repositories');
    expect(body.repositories).toMatchObject([{ full_name: 'acme/app' }]);
    const put = { message: 'x', content: 'eA==' };
    const admin = stage.sandbox.createUser('root');
    await stage.call(admin.token, 'PUT', '/repos/acme/other/contents/x', put);
    expect(await newEvents(stage)).toEqual([]);
  });
});
