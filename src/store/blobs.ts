import { randomUUID } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdir, open, readdir, rename, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { type Digest, DigestStream, hexOf } from '../base/digest.ts';
import { MaestroError } from '../base/errors.ts';

interface StoredBlob {
  readonly digest: Digest;
  readonly sizeBytes: number;
}

/** Hears of content that has arrived whole, before it takes its place: where it throws, nothing is kept. */
type BeforeKept = (blob: StoredBlob) => Promise<void>;

/** Content by digest. What is written is whole or absent; what is read is checked against its name. */
export interface BlobStore {
  /** @throws DISK_FULL */
  put(content: AsyncIterable<Uint8Array>, beforeKept?: BeforeKept): Promise<StoredBlob>;
  /** @throws ARTIFACT_NOT_FOUND at once, BLOB_CORRUPT at the end of the stream */
  get(digest: Digest): Promise<AsyncIterable<Uint8Array>>;
  /** Removes what was begun and not written to since `olderThan`, in milliseconds since 1970: its writer is dead. */
  removeDrafts(olderThan: number): Promise<void>;
}

const DRAFT = 'draft-';

/** Blobs as files below one folder: `sha256/ab/abcd…`. */
export function openFileBlobs(folder: string): BlobStore {
  const pathOf = (digest: Digest): string => join(folder, 'sha256', hexOf(digest).slice(0, 2), hexOf(digest));
  return {
    put: (content, beforeKept) => put(folder, pathOf, content, beforeKept),
    get: async (digest) => {
      const path = pathOf(digest);
      const isThere = await stat(path).then(
        (s) => s.isFile(),
        () => false,
      );
      if (!isThere) throw new MaestroError('ARTIFACT_NOT_FOUND', `expected content ${digest} in the store, found none`);
      return checked(path, digest);
    },
    removeDrafts: (olderThan) => removeDrafts(folder, olderThan),
  };
}

async function removeDrafts(folder: string, olderThan: number): Promise<void> {
  const names = await readdir(folder).catch(() => []);
  for (const name of names.filter((one) => one.startsWith(DRAFT))) {
    const path = join(folder, name);
    // One that is renamed meanwhile is whole, and no draft any more.
    const file = await stat(path).catch(() => undefined);
    if (file && file.mtimeMs < olderThan) await rm(path, { force: true });
  }
}

async function put(
  folder: string,
  pathOf: (digest: Digest) => string,
  content: AsyncIterable<Uint8Array>,
  beforeKept: BeforeKept = async () => {},
): Promise<StoredBlob> {
  await mkdir(folder, { recursive: true });
  const draft = join(folder, `${DRAFT}${randomUUID()}`);
  const stream = new DigestStream();
  try {
    const file = await open(draft, 'wx', 0o600);
    try {
      for await (const chunk of content) {
        stream.update(chunk);
        await file.appendFile(chunk);
      }
      await file.sync();
    } finally {
      await file.close();
    }
    const blob = { digest: stream.digest(), sizeBytes: stream.sizeBytes };
    await beforeKept(blob);
    await mkdir(dirname(pathOf(blob.digest)), { recursive: true });
    await rename(draft, pathOf(blob.digest));
    return blob;
  } catch (error) {
    await rm(draft, { force: true });
    if ((error as NodeJS.ErrnoException).code === 'ENOSPC') {
      throw new MaestroError('DISK_FULL', `no space left to store an artifact in ${folder}`, { cause: error });
    }
    throw error;
  }
}

/** Opened when the first part is asked for: of content that nobody reads after all, nothing stays open. */
async function* checked(path: string, digest: Digest): AsyncIterable<Uint8Array> {
  const stream = new DigestStream();
  for await (const chunk of createReadStream(path) as AsyncIterable<Uint8Array>) {
    stream.update(chunk);
    yield chunk;
  }
  if (stream.digest() !== digest)
    throw new MaestroError('BLOB_CORRUPT', `the content stored as ${digest} has another digest`);
}
