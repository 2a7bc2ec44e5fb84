import type { ObjectLockRetentionMode } from '@aws-sdk/client-s3';
import { MaestroError } from '../../../base/errors.ts';
import { CHECKPOINT } from '../tile-store.ts';
import { type BucketClient, checksumsOf } from './bucket-client.ts';
import type { Retention } from './retention.ts';

/** Of a thousand names each. */
const PAGES_MAX = 1000;
/** HTTP statuses of a conditional write. */
const [TAKEN, BEING_WRITTEN] = [412, 409];

export interface StoredObject {
  readonly bytes: Uint8Array;
  /** Which of its versions; undefined where the bucket has none. */
  readonly version: string | undefined;
}

/** Answers false where something is there, or somebody else is writing it right now. */
export async function putObject(
  bucket: BucketClient,
  path: string,
  bytes: Uint8Array,
  { mode, until }: Retention,
  where: 'only if absent' | 'whatever is there',
): Promise<boolean> {
  const command = new bucket.aws.PutObjectCommand({
    ...keyOf(bucket, path),
    ...checksumsOf(bytes),
    ...(where === 'only if absent' && { IfNoneMatch: '*' }),
    Body: bytes,
    ContentType: path.startsWith(CHECKPOINT) ? 'text/plain; charset=utf-8' : 'application/octet-stream',
    ObjectLockMode: mode,
    ObjectLockRetainUntilDate: until,
  });
  const taken = where === 'only if absent' ? [TAKEN, BEING_WRITTEN] : [];
  const answer = await bucket.call(
    `keep ${path} (s3:PutObject, s3:PutObjectRetention)`,
    (client, abortSignal) => client.send(command, { abortSignal }),
    taken,
  );
  return answer !== undefined;
}

/** The newest version; undefined where there is none. */
export async function getObject(bucket: BucketClient, path: string): Promise<StoredObject | undefined> {
  const command = new bucket.aws.GetObjectCommand(keyOf(bucket, path));
  return bucket.call(
    `show ${path} (s3:GetObject)`,
    async (client, abortSignal) => {
      const { Body, VersionId } = await client.send(command, { abortSignal });
      return { bytes: (await Body?.transformToByteArray()) ?? new Uint8Array(), version: VersionId };
    },
    ['NoSuchKey'],
  );
}

/** How a version is locked; undefined where it is not. */
export async function lockOf(
  bucket: BucketClient,
  path: string,
  version: string | undefined,
): Promise<Retention | undefined> {
  const command = new bucket.aws.GetObjectRetentionCommand({
    ...keyOf(bucket, path),
    ...(version && { VersionId: version }),
  });
  const answer = await bucket.call(
    `tell of the lock of ${path} (s3:GetObjectRetention)`,
    (client, abortSignal) => client.send(command, { abortSignal }),
    ['NoSuchObjectLockConfiguration'],
  );
  const { Mode: mode, RetainUntilDate: until } = answer?.Retention ?? {};
  return until !== undefined && isLockMode(mode) ? { mode, until } : undefined;
}

/** Makes the lock of a version longer, or puts one on it. */
export async function prolongLock(
  bucket: BucketClient,
  path: string,
  version: string | undefined,
  { mode, until }: Retention,
): Promise<void> {
  const command = new bucket.aws.PutObjectRetentionCommand({
    ...keyOf(bucket, path),
    ...(version && { VersionId: version }),
    Retention: { Mode: mode, RetainUntilDate: until },
  });
  await bucket.call(`lock ${path} (s3:PutObjectRetention)`, (client, abortSignal) =>
    client.send(command, { abortSignal }),
  );
}

/** Names of what lies right below a folder of the place, without the folder. @throws CONFLICT where there are too many */
export async function listNames(bucket: BucketClient, folder: string): Promise<readonly string[]> {
  const names: string[] = [];
  const prefix = `${bucket.prefix}${folder}`;
  for (let pages = 1, token: string | undefined; pages <= PAGES_MAX; pages++) {
    const more = { ...(token && { ContinuationToken: token }) };
    const command = new bucket.aws.ListObjectsV2Command({ Bucket: bucket.bucket, Prefix: prefix, ...more });
    const page = await bucket.call(`list ${folder} (s3:ListBucket)`, (client, abortSignal) =>
      client.send(command, { abortSignal }),
    );
    for (const { Key } of page?.Contents ?? []) if (Key?.startsWith(prefix)) names.push(Key.slice(prefix.length));
    token = page?.NextContinuationToken;
    if (token === undefined) return names;
  }
  throw new MaestroError(
    'CONFLICT',
    `expected at most ${PAGES_MAX} pages of names below ${bucket.name}/${folder}: use another prefix`,
  );
}

function keyOf({ bucket, prefix }: BucketClient, path: string) {
  return { Bucket: bucket, Key: `${prefix}${path}` };
}

function isLockMode(mode: ObjectLockRetentionMode | undefined): mode is Retention['mode'] {
  return mode === 'GOVERNANCE' || mode === 'COMPLIANCE';
}
