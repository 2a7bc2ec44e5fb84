import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { readSecretsConfig } from '../../../../app/server/secrets-config.ts';
import { isMaestroError } from '../../../../src/base/errors.ts';
import { refusalOf, shownOf } from '../../secrets/planted.ts';

type Variables = Readonly<Record<string, string | undefined>>;

const ALL: Variables = {
  MAESTRO_SECRETS: 'environment, sealed:secrets.yaml.age, vault:https://vault.example.com:8200/',
  MAESTRO_SECRETS_FROM_ENVIRONMENT: '{"acme/orders": ["NPM_TOKEN"]}',
  MAESTRO_SECRET_NPM_TOKEN: 'PLANTED',
  MAESTRO_SECRETS_IDENTITY: '/etc/maestro/identity',
  MAESTRO_VAULT_ROLE: 'maestro',
};

function read(variables: Variables) {
  const folders = { root: '/srv/maestro', keyFolder: '/var/lib/maestro' };
  return readSecretsConfig((name) => variables[name] || undefined, folders);
}

describe('the settings of secrets', () => {
  it('name no source where nothing is said', () => {
    expect(read({})).toEqual([]);
    expect(read({ MAESTRO_SECRETS: ' , ' })).toEqual([]);
  });

  it('name sources in their order, with what each needs', () => {
    expect(read(ALL)).toEqual([
      {
        type: 'environment',
        releases: new Map([['acme/orders', new Set(['NPM_TOKEN'])]]),
        values: { NPM_TOKEN: 'PLANTED' },
      },
      { type: 'sealed', path: '/srv/maestro/secrets.yaml.age', identityPath: '/etc/maestro/identity' },
      {
        type: 'vault',
        url: 'https://vault.example.com:8200',
        namespace: undefined,
        mount: 'jwt',
        role: 'maestro',
        path: ['secret', 'data', '{repository}'],
        identityKeyFile: '/var/lib/maestro/identity-key.pem',
      },
    ]);
    const own = { MAESTRO_VAULT_MOUNT: 'ci/jwt', MAESTRO_VAULT_NAMESPACE: 'team/ci/', MAESTRO_IDENTITY_KEY: 'key.pem' };
    expect(read({ ...ALL, ...own }).at(-1)).toMatchObject({
      mount: 'ci/jwt',
      namespace: 'team/ci/',
      identityKeyFile: '/srv/maestro/key.pem',
    });
  });

  it.each<[string, Variables]>([
    ['MAESTRO_SECRETS', { MAESTRO_SECRETS: 'PLANTED' }],
    ['MAESTRO_SECRETS', { MAESTRO_SECRETS: 'environment:PLANTED' }],
    ['MAESTRO_SECRETS', { MAESTRO_SECRETS: 'sealed' }],
    ['MAESTRO_SECRETS', { MAESTRO_SECRETS: 'sealed:' }],
    ['MAESTRO_SECRETS', { MAESTRO_SECRETS: 'sealed:a,sealed:b' }],
    ['MAESTRO_SECRETS', { MAESTRO_SECRETS: 'vault:http://vault.example.com' }],
    ['MAESTRO_SECRETS', { MAESTRO_SECRETS: 'vault:https://ada:PLANTED@vault.example.com' }],
    ['MAESTRO_SECRETS', { MAESTRO_SECRETS: 'vault:https://vault.example.com/v1?token=PLANTED' }],
    ['MAESTRO_SECRETS_FROM_ENVIRONMENT', { MAESTRO_SECRETS_FROM_ENVIRONMENT: undefined }],
    ['MAESTRO_SECRETS_FROM_ENVIRONMENT', { MAESTRO_SECRETS_FROM_ENVIRONMENT: '{"acme/orders": "PLANTED"}' }],
    ['MAESTRO_SECRET_NPM_TOKEN', { MAESTRO_SECRET_NPM_TOKEN: '' }],
    ['MAESTRO_SECRETS_IDENTITY', { MAESTRO_SECRETS_IDENTITY: undefined }],
    ['MAESTRO_VAULT_ROLE', { MAESTRO_VAULT_ROLE: undefined }],
    ['MAESTRO_VAULT_ROLE', { MAESTRO_VAULT_ROLE: 'PLANTED role' }],
    ['MAESTRO_VAULT_MOUNT', { MAESTRO_VAULT_MOUNT: '../sys/PLANTED' }],
    ['MAESTRO_VAULT_NAMESPACE', { MAESTRO_VAULT_NAMESPACE: 'a\r\nX-PLANTED: 1' }],
    ['MAESTRO_VAULT_PATH', { MAESTRO_VAULT_PATH: 'secret/data/PLANTED' }],
  ])('are refused where %s is wrong: %j', (name, change) => {
    const refusal = refusalOf(() => read({ ...ALL, ...change }));
    expect(isMaestroError(refusal, 'CONFIG_INVALID')).toBe(true);
    expect((refusal as Error).message).toContain(name);
    expect(shownOf(refusal)).not.toContain('PLANTED');
  });

  it('are all in the guide', () => {
    const code = readFileSync(new URL('../../../../app/server/secrets-config.ts', import.meta.url), 'utf8');
    const guide = readFileSync(new URL('../../../../docs/guides/secrets.md', import.meta.url), 'utf8');
    const names = new Set([...code.matchAll(/'(MAESTRO_[A-Z_]+)'/g)].map(([, name]) => name ?? ''));
    expect(names.size).toBeGreaterThan(8);
    expect([...names].filter((name) => !guide.includes(`\`${name}`))).toEqual([]);
  });
});
