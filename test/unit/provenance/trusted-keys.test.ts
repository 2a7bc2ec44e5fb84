import { describe, expect, it } from 'vitest';
import { signPayload } from '../../../src/provenance/envelope.ts';
import { buildReceipt } from '../../../src/provenance/receipt.ts';
import { parseTrustedKeys, TRUSTED_KEYS_SCHEMA, trustedKeysText } from '../../../src/provenance/trusted-keys.ts';
import { verifyReceipt } from '../../../src/provenance/verify.ts';
import { codeOf } from './refusal.ts';
import { sampleRun, sampleSigner } from './sample-run.ts';

const signer = await sampleSigner();
const { publicKeyPem } = signer;
const { payload } = buildReceipt(sampleRun(3));
const bundle = Buffer.from(await signPayload(payload, signer));
const parse = (file: unknown) => parseTrustedKeys(Buffer.from(typeof file === 'string' ? file : JSON.stringify(file)));
const fileOf = (...keys: readonly object[]) => ({ schema: TRUSTED_KEYS_SCHEMA, keys });

describe('a file of trusted keys', () => {
  it.each<[string, object, string | undefined]>([
    ['a key without times', {}, undefined],
    ['a key in its time', { notBefore: '2026-11-20T12:00:00Z', notAfter: '2026-11-20T13:00:00+00:00' }, undefined],
    ['a key before its time', { notBefore: '2026-11-20T13:00:00Z' }, 'KEY_OUT_OF_DATE'],
    ['a key after its time', { notAfter: '2026-11-20T12:00:00Z' }, 'KEY_OUT_OF_DATE'],
    ['a key that is not revoked', { isRevoked: false }, undefined],
    ['a revoked key', { isRevoked: true }, 'KEY_REVOKED'],
    ['a key that was revoked after the run', { revokedAt: '2027-01-01T00:00:00Z' }, 'KEY_REVOKED'],
  ])('with %s', (_what, about, code) => {
    const key = parse(fileOf({ publicKeyPem, comment: 'server', ...about }));
    expect(codeOf(() => verifyReceipt({ bundle, key }))).toBe(code);
  });

  it('with other keys only does not vouch for it', async () => {
    const key = parse(fileOf({ publicKeyPem: (await sampleSigner()).publicKeyPem }));
    expect(codeOf(() => verifyReceipt({ bundle, key }))).toBe('KEY_UNKNOWN');
    expect(codeOf(() => verifyReceipt({ bundle, key: parse(fileOf()) }))).toBe('KEY_UNKNOWN');
  });

  it('is read as it is written', () => {
    const keys = [
      { publicKeyPem, notBefore: '2026-01-01T00:00:00Z', revokedAt: '2026-05-01T00:00:00.000Z', isRevoked: true },
    ];
    expect(parse(trustedKeysText(keys))).toEqual(keys);
  });

  it.each<[string, unknown, string]>([
    ['of another schema', { schema: 'maestro.trusted-keys/v2', keys: [] }, 'KEYS_MALFORMED'],
    ['without keys', { schema: TRUSTED_KEYS_SCHEMA }, 'KEYS_MALFORMED'],
    ['with another field', { ...fileOf(), more: 1 }, 'KEYS_MALFORMED'],
    ['with another field of a key', fileOf({ publicKeyPem, notafter: '2026-01-01T00:00:00Z' }), 'KEYS_MALFORMED'],
    ['with a key twice', fileOf({ publicKeyPem, isRevoked: true }, { publicKeyPem }), 'KEYS_MALFORMED'],
    [
      'with a key twice, written in two ways',
      fileOf({ publicKeyPem, isRevoked: true }, { publicKeyPem: `${publicKeyPem}\n` }),
      'KEYS_MALFORMED',
    ],
    ['with a date that is none', fileOf({ publicKeyPem, notAfter: '2026-02-31T99:00:00Z' }), 'KEYS_MALFORMED'],
    ['with a day for a time', fileOf({ publicKeyPem, notAfter: '2026-02-01' }), 'KEYS_MALFORMED'],
    ['with a null for a time', fileOf({ publicKeyPem, notAfter: null }), 'KEYS_MALFORMED'],
    ['with a text for yes', fileOf({ publicKeyPem, isRevoked: 'no' }), 'KEYS_MALFORMED'],
    [
      'with a key revoked and not',
      fileOf({ publicKeyPem, isRevoked: false, revokedAt: '2026-01-01T00:00:00Z' }),
      'KEYS_MALFORMED',
    ],
    ['with a comment that moves the cursor', fileOf({ publicKeyPem, comment: '\u001b[2J' }), 'KEYS_MALFORMED'],
    ['with no key', fileOf({ publicKeyPem: 'x' }), 'KEYS_MALFORMED'],
    ['with a thousand and one', fileOf(...Array.from({ length: 1001 }, () => ({ publicKeyPem }))), 'KEYS_MALFORMED'],
    ['that is a list', [], 'KEYS_MALFORMED'],
    ['with a field twice', `{"schema":"${TRUSTED_KEYS_SCHEMA}","keys":[],"keys":[]}`, 'JSON_DUPLICATE_KEY'],
    ['of two megabytes', ' '.repeat(2_000_000), 'TOO_LARGE'],
  ])('is refused %s', (_what, file, code) => {
    expect(codeOf(() => parse(file))).toBe(code);
  });
});
