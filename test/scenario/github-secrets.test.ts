import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { SYSTEM_CLOCK } from '../../src/base/clock.ts';
import { newAgeIdentity, sealSecrets } from '../../src/secrets/sealed/age.ts';
import { FakeVault } from '../fakes/vault.ts';
import { freePort, type GitHubWorld, openGitHubWorld } from './github-world.ts';

const VALUES = { OF_SERVER: 'planted-of-the-server', OF_FILE: 'planted-of-the-file', OF_VAULT: 'planted-of-the-vault' };
/** Only where all three arrived do the lengths come out; what is printed is masked. */
const GOOD = `name: good
kind: ci
purpose: build
on: { pull_request: {} }
defaults: { runner: ubuntu-latest, timeout: 2m, retry: 0 }
steps:
  - id: publish
    secrets: [OF_SERVER, OF_FILE, OF_VAULT]
    run: |
      test "\${#OF_SERVER} \${#OF_FILE} \${#OF_VAULT}" = "21 19 20"
      echo "printed $OF_SERVER $OF_FILE $OF_VAULT"
`;
const BAD = GOOD.replace('name: good', 'name: bad').replace('OF_VAULT]', 'OF_VAULT, BILLING]');

describe('secrets of a server', () => {
  let folder = '';
  let vault: FakeVault;
  let world: GitHubWorld;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'maestro-secrets-'));
    const url = `http://127.0.0.1:${await freePort()}`;
    vault = await new FakeVault(url, SYSTEM_CLOCK).open();
    vault.secrets.set('acme/app', { OF_VAULT: VALUES.OF_VAULT });
    vault.secrets.set('acme/billing', { BILLING: 'planted-of-billing' });
    const { identity, recipient } = await newAgeIdentity();
    await writeFile(join(folder, 'identity'), identity, { mode: 0o600 });
    await writeFile(join(folder, 'sealed'), await sealSecrets(`acme/*: { OF_FILE: ${VALUES.OF_FILE} }`, [recipient]));
    world = await openGitHubWorld({
      url,
      files: { '.maestro/good.yaml': GOOD, '.maestro/bad.yaml': BAD },
      env: {
        MAESTRO_SECRETS: `environment,sealed:${join(folder, 'sealed')},vault:${vault.url}`,
        MAESTRO_SECRETS_FROM_ENVIRONMENT: '{"acme/app": ["OF_SERVER"]}',
        MAESTRO_SECRET_OF_SERVER: VALUES.OF_SERVER,
        MAESTRO_SECRETS_IDENTITY: join(folder, 'identity'),
        MAESTRO_VAULT_ROLE: 'maestro',
        MAESTRO_IDENTITY_KEY: join(folder, 'identity-key.pem'),
      },
    });
  });
  afterAll(async () => {
    await world.close();
    await vault.close();
    await rm(folder, { recursive: true });
  });

  it('reach a step from all three places, and nobody can read them afterwards', async () => {
    const { sha } = await world.propose('publish', { 'README.md': 'Published.\n' });
    const good = await world.check(sha, 'maestro / good', 'success');
    const bad = await world.check(sha, 'maestro / bad', 'failure');
    await world.sandbox.settled();
    expect(bad.summary).toContain('a value for BILLING');
    expect(vault.claims[0]).toMatchObject({ repository: 'acme/app', ref: 'refs/pull/1/head', aud: vault.url });
    const logs = world.sandbox
      .jobs()
      .flatMap(({ log }) => log)
      .join('\n');
    expect(logs).toContain('printed *** *** ***');
    const shown = [logs, good.summary, bad.summary, await readFile(join(world.folder, 'server.log'), 'utf8')].join(
      '\n',
    );
    expect(shown).not.toContain('planted-of');
  });

  it('leave no token of the vault behind when the server goes', async () => {
    expect(vault.openTokens).toBeGreaterThan(0);
    expect(await world.server.stop()).toBe(0);
    expect(vault.openTokens).toBe(0);
    await world.server.restart();
  });
});
