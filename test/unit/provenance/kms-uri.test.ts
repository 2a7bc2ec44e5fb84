import { describe, expect, it } from 'vitest';
import { vendorLibrary } from '../../../src/base/vendor-library.ts';
import { parseKmsUri } from '../../../src/provenance/signers/kms-uri.ts';

const GCP = 'projects/p-1/locations/europe-west4/keyRings/ci/cryptoKeys/receipts';
const ARN = 'arn:aws:kms:eu-west-1:123456789012:key/0a1b2c3d-0000-4000-8000-1234567890ab';

describe('an address of a key', () => {
  it.each([
    [`kms://aws/${ARN}`, { type: 'aws', keyId: ARN, region: 'eu-west-1', endpoint: undefined }],
    ['kms://aws/alias/ci?region=us-gov-west-1', { type: 'aws', keyId: 'alias/ci', region: 'us-gov-west-1' }],
    ['kms://aws/k?region=eu-west-1&endpoint=https://vpce.example', { type: 'aws', endpoint: 'https://vpce.example' }],
    [`kms://gcp/${GCP}/cryptoKeyVersions/7`, { type: 'gcp', version: `${GCP}/cryptoKeyVersions/7` }],
    ['kms://azure/acme.vault.azure.net/ci/0f', { type: 'azure', vaultUrl: 'https://acme.vault.azure.net', name: 'ci' }],
    ['kms://vault/transit/ci', { type: 'vault', mount: 'transit', name: 'ci', version: undefined }],
    ['kms://vault/team/transit/ci?version=3', { type: 'vault', mount: 'team/transit', version: 3 }],
  ])('%s', (uri, key) => {
    expect(parseKmsUri(uri)).toMatchObject(key);
  });

  it.each([
    'kms://',
    'kms://oracle/key',
    'kms://__proto__/key',
    'kms://aws/key',
    'kms://aws/key?region=../x',
    'kms://aws/key?region=eu-west-1&endpoint=http://metadata.internal',
    'kms://aws/key?region=eu-west-1&endpoint=https://user:password@host',
    'kms://aws/key?region=eu-west-1&profile=x',
    'kms://aws/key?region=eu-west-1?region=eu-west-2',
    `kms://gcp/${GCP}`,
    `kms://gcp/${GCP}/cryptoKeyVersions/0`,
    `kms://gcp/../${GCP}/cryptoKeyVersions/1`,
    'kms://azure/acme.vault.azure.net/ci',
    'kms://azure/user@acme.vault.azure.net/ci/0f',
    'kms://azure/acme.vault.azure.net/ci/0f/more',
    'kms://vault/ci',
    'kms://vault/../sys/ci',
    'kms://vault/transit/ci?version=latest',
    'kms://vault/transit/%2e%2e',
    `kms://vault/transit/${'x'.repeat(2048)}`,
  ])('that is none: %s', (uri) => {
    expect(() => parseKmsUri(uri)).toThrow(expect.objectContaining({ code: 'CONFIG_INVALID' }));
  });
});

it('a library that nobody installed is named with the command that installs it', async () => {
  const missing = Object.assign(new Error('no such module'), { code: 'ERR_MODULE_NOT_FOUND' });
  await expect(vendorLibrary('@acme/kms', 'a key', () => Promise.reject(missing))).rejects.toMatchObject({
    code: 'CONFIG_INVALID',
    message: expect.stringContaining('npm install --no-save @acme/kms'),
  });
});
