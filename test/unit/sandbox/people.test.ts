import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { closeClean, openStage, type Stage } from './client.ts';

describe('people in the sandbox', () => {
  let stage: Stage;
  beforeAll(async () => {
    stage = await openStage();
    await stage.sandbox.createRepository({
      owner: 'acme',
      name: 'vault',
      isPrivate: true,
      files: { a: 'a' },
      collaborators: { ada: 'write' },
    });
  });
  afterAll(async () => await closeClean(stage));

  const permissionOf = async (login: string): Promise<unknown> =>
    (await stage.call(await stage.token(), 'GET', `/repos/acme/app/collaborators/${login}/permission`)).body.role_name;

  it('keep their account and their roles when they are renamed', async () => {
    const { sandbox } = stage;
    const { id, token } = sandbox.createUser('cleo');
    sandbox.setRole('acme', 'app', 'cleo', 'write');
    sandbox.renameUser('cleo', 'kleo');
    expect((await stage.call(token, 'GET', '/user')).body).toMatchObject({ id, login: 'kleo' });
    expect((await stage.call(await stage.token(), 'GET', `/user/${id}`)).body.login).toBe('kleo');
    expect((await stage.call(await stage.token(), 'GET', '/users/cleo')).status).toBe(404);
    expect(await permissionOf('kleo')).toBe('write');
  });

  it('lose their role', async () => {
    stage.sandbox.createUser('dora');
    stage.sandbox.setRole('acme', 'app', 'dora', 'admin');
    expect(await permissionOf('dora')).toBe('admin');
    stage.sandbox.setRole('acme', 'app', 'dora', null);
    expect(await permissionOf('dora')).toBe('read');
  });

  it('are in a team, invited to it, or not', async () => {
    stage.sandbox.createUser('eve');
    const state = async (): Promise<unknown> => {
      const { status, body } = await stage.call(stage.ada.token, 'GET', '/orgs/acme/teams/releasers/memberships/eve');
      return status === 200 ? body.state : status;
    };
    expect(await state()).toBe(404);
    for (const member of ['pending', 'active'] as const) {
      stage.sandbox.setTeamMember('acme', 'releasers', 'eve', member);
      expect(await state()).toBe(member);
    }
    stage.sandbox.setTeamMember('acme', 'releasers', 'eve', null);
    expect(await state()).toBe(404);
  });

  it('show who they are, which no installation can', async () => {
    const { status, headers } = await stage.call(stage.ada.token, 'GET', '/user');
    expect(status).toBe(200);
    expect(headers.get('x-oauth-scopes')).toBe('repo, read:org');
    expect((await stage.call(await stage.token(), 'GET', '/user')).status).toBe(403);
    expect((await stage.call(await stage.jwt(), 'GET', '/user')).status).toBe(403);
  });

  it.each([
    ['ghp_', [], 404, ''],
    ['gho_', ['repo'], 200, 'repo'],
    ['github_pat_', [], 200, null],
    ['ghu_', [], 200, null],
  ] as const)('see a private repository with a token %s of the scopes %j: %i', async (kind, scopes, status, told) => {
    const token = stage.sandbox.issueUserToken('ada', kind, scopes);
    const answer = await stage.call(token, 'GET', '/repos/acme/vault');
    expect(answer.status).toBe(status);
    expect(answer.headers.get('x-oauth-scopes')).toBe(told);
  });
});
