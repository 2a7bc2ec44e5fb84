import { setTimeout as pause } from 'node:timers/promises';
import { MaestroError } from '../../../base/errors.ts';
import { CHECKPOINTS, missingTile, otherContent, sizesOf, type TileReader, type TileStore } from '../tile-store.ts';
import type { BucketClient } from './bucket-client.ts';
import { demandLock } from './bucket-lock.ts';
import { getObject, listNames, lockOf, prolongLock, putObject, type StoredObject } from './bucket-objects.ts';
import { dayOf, isWeaker, type Retention, type RetentionAsked, retentionOf } from './retention.ts';

/** Somebody else may be about to write the same file: then it is neither there nor free. */
const TRIES_MAX = 5;
const PAUSE_MS = 100;

/** What was exported to a bucket, to be read: the bucket may be of any kind. */
export function readTileBucket(bucket: BucketClient): TileReader {
  return {
    name: bucket.name,
    sizes: async () => sizesOf(await listNames(bucket, `${CHECKPOINTS}/`)),
    read: async (path) => (await getObject(bucket, path))?.bytes ?? missingTile(`${bucket.name}/${path}`),
  };
}

/**
 * Objects in a bucket, each written once and locked until a day: no export replaces one, and nobody deletes one before. Of the
 * checkpoint, which the layout replaces, the bucket keeps the versions before, each under its own lock.
 * @throws BUCKET_UNFIT, USAGE where neither who exports nor the bucket says how long
 */
export async function openTileBucket(bucket: BucketClient, asked: RetentionAsked, nowMs: number): Promise<TileStore> {
  const retention = retentionOf(asked, await demandLock(bucket), nowMs, bucket.name);
  let proof: Promise<void> | undefined;
  return {
    ...readTileBucket(bucket),
    add: async (path, bytes) => {
      const isNew = await write(bucket, path, bytes, retention);
      if (isNew) await (proof ??= prove(bucket, path, bytes, retention));
    },
    replace: async (path, bytes) => {
      const there = await getObject(bucket, path);
      if (there && Buffer.from(bytes).equals(there.bytes)) await holdLock(bucket, path, there, retention);
      else await putObject(bucket, path, bytes, retention, 'whatever is there');
    },
  };
}

/** Answers whether it was not there before. */
async function write(bucket: BucketClient, path: string, bytes: Uint8Array, retention: Retention): Promise<boolean> {
  for (let tries = 1; tries <= TRIES_MAX; tries++) {
    if (await putObject(bucket, path, bytes, retention, 'only if absent')) return true;
    const there = await getObject(bucket, path);
    if (there) {
      if (!Buffer.from(bytes).equals(there.bytes)) throw otherContent(`${bucket.name}/${path}`);
      await holdLock(bucket, path, there, retention);
      return false;
    }
    await pause(PAUSE_MS * tries);
  }
  throw new MaestroError(
    'CONFLICT',
    `expected to write ${bucket.name}/${path} or to read it: it is neither free nor there, as where somebody hid it behind a delete marker; remove the marker, its version is kept`,
  );
}

/** What is there may have been copied by somebody, or written when its day was nearer. */
async function holdLock(
  bucket: BucketClient,
  path: string,
  { version }: StoredObject,
  retention: Retention,
): Promise<void> {
  const lock = await lockOf(bucket, path, version);
  if (lock && !isWeaker(lock, retention)) return;
  if (lock?.mode === 'GOVERNANCE' && retention.mode === 'COMPLIANCE')
    throw new MaestroError(
      'CONFLICT',
      `expected ${bucket.name}/${path} under COMPLIANCE, and it is locked under GOVERNANCE until ${dayOf(lock.until)}: choose another prefix, or --retain-mode governance`,
    );
  await prolongLock(bucket, path, version, { mode: lock?.mode ?? retention.mode, until: retention.until });
}

/** Not every store does what it takes the words for: the first file that is written shows whether this one does. */
async function prove(bucket: BucketClient, path: string, bytes: Uint8Array, retention: Retention): Promise<void> {
  const lock = await lockOf(bucket, path, undefined);
  if (!lock || isWeaker(lock, retention))
    throw unfit(
      bucket,
      path,
      `locked until ${dayOf(retention.until)}`,
      lock ? `its lock ends ${dayOf(lock.until)}` : 'it has no lock',
    );
  if (await putObject(bucket, path, bytes, retention, 'only if absent'))
    throw unfit(bucket, path, 'kept as it is (If-None-Match)', 'the store wrote it again');
}

function unfit({ name }: BucketClient, path: string, expected: string, came: string): MaestroError {
  return new MaestroError(
    'BUCKET_UNFIT',
    `expected ${name}/${path}, once written, to be ${expected}: ${came}; use a store with object lock and conditional writes`,
  );
}
