import { mkdtempSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { signPayload } from '../../../src/provenance/envelope.ts';
import { demandCounting, listKeys, revokeKey, rotateKey } from '../../../src/provenance/key-ring.ts';
import { buildReceipt } from '../../../src/provenance/receipt.ts';
import { openLocalSigner } from '../../../src/provenance/signers/local.ts';
import { type KnownKey, parseTrustedKeys, trustedKeysText } from '../../../src/provenance/trusted-keys.ts';
import { verifyReceipt } from '../../../src/provenance/verify.ts';
import { codeOf } from './refusal.ts';
import { sampleRun } from './sample-run.ts';

const HOUR_MS = 3_600_000;
/** When the sample run ends, within a minute. */
const END_MS = Date.parse('2026-11-20T12:00:00Z');
const { payload } = buildReceipt(sampleRun(3));

describe('the keys of a machine', () => {
  let folder: string;
  let place: { keyFile: string; ringFile: string };
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'maestro-ring-'));
    place = { keyFile: join(folder, 'signing-key.pem'), ringFile: join(folder, 'keys.json') };
  });
  const sign = async (): Promise<Buffer> =>
    Buffer.from(await signPayload(payload, await openLocalSigner(place.keyFile)));
  const refusal = (bundle: Buffer): string | undefined =>
    codeOf(() => verifyReceipt({ bundle, key: parseTrustedKeys(readFileSync(place.ringFile)) }));

  it('verify what they signed before and after a rotation', async () => {
    const before = await sign();
    const [next, old, ...more] = await rotateKey(place, END_MS + 2 * HOUR_MS, HOUR_MS);
    expect(more).toEqual([]);
    expect(next?.isCurrent).toBe(true);
    expect(next).not.toHaveProperty('notBefore');
    expect(old).toMatchObject({ isCurrent: false, notAfter: '2026-11-20T15:00:00.000Z' });
    expect((await openLocalSigner(place.keyFile)).keyHint).toBe(next?.hint);
    expect(refusal(before)).toBeUndefined();
    // A run that ended long before the new key was made, and whose signature had to wait.
    expect(refusal(await sign())).toBeUndefined();
  });

  it('both count for runs that end around a rotation', async () => {
    const before = await sign();
    await rotateKey(place, END_MS, HOUR_MS);
    expect(refusal(before)).toBeUndefined();
    expect(refusal(await sign())).toBeUndefined();
  });

  it('keep their times through further rotations', async () => {
    const hints = [];
    for (const at of [0, 1, 2]) {
      hints.push((await openLocalSigner(place.keyFile)).keyHint);
      await rotateKey(place, END_MS + at * HOUR_MS, 60_000);
    }
    const keys = await listKeys(place);
    expect(keys.map(({ notAfter }) => notAfter)).toEqual([
      undefined,
      '2026-11-20T14:01:00.000Z',
      '2026-11-20T13:01:00.000Z',
      '2026-11-20T12:01:00.000Z',
    ]);
    expect(keys.slice(1).map(({ hint }) => hint)).toEqual(hints.reverse());
  });

  it('count for nothing once they are revoked, and the one that signs cannot be', async () => {
    const before = await sign();
    const [current] = await listKeys(place);
    await expect(revokeKey(place, current?.hint ?? '', END_MS)).rejects.toMatchObject({ code: 'CONFLICT' });
    await rotateKey(place, END_MS, HOUR_MS);
    await revokeKey(place, current?.hint ?? '', END_MS);
    expect(refusal(before)).toBe('KEY_REVOKED');
    await expect(revokeKey(place, 'none', END_MS)).rejects.toMatchObject({ code: 'KEY_INVALID' });
  });

  it('leave no draft, no lock and no private key that others can read', async () => {
    await rotateKey(place, END_MS, HOUR_MS);
    expect(readdirSync(folder).sort()).toEqual(['keys.json', 'signing-key.pem']);
    expect(statSync(place.keyFile).mode & 0o077).toBe(0);
    expect(readFileSync(place.ringFile, 'utf8')).not.toContain('PRIVATE');
  });

  it('are changed by one at a time, and not where the ring cannot be read', async () => {
    await openLocalSigner(place.keyFile);
    writeFileSync(`${place.ringFile}.lock`, '');
    await expect(rotateKey(place, END_MS, HOUR_MS)).rejects.toMatchObject({ code: 'CONFLICT' });
    const other = { ...place, ringFile: join(folder, 'other.json') };
    writeFileSync(other.ringFile, '{"schema":"maestro.trusted-keys/v9","keys":[]}');
    const { keyHint } = await openLocalSigner(place.keyFile);
    await expect(rotateKey(other, END_MS, HOUR_MS)).rejects.toMatchObject({ code: 'KEY_INVALID' });
    expect((await openLocalSigner(place.keyFile)).keyHint).toBe(keyHint);
  });

  it('are rotated by their service where one holds them', async () => {
    const far = { keyFile: undefined, ringFile: place.ringFile };
    await expect(rotateKey(far, END_MS, HOUR_MS)).rejects.toMatchObject({ code: 'UNSUPPORTED' });
    const { publicKeyPem } = await openLocalSigner(place.keyFile);
    expect(await listKeys(far, publicKeyPem)).toMatchObject([{ isCurrent: true, publicKeyPem }]);
  });

  it.each<[string, Partial<KnownKey>, string | undefined]>([
    ['nothing is said of', {}, undefined],
    ['has begun to count', { notBefore: '2026-11-20T12:00:00Z' }, undefined],
    ['counts for this moment yet', { notAfter: '2026-11-20T12:00:00Z' }, undefined],
    ['no longer counts', { notAfter: '2026-11-20T11:59:59Z' }, 'KEY_RETIRED'],
    ['does not count yet', { notBefore: '2026-11-20T12:00:01Z' }, 'KEY_RETIRED'],
    ['is revoked', { isRevoked: true }, 'KEY_RETIRED'],
    ['is revoked at some time', { isRevoked: true, revokedAt: '2027-01-01T00:00:00Z' }, 'KEY_RETIRED'],
  ])('sign, or are refused before they do: one that %s', async (_what, known, code) => {
    const { publicKeyPem } = await openLocalSigner(place.keyFile);
    const other = await openLocalSigner(join(folder, 'other.pem'));
    const ring = trustedKeysText([
      { publicKeyPem: other.publicKeyPem, isRevoked: true },
      { publicKeyPem, ...known },
    ]);
    writeFileSync(place.ringFile, ring);
    const refused = await demandCounting(place, publicKeyPem, END_MS).then(
      () => undefined,
      (error: { code: string }) => error.code,
    );
    expect(refused).toBe(code);
  });

  it('sign where there is no ring, or one that does not name them', async () => {
    const { publicKeyPem } = await openLocalSigner(place.keyFile);
    await expect(demandCounting(place, publicKeyPem, END_MS)).resolves.toBeUndefined();
    writeFileSync(place.ringFile, trustedKeysText([]));
    await expect(demandCounting(place, publicKeyPem, END_MS)).resolves.toBeUndefined();
  });
});
