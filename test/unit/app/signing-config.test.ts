import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { openSigner } from '../../../app/open-signer.ts';
import { publicKeysOf } from '../../../app/public-keys.ts';
import { readSigningConfig } from '../../../app/signing-config.ts';
import { refusalOf, shownOf } from '../secrets/planted.ts';

type Variables = Readonly<Record<string, string>>;

const read = (variables: Variables) =>
  readSigningConfig((name) => variables[name] || undefined, { root: '/srv/maestro', keyFolder: '/var/lib/maestro' });
const VAULT = { MAESTRO_SIGNING_KEY: 'kms://vault/transit/ci', MAESTRO_KMS_VAULT_URL: 'https://vault.example.com' };

describe('the settings of the signing key', () => {
  it('name a file where nothing is said', () => {
    expect(read({})).toEqual({
      key: { type: 'file', path: '/var/lib/maestro/signing-key.pem' },
      trustedKeysFile: '/var/lib/maestro/keys.json',
    });
  });

  it('name a file of their own, and a key of a service', () => {
    expect(read({ MAESTRO_SIGNING_KEY: 'k.pem', MAESTRO_TRUSTED_KEYS: 'keys.json' })).toEqual({
      key: { type: 'file', path: '/srv/maestro/k.pem' },
      trustedKeysFile: '/srv/maestro/keys.json',
    });
    expect(read({ MAESTRO_SIGNING_KEY: 'kms://aws/k?region=eu-west-1' }).key).toMatchObject({
      type: 'kms',
      key: { type: 'aws', region: 'eu-west-1' },
    });
  });

  it.each<[Variables, object]>([
    [{ MAESTRO_KMS_VAULT_TOKEN_FILE: 'token' }, { method: 'token', tokenFile: '/srv/maestro/token' }],
    [
      { MAESTRO_KMS_VAULT_ROLE_ID: 'r', MAESTRO_KMS_VAULT_SECRET_ID_FILE: '/run/secret-id' },
      { method: 'approle', mount: 'approle', roleId: 'r', secretIdFile: '/run/secret-id' },
    ],
    [
      { MAESTRO_KMS_VAULT_ROLE: 'ci', MAESTRO_KMS_VAULT_JWT_FILE: '/run/jwt', MAESTRO_KMS_VAULT_MOUNT: 'kubernetes' },
      { method: 'jwt', mount: 'kubernetes', role: 'ci', jwtFile: '/run/jwt' },
    ],
  ])('say how to log in to a vault: %j', (variables, login) => {
    const address = { url: 'https://vault.example.com', namespace: undefined };
    expect(read({ ...VAULT, ...variables }).key).toMatchObject({ type: 'vault', address, login });
  });

  it.each<[Variables, string]>([
    [{ MAESTRO_SIGNING_KEY: 'kms://oracle/k' }, 'MAESTRO_SIGNING_KEY'],
    [{ MAESTRO_SIGNING_KEY: 'awskms:///alias/receipts' }, 'MAESTRO_SIGNING_KEY'],
    [{ MAESTRO_SIGNING_KEY: 'https://vault.example.com/transit' }, 'MAESTRO_SIGNING_KEY'],
    [{ MAESTRO_SIGNING_KEY: 'file:///etc/key.pem' }, 'MAESTRO_SIGNING_KEY'],
    [{ MAESTRO_SIGNING_KEY: 'kms://vault/transit/ci' }, 'MAESTRO_KMS_VAULT_URL'],
    [VAULT, 'MAESTRO_KMS_VAULT_TOKEN_FILE'],
    [{ ...VAULT, MAESTRO_KMS_VAULT_ROLE: 'ci' }, 'MAESTRO_KMS_VAULT_JWT_FILE'],
    [{ ...VAULT, MAESTRO_KMS_VAULT_ROLE_ID: 'ci' }, 'MAESTRO_KMS_VAULT_SECRET_ID_FILE'],
    [{ ...VAULT, MAESTRO_KMS_VAULT_ROLE: 'ci', MAESTRO_KMS_VAULT_TOKEN_FILE: 't' }, 'exactly one'],
    [{ ...VAULT, MAESTRO_KMS_VAULT_URL: 'http://vault.example.com' }, 'MAESTRO_KMS_VAULT_URL'],
    [{ ...VAULT, MAESTRO_KMS_VAULT_ROLE: 'ci', MAESTRO_KMS_VAULT_MOUNT: '../sys' }, 'MAESTRO_KMS_VAULT_MOUNT'],
    [{ ...VAULT, MAESTRO_KMS_VAULT_NAMESPACE: 'a b', MAESTRO_KMS_VAULT_ROLE: 'ci' }, 'MAESTRO_KMS_VAULT_NAMESPACE'],
  ])('are refused by name: %j', (variables, named) => {
    const error = refusalOf(() => read(variables));
    expect(error).toMatchObject({ code: 'CONFIG_INVALID' });
    expect(shownOf(error)).toContain(named);
  });

  it('open the signer, whose public key a server publishes', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'maestro-signing-'));
    const config = readSigningConfig(() => undefined, { root: folder, keyFolder: folder });
    const signer = await openSigner(config);
    expect(await publicKeysOf(config, signer)).toEqual({
      schema: 'maestro.trusted-keys/v1',
      keys: [{ publicKeyPem: signer.publicKeyPem }],
    });
    await signer.close();
    await rm(folder, { recursive: true });
  });
});
