import { generateKeyPairSync } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { readServerConfig } from '../../../../app/server/config.ts';
import { isMaestroError } from '../../../../src/base/errors.ts';

const PRIVATE_KEY = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey.export({
  type: 'pkcs1',
  format: 'pem',
}) as string;
const GOOD = {
  APP_ID: '1234',
  PRIVATE_KEY,
  WEBHOOK_SECRET: '0f3c'.repeat(8),
  MAESTRO_URL: 'https://maestro.example.com',
};

function refusalOf(change: Record<string, string | undefined>): string {
  try {
    readServerConfig({ ...GOOD, ...change }, '/srv/maestro');
  } catch (error) {
    if (isMaestroError(error, 'CONFIG_INVALID')) return error.message;
    throw error;
  }
  return 'accepted';
}

describe('the configuration of a server', () => {
  it('speaks to github.com where nothing else is said', () => {
    expect(readServerConfig(GOOD, '/srv/maestro')).toMatchObject({
      githubUrl: 'https://github.com',
      githubApiUrl: 'https://api.github.com',
      oidcIssuer: 'https://token.actions.githubusercontent.com',
      publicUrl: 'https://maestro.example.com',
      jobsPerClassMax: 1,
      jobsPerInstallationMax: 100,
    });
  });

  it('speaks to a GitHub Enterprise Server by its address', () => {
    expect(readServerConfig({ ...GOOD, GITHUB_URL: 'https://ghe.example.com/' }, '/srv/maestro')).toMatchObject({
      githubApiUrl: 'https://ghe.example.com/api/v3',
      oidcIssuer: 'https://ghe.example.com/_services/token',
    });
  });

  it('takes own rules with the keys that may sign them, and neither without the other', () => {
    expect(readServerConfig(GOOD, '/srv/maestro').ownRules).toBeUndefined();
    const folders = { MAESTRO_POLICY_BUNDLES: 'rules', MAESTRO_POLICY_KEYS: '/etc/keys' };
    expect(readServerConfig({ ...GOOD, ...folders }, '/srv/maestro').ownRules).toEqual({
      bundles: '/srv/maestro/rules',
      keys: '/etc/keys',
    });
    expect(refusalOf({ ...folders, MAESTRO_POLICY_KEYS: '' })).toContain('expected MAESTRO_POLICY_KEYS');
    expect(refusalOf({ ...folders, MAESTRO_POLICY_BUNDLES: '' })).toContain('expected MAESTRO_POLICY_BUNDLES');
  });

  it('takes a key whose line ends are written out, as secret stores give it', () => {
    const escaped = PRIVATE_KEY.replaceAll('\n', '\\n');
    expect(readServerConfig({ ...GOOD, PRIVATE_KEY: escaped }, '/srv/maestro').privateKey).toBe(PRIVATE_KEY);
  });

  it.each(['APP_ID', 'PRIVATE_KEY', 'WEBHOOK_SECRET', 'MAESTRO_URL'])('refuses to start without %s', (name) => {
    expect(refusalOf({ [name]: undefined })).toContain(name);
    expect(refusalOf({ [name]: '' })).toContain(name);
  });

  it.each(['development', 'Secret', 'changeme', 'short'])(
    'refuses the webhook secret "%s" and does not repeat a real one',
    (secret) => {
      expect(refusalOf({ WEBHOOK_SECRET: secret })).toMatch(/openssl rand/);
      expect(refusalOf({ WEBHOOK_SECRET: 'tooshort-9x' })).not.toContain('tooshort-9x');
    },
  );

  it.each([
    ['MAESTRO_URL', 'http://maestro.example.com'],
    ['MAESTRO_URL', 'https://maestro.example.com/path'],
    ['GITHUB_URL', 'ftp://github.com'],
    ['PORT', '70000'],
    ['PORT', '-1'],
    ['APP_ID', '12; drop'],
    ['PRIVATE_KEY', 'not a key'],
    ['MAESTRO_ROLES', 'web,cook'],
    ['MAESTRO_RUNNER_LABELS', '{"gpu": "gpu"}'],
    ['MAESTRO_RUNNER_LABELS', '{"gpu": []}'],
    ['MAESTRO_RUNNER_LABELS', 'gpu'],
    ['MAESTRO_JOBS_PER_CLASS', '0'],
    ['MAESTRO_JOBS_PER_INSTALLATION', '0'],
    ['MAESTRO_JOBS_PER_INSTALLATION', '1e3'],
    ['MAESTRO_JOBS_PER_INSTALLATION', '100001'],
  ])('refuses %s=%s and names the variable', (name, value) => {
    expect(refusalOf({ [name]: value })).toContain(name);
  });

  it('never shows the private key', () => {
    expect(refusalOf({ PRIVATE_KEY: 'MIIEpAIBAAKCAQEA-oops' })).not.toContain('MIIE');
  });
});
