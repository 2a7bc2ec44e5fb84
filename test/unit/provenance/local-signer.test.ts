import { execFile } from 'node:child_process';
import { verify } from 'node:crypto';
import { chmodSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { readPublicKey } from '../../../src/provenance/public-key.ts';
import { openLocalSigner } from '../../../src/provenance/signers/local.ts';
import { scratchDirectory, writeKey } from './sample-run.ts';

const LOCAL_SIGNER = resolve(import.meta.dirname, '../../../src/provenance/signers/local.ts');
const newPath = () => join(scratchDirectory(), 'keys', 'signing.pem');

describe('the local signer', () => {
  it('makes its key on first use and keeps it', async () => {
    const path = newPath();
    const first = await openLocalSigner(path);
    const second = await openLocalSigner(path);
    expect(second.publicKeyPem).toBe(first.publicKeyPem);
    expect(first.keyHint).toBe(readPublicKey(first.publicKeyPem)?.hint);
  });

  it('keeps the key from others and leaves no draft behind', async () => {
    const path = newPath();
    await openLocalSigner(path);
    expect(statSync(path).mode & 0o777).toBe(0o600);
    expect(statSync(dirname(path)).mode & 0o777).toBe(0o700);
    expect(readdirSync(dirname(path))).toEqual(['signing.pem']);
  });

  it('makes signatures that its public key verifies', async () => {
    const signer = await openLocalSigner(newPath());
    const bytes = Buffer.from('statement');
    expect(verify('sha256', bytes, signer.publicKeyPem, await signer.sign(bytes))).toBe(true);
    expect(verify('sha256', Buffer.from('other'), signer.publicKeyPem, await signer.sign(bytes))).toBe(false);
  });

  it('agrees on one key with processes that start at the same time', async () => {
    const path = newPath();
    const script = `import { openLocalSigner } from ${JSON.stringify(LOCAL_SIGNER)};
      process.stdout.write((await openLocalSigner(process.argv[1])).keyHint);`;
    const start = () => promisify(execFile)(process.execPath, ['--input-type=module', '-e', script, path]);
    const hints = await Promise.all(Array.from({ length: 4 }, start));
    expect(new Set(hints.map(({ stdout }) => stdout)).size).toBe(1);
    expect(readdirSync(dirname(path))).toEqual(['signing.pem']);
  });

  it('agrees on one key with callers in the same process', async () => {
    const path = newPath();
    const signers = await Promise.all(Array.from({ length: 20 }, () => openLocalSigner(path)));
    expect(new Set(signers.map((signer) => signer.keyHint)).size).toBe(1);
  });

  it.each([0o640, 0o604, 0o660, 0o644, 0o611])('refuses a key file of mode %o', async (mode) => {
    const path = join(scratchDirectory(), 'key.pem');
    writeKey(path, 'prime256v1', 0o600);
    chmodSync(path, mode);
    await expect(openLocalSigner(path)).rejects.toMatchObject({ code: 'KEY_INVALID' });
  });

  it('takes a key file that only its owner may read', async () => {
    const path = join(scratchDirectory(), 'key.pem');
    writeKey(path, 'prime256v1', 0o400);
    await expect(openLocalSigner(path)).resolves.toBeDefined();
  });

  it.each(['secp384r1', 'secp256k1', 'secp521r1'])('refuses a key on %s', async (curve) => {
    const path = join(scratchDirectory(), 'key.pem');
    writeKey(path, curve, 0o600);
    await expect(openLocalSigner(path)).rejects.toMatchObject({ code: 'KEY_INVALID' });
  });

  it('refuses what is no key, without showing it', async () => {
    const path = join(scratchDirectory(), 'key.pem');
    writeFileSync(path, '-----BEGIN PRIVATE KEY-----\nc2VjcmV0\n-----END PRIVATE KEY-----\n', { mode: 0o600 });
    const error = await openLocalSigner(path).catch((error: unknown) => error);
    expect(error).toMatchObject({ code: 'KEY_INVALID' });
    expect(String(error)).not.toContain('c2VjcmV0');
    expect((error as Error).cause).toBeUndefined();
  });

  it('refuses a directory and an oversized file, and leaves them as they are', async () => {
    const directory = join(scratchDirectory(), 'key.pem');
    mkdirSync(directory, { mode: 0o700 });
    await expect(openLocalSigner(directory)).rejects.toMatchObject({ code: 'KEY_INVALID' });
    const large = join(scratchDirectory(), 'key.pem');
    writeFileSync(large, 'x'.repeat(20_000), { mode: 0o600 });
    await expect(openLocalSigner(large)).rejects.toMatchObject({ code: 'KEY_INVALID' });
    expect(readFileSync(large)).toHaveLength(20_000);
  });
});

describe('a public key', () => {
  it('is never taken from a private one', () => {
    const path = join(scratchDirectory(), 'key.pem');
    writeKey(path, 'prime256v1', 0o600);
    expect(readPublicKey(readFileSync(path, 'utf8'))).toBeUndefined();
    expect(readPublicKey('')).toBeUndefined();
    expect(readPublicKey('-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n')).toBeUndefined();
  });
});
