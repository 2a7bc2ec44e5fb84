import { mkdir, readFile, rename, rm, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { isoTime } from '../base/clock.ts';
import { MaestroError, messageOf } from '../base/errors.ts';
import { readPublicKey } from './public-key.ts';
import { draftLocalKey, readLocalPublicKey } from './signers/local.ts';
import { type KnownKey, parseTrustedKeys, TRUSTED_KEYS_BYTES_MAX, trustedKeysText } from './trusted-keys.ts';
import { isKeyInForce } from './verify.ts';
import { writeDurably } from './write-durably.ts';

const RING_MODE = 0o644;
const DIRECTORY_MODE = 0o700;

export interface KeyRingPlace {
  /** PEM of the private key that signs; undefined where a key service holds it. Absolute. */
  readonly keyFile: string | undefined;
  /** Public keys, the current and the older ones. Absolute. */
  readonly ringFile: string;
}

export interface RingKey extends KnownKey {
  /** Base64 of the SHA-256 over its SPKI DER, as receipts name it. */
  readonly hint: string;
  readonly isCurrent: boolean;
}

/**
 * The keys of this machine: the current one first, then those of the ring.
 * @param currentPem of a signer that is open already
 * @throws KEY_INVALID for a key or a ring that cannot be read
 */
export async function listKeys({ keyFile, ringFile }: KeyRingPlace, currentPem?: string): Promise<readonly RingKey[]> {
  const ring = await readRing(ringFile);
  const current = currentPem ?? (keyFile === undefined ? undefined : await readLocalPublicKey(keyFile));
  const hint = current === undefined ? undefined : hintOf(current);
  const known = ring.map((key) => ({ ...key, hint: hintOf(key.publicKeyPem) }));
  const isKnown = known.some((key) => key.hint === hint);
  const all = current === undefined || isKnown ? known : [{ publicKeyPem: current, hint: hintOf(current) }, ...known];
  return all
    .map((key) => ({ ...key, isCurrent: key.hint === hint }))
    .sort((a, b) => Number(b.isCurrent) - Number(a.isCurrent));
}

/**
 * Refuses a key whose signatures nobody who goes by the ring would accept: runs would be done, and none of them proven.
 * @throws KEY_RETIRED for a key that the ring revokes, or that does not count now; KEY_INVALID for a ring that cannot be read
 */
export async function demandCounting({ ringFile }: KeyRingPlace, publicKeyPem: string, nowMs: number): Promise<void> {
  const hint = hintOf(publicKeyPem);
  const known = (await readRing(ringFile)).find((key) => hintOf(key.publicKeyPem) === hint);
  const why = known && whyRetired(known, nowMs);
  if (why !== undefined)
    throw new MaestroError(
      'KEY_RETIRED',
      `expected a signing key that counts, got ${hint}, which ${why}, as ${ringFile} says`,
    );
}

function whyRetired(key: KnownKey, nowMs: number): string | undefined {
  if (key.isRevoked === true) return 'is revoked';
  // A window is held against the end of a run, and a run that is started now ends later.
  if (isKeyInForce(key, isoTime(nowMs))) return undefined;
  const times = [key.notBefore && `from ${key.notBefore}`, key.notAfter && `until ${key.notAfter}`];
  return `counts ${times.filter(Boolean).join(' ')}`;
}

/**
 * Makes a new key, and keeps the old one's public half with the time until which it counts. Receipts of both verify against the
 * ring. A window is held against the end of a run, and a process that is running goes on with the old key: for the overlap both
 * count. The new one has no beginning: a receipt may wait for its signature for as long as it takes, and is then of a run that ended
 * long before.
 *
 * Whatever a crash leaves behind verifies: the new key is in the ring before anything is signed by it, and the old one ends last.
 */
export async function rotateKey(place: KeyRingPlace, nowMs: number, overlapMs: number): Promise<readonly RingKey[]> {
  const { keyFile, ringFile } = place;
  if (keyFile === undefined)
    throw new MaestroError('UNSUPPORTED', 'expected a key file: a key of a key service is rotated in that service');
  await mkdir(dirname(keyFile), { recursive: true, mode: DIRECTORY_MODE });
  return alone(ringFile, async () => {
    const before = await listKeys(place);
    const { path: draft, publicKeyPem } = await draftLocalKey(keyFile);
    try {
      const next: KnownKey = { publicKeyPem };
      await writeRing(ringFile, [next, ...before.map(plain)]);
      await rename(draft, keyFile);
      const notAfter = isoTime(nowMs + overlapMs);
      await writeRing(ringFile, [next, ...before.map((key) => plain(key.isCurrent ? ended(key, notAfter) : key))]);
    } finally {
      await rm(draft, { force: true });
    }
    return listKeys(place);
  });
}

/**
 * Nothing that the key signed counts any more, whatever date it bears.
 * @throws KEY_INVALID for a hint of no key of the ring, CONFLICT for the key that signs
 */
export async function revokeKey(place: KeyRingPlace, hint: string, nowMs: number): Promise<readonly RingKey[]> {
  await mkdir(dirname(place.ringFile), { recursive: true, mode: DIRECTORY_MODE });
  return alone(place.ringFile, async () => {
    const keys = await listKeys(place);
    const key = keys.find((one) => one.hint === hint);
    if (!key) throw new MaestroError('KEY_INVALID', 'expected the hint of a key that `maestro keys list` shows');
    if (key.isCurrent)
      throw new MaestroError('CONFLICT', 'this key signs: put another in its place first with `maestro keys rotate`');
    const revoked = { ...key, isRevoked: true, revokedAt: key.revokedAt ?? isoTime(nowMs) };
    await writeRing(
      place.ringFile,
      keys.map((one) => plain(one === key ? revoked : one)),
    );
    return listKeys(place);
  });
}

function ended(key: RingKey, notAfter: string): RingKey {
  const isEarlier = key.notAfter !== undefined && Date.parse(key.notAfter) < Date.parse(notAfter);
  return isEarlier ? key : { ...key, notAfter };
}

function plain({ hint: _hint, isCurrent: _isCurrent, ...key }: RingKey): KnownKey {
  return key;
}

async function readRing(path: string): Promise<readonly KnownKey[]> {
  const size = await stat(path).then(
    ({ size }) => size,
    (error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return undefined;
      throw new MaestroError('KEY_INVALID', `expected a readable file of keys at ${path}, got ${error.code}`);
    },
  );
  if (size === undefined) return [];
  if (size > TRUSTED_KEYS_BYTES_MAX) throw new MaestroError('KEY_INVALID', `${path} is too large for a file of keys`);
  try {
    return parseTrustedKeys(await readFile(path));
  } catch (error) {
    throw new MaestroError('KEY_INVALID', `${path}: ${messageOf(error)}`);
  }
}

/** Whole or not at all: readers find the old ring or the new one. */
async function writeRing(path: string, keys: readonly KnownKey[]): Promise<void> {
  const draft = `${path}.draft`;
  await rm(draft, { force: true });
  await writeDurably(draft, trustedKeysText(keys), RING_MODE);
  await rename(draft, path);
}

/** Two that write a ring at once would each lose what the other wrote. */
async function alone<T>(ringFile: string, deed: () => Promise<T>): Promise<T> {
  const lock = `${ringFile}.lock`;
  await writeDurably(lock, '', RING_MODE).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'EEXIST') throw error;
    throw new MaestroError('CONFLICT', `somebody else changes the keys; if nobody does any more, remove ${lock}`);
  });
  try {
    return await deed();
  } finally {
    await rm(lock, { force: true });
  }
}

function hintOf(pem: string): string {
  return readPublicKey(pem)?.hint ?? '';
}
