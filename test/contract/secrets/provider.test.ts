import { inspect } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { isMaestroError } from '../../../src/base/errors.ts';
import type { SecretRequest } from '../../../src/protocol/secret-source.ts';
import { openSecretSource } from '../../../src/secrets/open-source.ts';
import { describeWith } from '../../real-parts.ts';
import { environmentPlace, fakeVaultPlace, type Kept, openBaoPlace, type Place, sealedPlace } from './places.ts';
import { requestFor } from './requests.ts';

describe('secrets of the environment', () => {
  holdToContract(environmentPlace());
});
describe('secrets of a sealed file', () => {
  holdToContract(sealedPlace());
});
describe('secrets of a vault', () => {
  holdToContract(fakeVaultPlace());
});
describeWith('openbao', 'secrets of a real OpenBao', (program) => {
  holdToContract(openBaoPlace(program));
});

const KEPT: Kept = {
  'acme/orders': {
    NPM_TOKEN: 'npm_PLANTED-orders',
    'deploy-key': 'line 1\nPLANTED line 2 "\\ü\n',
    UNUSED: 'PLANTED-unused',
  },
  'acme/billing': { BILLING_KEY: 'PLANTED-billing' },
};

function holdToContract(place: Place): void {
  beforeAll(() => place.open());
  afterAll(() => place.close());

  const readFrom = async (kept: Kept, request: SecretRequest): Promise<Readonly<Record<string, string>>> => {
    const source = openSecretSource([await place.keep(kept)]);
    try {
      return await source.read(request);
    } finally {
      await source.close();
    }
  };
  /** Code and everything that an error or the log could show. */
  const refusalOf = async (kept: Kept, request: SecretRequest): Promise<{ code: string; shown: string }> => {
    place.told.length = 0;
    const error: unknown = await readFrom(kept, request).then(
      (values) => expect.fail(`it gave ${Object.keys(values).join(', ')}`),
      (failure: unknown) => failure,
    );
    if (!isMaestroError(error)) throw error;
    return { code: error.code, shown: [error, ...place.told].map((told) => inspect(told, { depth: null })).join('\n') };
  };

  it('gives exactly the named ones, byte by byte', async () => {
    const values = await readFrom(KEPT, requestFor(['deploy-key', 'NPM_TOKEN']));
    expect(values).toEqual({ 'deploy-key': KEPT['acme/orders']?.['deploy-key'], NPM_TOKEN: 'npm_PLANTED-orders' });
    expect(await readFrom(KEPT, requestFor([]))).toEqual({});
  });

  it('names what is missing, and only that', async () => {
    const { code, shown } = await refusalOf(KEPT, requestFor(['NPM_TOKEN', 'GONE', 'LOST']));
    expect(code).toBe('SECRET_NOT_FOUND');
    expect(shown).toContain('GONE, LOST');
    expect(shown).not.toContain('NPM_TOKEN');
    expect(shown).not.toContain('PLANTED');
  });

  it.each<[string, Partial<SecretRequest>]>([
    ['another repository', { repository: 'acme/billing', repositoryId: '78' }],
    ['a repository with the name of another owner', { repository: 'eve/orders', repositoryId: '79' }],
    ['a run of no repository', { repository: '', repositoryId: '' }],
    [
      'a run of another namespace that says it is of the repository',
      { namespace: { tenant: 'github:43', name: 'github:78' } },
    ],
    ['a run of this machine', { namespace: { tenant: 'local', name: 'local' }, repositoryId: '' }],
    ['a path that leads to the repository', { repository: 'eve/../acme/orders' }],
    ['an encoded path', { repository: 'eve/..%2Facme%2Forders' }],
    ['a pattern', { repository: 'acme/*' }],
    ['an owner', { repository: 'acme' }],
    ['a name with something after it', { repository: 'acme/orders?version=1' }],
  ])('gives nothing of a repository to %s', async (_who, change) => {
    const { code, shown } = await refusalOf(KEPT, requestFor(['NPM_TOKEN'], change));
    expect(code).toBe('SECRET_NOT_FOUND');
    expect(shown).not.toContain('PLANTED');
  });

  it.each(['../billing', '/', '..', 'prod:ref:refs/heads/main', '', 'a'.repeat(500), '\u0000', '{{x}}'])(
    'gives a repository its own secrets whatever environment it names: %j',
    async (environment) => {
      const request = requestFor(['NPM_TOKEN'], { environment, ref: 'refs/heads/a:b%2F..' });
      expect(await readFrom(KEPT, request)).toEqual({ NPM_TOKEN: 'npm_PLANTED-orders' });
      const { shown } = await refusalOf(KEPT, requestFor(['BILLING_KEY'], { environment }));
      expect(shown).not.toContain('PLANTED');
    },
  );

  it.each([
    '__proto__',
    'constructor',
    'toString',
    '',
    ' ',
    '../billing',
    'NPM_TOKEN\n',
    'A'.repeat(201),
    '\u001b[31mred',
  ])('has no secret of the name %j', async (name) => {
    const { code, shown } = await refusalOf(KEPT, requestFor([name]));
    expect(code).toBe('SECRET_NOT_FOUND');
    expect(shown).not.toContain('\u001b');
  });

  it('gives names of 200 characters and values of 64 KiB, and 100 of them', async () => {
    const values = Object.fromEntries(Array.from({ length: 100 }, (_, i) => [`N${i}`, 'v']));
    const kept = { 'acme/orders': { ...values, ['A'.repeat(200)]: 'long name', BIG: 'ü'.repeat(32_768) } };
    expect(await readFrom(kept, requestFor(Object.keys(values)))).toEqual(values);
    const large = await readFrom(kept, requestFor(['A'.repeat(200), 'BIG']));
    expect(large).toEqual({ ['A'.repeat(200)]: 'long name', BIG: 'ü'.repeat(32_768) });
    expect((await refusalOf(kept, requestFor([...Object.keys(values), 'BIG']))).code).toBe('REQUEST_TOO_LARGE');
  });

  it.each([
    ['larger than 64 KiB', 'PLANTED'.padEnd(65_537, '.')],
    ['with NUL, which whoever starts a step would quote', 'PLANTED\0value'],
  ])('refuses a value %s and does not show it', async (_what, value) => {
    const { code, shown } = await refusalOf({ 'acme/orders': { BAD: value } }, requestFor(['BAD']));
    expect(code).toBe('SECRET_UNUSABLE');
    expect(shown).toContain('BAD');
    expect(shown).not.toContain('PLANTED');
  });

  it('takes an empty value for none', async () => {
    const { code } = await refusalOf({ 'acme/orders': { EMPTY: '' } }, requestFor(['EMPTY']));
    expect(['SECRET_NOT_FOUND', 'CONFIG_INVALID']).toContain(code);
  });

  it('answers many at once alike', async () => {
    const source = openSecretSource([await place.keep(KEPT)]);
    const steps = Array.from({ length: 40 }, (_, i) => `step-${i}`);
    const all = await Promise.all(steps.map((step) => source.read(requestFor(['NPM_TOKEN'], { step }))));
    expect(new Set(all.map((values) => values.NPM_TOKEN))).toEqual(new Set(['npm_PLANTED-orders']));
    await source.close();
  });
}
