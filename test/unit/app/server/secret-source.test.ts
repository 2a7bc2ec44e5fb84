import { mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openServerSecrets } from '../../../../app/server/secret-source.ts';
import { readSecretsConfig } from '../../../../app/server/secrets-config.ts';
import { SYSTEM_CLOCK } from '../../../../src/base/clock.ts';
import { newAgeIdentity, sealSecrets } from '../../../../src/secrets/sealed/age.ts';
import { requestFor } from '../../../contract/secrets/requests.ts';
import { IdentityServer } from '../../../fakes/identity-server.ts';
import { FakeVault } from '../../../fakes/vault.ts';
import { shownOf } from '../../secrets/planted.ts';

describe('the secrets of a server', () => {
  let folder = '';
  const told: unknown[] = [];
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'maestro-server-secrets-'));
    const { identity, recipient } = await newAgeIdentity();
    await writeFile(join(folder, 'identity'), identity, { mode: 0o600 });
    await writeFile(
      join(folder, 'secrets.age'),
      await sealSecrets('acme/orders: { A: sealed, B: sealed }', [recipient]),
    );
  });
  afterEach(() => rm(folder, { recursive: true }));

  const open = (variables: Readonly<Record<string, string>>, publicUrl = 'https://maestro.example.com') => {
    const config = readSecretsConfig((name) => variables[name], { root: folder, keyFolder: join(folder, 'keys') });
    let ids = 0;
    const newId = (): string => `id-${++ids}`;
    return openServerSecrets(config, { publicUrl, clock: SYSTEM_CLOCK, newId, onTrouble: (error) => told.push(error) });
  };
  const ENVIRONMENT = { MAESTRO_SECRETS_FROM_ENVIRONMENT: '{"acme/*": ["A"]}', MAESTRO_SECRET_A: 'environment' };
  const SEALED = { MAESTRO_SECRETS_IDENTITY: 'identity' };

  it('come from the first source of the list that has them', async () => {
    const first = await open({ ...ENVIRONMENT, ...SEALED, MAESTRO_SECRETS: 'environment,sealed:secrets.age' });
    expect(await first.source.read(requestFor(['A', 'B']))).toEqual({ A: 'environment', B: 'sealed' });
    const second = await open({ ...ENVIRONMENT, ...SEALED, MAESTRO_SECRETS: 'sealed:secrets.age,environment' });
    expect(await second.source.read(requestFor(['A', 'B']))).toEqual({ A: 'sealed', B: 'sealed' });
    expect(second.identity).toBeUndefined();
    await Promise.all([first.close(), second.close()]);
  });

  it('come from nowhere where no source is set up, and it says how to change that', async () => {
    const secrets = await open({});
    const refusal = { code: 'SECRET_NOT_FOUND', message: expect.stringContaining('MAESTRO_SECRETS') };
    await expect(secrets.source.read(requestFor(['A']))).rejects.toMatchObject(refusal);
    await secrets.close();
  });

  it('come from a vault that verifies them with the key that was made at the first start, and is the same at the next', async () => {
    const server = await new IdentityServer().open(SYSTEM_CLOCK);
    const vault = await new FakeVault(server.url, SYSTEM_CLOCK).open();
    const variables = { MAESTRO_SECRETS: `vault:${vault.url}`, MAESTRO_VAULT_ROLE: 'maestro' };
    const first = await open(variables, server.url);
    expect((await stat(join(folder, 'keys/identity-key.pem'))).mode & 0o777).toBe(0o600);
    const second = await open(variables, server.url);
    expect(second.identity).toEqual(first.identity);
    expect(first.identity?.configuration).toMatchObject({ issuer: server.url });
    // The fake asks the issuer's own server, which has another key: it believes nobody else.
    await expect(first.source.read(requestFor(['A']))).rejects.toMatchObject({ code: 'SECRET_NOT_FOUND' });
    expect(shownOf(...told)).toContain('error validating token');
    await Promise.all([first.close(), second.close(), vault.close(), server.close()]);
  });

  it('keep a server from starting where a source does not open', async () => {
    await writeFile(join(folder, 'identity'), (await newAgeIdentity()).identity);
    await expect(open({ ...SEALED, MAESTRO_SECRETS: 'sealed:secrets.age' })).rejects.toMatchObject({
      code: 'CONFIG_INVALID',
      message: expect.stringContaining('MAESTRO_SECRETS'),
    });
  });
});
