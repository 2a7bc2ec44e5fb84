import { generateKeyPairSync } from 'node:crypto';
import { SignJWT } from 'jose';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { neededPermissions } from '../../../sandbox/permissions.ts';
import { openStage, type Stage } from './client.ts';

describe('who may do what in the sandbox', () => {
  let stage: Stage;
  let nowMs = Date.now();
  beforeAll(async () => {
    stage = await openStage({ nowMs: () => nowMs });
    await stage.sandbox.createRepository({ owner: 'acme', name: 'other', isPrivate: true, files: { a: 'a' } });
  });
  afterAll(async () => await stage.close());

  it('knows an app by a JWT that its own key signed, and refuses another key and a long life', async () => {
    expect((await stage.call(await stage.jwt(), 'GET', '/app')).body).toMatchObject({
      id: stage.appId,
      slug: 'maestro',
    });
    const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
    const forged = await new SignJWT({})
      .setProtectedHeader({ alg: 'RS256' })
      .setIssuer(String(stage.appId))
      .setIssuedAt()
      .setExpirationTime('5m')
      .sign(privateKey);
    expect((await stage.call(forged, 'GET', '/app')).status).toBe(401);
    expect((await stage.call(await stage.jwt({ expiresIn: '30m' }), 'GET', '/app')).status).toBe(401);
    expect((await stage.call(null, 'GET', '/app')).status).toBe(401);
  });

  it('keeps a token to the permissions and repositories that it was narrowed to', async () => {
    const sha = await stage.sha();
    const reader = await stage.token({ permissions: { checks: 'read' }, repositories: ['app'] });
    expect((await stage.call(reader, 'GET', `/repos/acme/app/commits/${sha}/check-runs`)).status).toBe(200);
    const write = await stage.call(reader, 'POST', '/repos/acme/app/check-runs', { name: 'x', head_sha: sha });
    expect(write.status).toBe(403);
    expect(write.headers.get('x-accepted-github-permissions')).toBe('checks=write');
    expect((await stage.call(reader, 'GET', '/repos/acme/other')).status).toBe(404);
  });

  it('grants no token more than its installation has', async () => {
    const path = `/app/installations/${stage.installationId}/access_tokens`;
    expect((await stage.call(await stage.jwt(), 'POST', path, { permissions: { contents: 'write' } })).status).toBe(
      422,
    );
    expect((await stage.call(await stage.jwt(), 'POST', path, { repositories: ['other'] })).status).toBe(422);
  });

  it('ends a token after an hour', async () => {
    const token = await stage.token();
    expect((await stage.call(token, 'GET', '/installation/repositories')).status).toBe(200);
    nowMs += 60 * 60_000;
    expect((await stage.call(token, 'GET', '/installation/repositories')).status).toBe(401);
    nowMs -= 60 * 60_000;
  });

  it('lets strangers talk and propose, not write', async () => {
    const { token } = stage.stranger;
    const put = { message: 'm', content: 'eA==', branch: 'main' };
    expect((await stage.call(token, 'PUT', '/repos/acme/app/contents/x', put)).status).toBe(403);
    expect((await stage.call(token, 'GET', '/repos/acme/other')).status).toBe(404);
    expect((await stage.call(null, 'POST', '/repos/acme/app/forks', {})).status).toBe(401);
    expect((await stage.call(token, 'POST', '/repos/acme/app/forks', {})).status).toBe(202);
  });

  it.each(['contents', 'contents/'])('lists the root of a repository at %s', async (path) => {
    const { body } = await stage.call(stage.ada.token, 'GET', `/repos/acme/app/${path}`);
    expect(body.map(({ name }: { name: string }) => name)).toEqual(['.github', 'README.md']);
  });

  it('tells the exact role of a person, as `permission` does not', async () => {
    const answer = await stage.call(await stage.token(), 'GET', '/repos/acme/app/collaborators/ada/permission');
    expect(answer.body).toMatchObject({ permission: 'write', role_name: 'maintain' });
  });

  it.each([
    ['POST', '/repos/{owner}/{repo}/check-runs', [{ permission: 'checks', access: 'write' }]],
    [
      'POST',
      '/repos/{owner}/{repo}/actions/workflows/{workflow_id}/dispatches',
      [{ permission: 'actions', access: 'write' }],
    ],
    ['GET', '/repos/{owner}/{repo}/compare/{basehead}', [{ permission: 'contents', access: 'read' }]],
    ['PUT', '/repos/{owner}/{repo}/contents/{path}', [{ permission: 'contents', access: 'write' }]],
    ['POST', '/repos/{owner}/{repo}/actions/runs/{run_id}/cancel', [{ permission: 'actions', access: 'write' }]],
    // GitHub asks for the permission of the target, and a comment's target is a pull request here.
    [
      'POST',
      '/repos/{owner}/{repo}/issues/comments/{comment_id}/reactions',
      [{ permission: 'pull_requests', access: 'write' }],
    ],
    ['GET', '/repos/{owner}/{repo}/branches/{branch}/protection', [{ permission: 'administration', access: 'read' }]],
    ['GET', '/user', null],
  ])('knows what GitHub asks for %s %s', (method, path, needed) => {
    expect(neededPermissions({ method, path })).toEqual(needed);
  });
});
