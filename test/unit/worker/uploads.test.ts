import { mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { digestBytes } from '../../../src/base/digest.ts';
import { collectArtifacts, mapLimited } from '../../../src/worker/artifacts.ts';
import { type BlobStore, blobStoreOf } from '../../../src/worker/blob-store.ts';
import { openHttpLeaseClient } from '../../../src/worker/http-lease-client.ts';
import { SecretScan } from '../../../src/worker/secret-scan.ts';
import { storeCacheFiles } from '../../../src/worker/step-cache.ts';

const FILES = 500;

describe('files on their way to a server that wants fewer calls, or is being replaced', () => {
  let folder: string;
  let server: Server;
  let blobs: BlobStore;
  let calls: number;
  const stop = new AbortController();
  const stored = new Map<string, Buffer>();

  beforeEach(async () => {
    folder = realpathSync(mkdtempSync(join(tmpdir(), 'maestro-uploads-')));
    mkdirSync(join(folder, 'out'));
    for (let i = 0; i < FILES; i++) writeFileSync(join(folder, 'out', `${i}`), `${i}\n`.repeat(100));
    calls = 0;
    stored.clear();
    server = createServer((request, response) => {
      const kind = calls++ % 3;
      if (kind === 0) response.writeHead(429, { 'retry-after': '1' }).end('{"code":"RATE_LIMITED"}');
      else if (kind === 1) request.once('data', () => response.destroy());
      else void store(request).then((answer) => response.end(JSON.stringify(answer)));
    });
    await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
    const client = openHttpLeaseClient({
      url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
      register: () => Promise.reject(new Error('not needed')),
      pause: () => Promise.resolve(),
    });
    blobs = blobStoreOf(client, 3, { stepId: '1.0', fence: 1 }, new SecretScan(['not-in-any-file']), stop.signal);
  });
  afterEach(async () => {
    rmSync(folder, { recursive: true });
    server.closeAllConnections();
    await new Promise((closed) => server.close(closed));
  });

  const store = async (request: IncomingMessage): Promise<object> => {
    const bytes = await buffer(request);
    const digest = digestBytes(bytes);
    stored.set(digest, bytes);
    return { digest, sizeBytes: bytes.byteLength };
  };

  it('are all kept as artifacts', { timeout: 20_000 }, async () => {
    const specs = [{ name: 'out', paths: ['out/**'], isRequired: true }];
    const { artifacts } = await collectArtifacts(specs, folder, blobs);
    expect(artifacts).toHaveLength(FILES);
    for (const { path, digest } of artifacts) expect(stored.get(digest)?.toString()).toBe(`${path}\n`.repeat(100));
    expect(calls).toBeGreaterThan(2 * FILES);
  });

  it('are all kept in the cache, with the targets of links', { timeout: 20_000 }, async () => {
    symlinkSync('7', join(folder, 'out', 'link'));
    const files = await storeCacheFiles(['out'], folder, blobs);
    expect(files).toHaveLength(FILES + 1);
    const link = files.find(({ name }) => name === 'link');
    expect(link && stored.get(link.digest)?.toString()).toBe('7');
  });
});

describe('work on many items', () => {
  it('is not begun once one of them has failed', async () => {
    const begun: number[] = [];
    const work = async (item: number): Promise<void> => {
      begun.push(item);
      await Promise.resolve();
      if (item === 0) throw new Error('the first');
    };
    await expect(mapLimited([0, 1, 2, 3, 4, 5], 2, work)).rejects.toThrow('the first');
    await new Promise(setImmediate);
    expect(begun).toEqual([0, 1]);
  });
});
