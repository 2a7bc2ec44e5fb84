import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { auditRegister } from '../../src/cli/register/audit-register.ts';
import { type Exported, exportRegister } from '../../src/cli/register/export-register.ts';
import { registerAtTiles } from '../../src/cli/register/register-at-tiles.ts';
import { openBucket } from '../../src/cli/register/tile-bucket/bucket-client.ts';
import { openTileBucket } from '../../src/cli/register/tile-bucket/tile-bucket.ts';
import { openTileFolder } from '../../src/cli/register/tile-folder.ts';
import type { TileStore } from '../../src/cli/register/tile-store.ts';
import { readVerifierKey } from '../../src/provenance/evidence-log/note-key.ts';
import { FakeRegister } from '../fakes/register.ts';
import { describeWith } from '../real-parts.ts';
import { RealS3 } from '../real-s3.ts';
import { leavesOf, newLogSigner, textsOf } from '../unit/provenance/evidence-log/sample-log.ts';

const text = (store: TileStore, path: string): Promise<string> =>
  store.read(path).then((bytes) => Buffer.from(bytes).toString());

const exportTo = (store: TileStore, register: FakeRegister): Promise<Exported> =>
  exportRegister({ reader: register, key: readVerifierKey(register.signer.verifierKey), onProgress: () => {} }, store);

/** What an auditor finds who has the store and the key of the register, and nothing else. */
async function auditOf(store: TileStore, register: FakeRegister) {
  const key = readVerifierKey(register.signer.verifierKey);
  const { shown, ...exported } = await registerAtTiles(store, key);
  const kept = shown === undefined ? [] : [shown];
  const report = await auditRegister({ ...exported, store: undefined, key, kept, openSinceMs: undefined });
  return { size: report.checkpoint.size, codes: report.findings.map(({ code }) => code) };
}

/** The same place, of which a process is killed in its nth write: nothing that comes later happens. */
function killedAt(write: number, store: TileStore): TileStore {
  let writes = 0;
  const alive = async (): Promise<void> => {
    if (++writes >= write) throw new Error('killed');
  };
  return {
    ...store,
    add: async (path, bytes) => {
      await alive();
      await store.add(path, bytes);
    },
    replace: async (path, bytes) => {
      await alive();
      await store.replace(path, bytes);
    },
  };
}

/** @param open a new, empty place; each call of what it answers is another exporter to it */
function holdToContract(open: () => Promise<() => Promise<TileStore>>): void {
  const openOne = async (): Promise<TileStore> => (await open())();

  it('holds what was added, and adds nothing twice', async () => {
    const store = await openOne();
    await store.add('tile/0/x001/000.p/7', Buffer.from('seven'));
    await store.add('tile/0/x001/000.p/7', Buffer.from('seven'));
    expect(await text(store, 'tile/0/x001/000.p/7')).toBe('seven');
    await expect(store.read('tile/0/x001/000')).rejects.toMatchObject({ code: 'CONFLICT' });
  });

  it('does not let another content in where one is', async () => {
    const store = await openOne();
    await store.add('tile/0/000', Buffer.from('first'));
    await expect(store.add('tile/0/000', Buffer.from('other'))).rejects.toMatchObject({ code: 'CONFLICT' });
    await expect(store.add('tile/0/000', Buffer.from(''))).rejects.toMatchObject({ code: 'CONFLICT' });
    expect(await text(store, 'tile/0/000')).toBe('first');
  });

  it('of writers of one file at once lets one in, and the others where they bring the same', async () => {
    const place = await open();
    const stores = await Promise.all(Array.from({ length: 6 }, place));
    await Promise.all(stores.map((store) => store.add('tile/0/000', Buffer.from('same'))));
    const ends = await Promise.allSettled(stores.map((store, i) => store.add('tile/0/001', Buffer.from(`${i % 3}`))));
    const held = await text(await place(), 'tile/0/001');
    const codes = ends.map((end) => (end.status === 'rejected' ? (end.reason as { code: string }).code : 'let in'));
    expect(codes).toEqual(stores.map((_, i) => (`${i % 3}` === held ? 'let in' : 'CONFLICT')));
  });

  it('replaces what the layout wants to change', async () => {
    const store = await openOne();
    for (const note of ['one', 'two', 'two']) await store.replace('checkpoint', Buffer.from(note));
    expect(await text(store, 'checkpoint')).toBe('two');
  });

  it('knows the sizes of its checkpoints, and of nothing else', async () => {
    const store = await openOne();
    expect(await store.sizes()).toEqual([]);
    for (const path of [
      'checkpoints/0000000000000007',
      'checkpoints/0000000000001234',
      'checkpoints/note',
      'checkpoint',
    ])
      await store.add(path, Buffer.from(path));
    expect((await store.sizes()).toSorted((a, b) => a - b)).toEqual([7, 1234]);
  });

  it('takes a register, and what it grows by, and an auditor finds it whole', async () => {
    const place = await open();
    const register = new FakeRegister(textsOf(leavesOf(150)));
    expect(await exportTo(await place(), register)).toMatchObject({ before: 0, checkpoint: { size: 300 } });
    register.entries = textsOf(leavesOf(700));
    expect(await exportTo(await place(), register)).toMatchObject({ before: 300, checkpoint: { size: 1400 } });
    expect(await exportTo(await place(), register)).toMatchObject({ before: 1400 });
    expect(await auditOf(await place(), register)).toEqual({ size: 1400, codes: [] });
    expect(await text(await place(), 'checkpoint')).toBe((await register.checkpoint()).checkpoint);
  });

  it('does not mix two registers', async () => {
    const place = await open();
    const register = new FakeRegister(textsOf(leavesOf(150)));
    await exportTo(await place(), register);
    const other = new FakeRegister(textsOf(leavesOf(200).slice(2)));
    other.signer = register.signer;
    await expect(exportTo(await place(), other)).rejects.toMatchObject({ code: 'LOG_FORKED' });
    other.signer = newLogSigner();
    await expect(exportTo(await place(), other)).rejects.toMatchObject({ code: 'KEY_UNKNOWN' });
    register.entries = textsOf(leavesOf(100));
    await expect(exportTo(await place(), register)).rejects.toMatchObject({ code: 'LOG_ROLLED_BACK' });
  });

  it('goes on with an export that was killed, wherever that was', async () => {
    const register = new FakeRegister(textsOf(leavesOf(150)));
    let isKilled = true;
    let write = 0;
    while (isKilled) {
      const place = await open();
      await exportTo(await place(), register);
      const grown = new FakeRegister(textsOf(leavesOf(300)));
      grown.signer = register.signer;
      const end = await exportTo(killedAt(++write, await place()), grown).catch((error: Error) => error.message);
      isKilled = end === 'killed';
      // Whatever it left behind is whole as far as a checkpoint says so.
      expect((await auditOf(await place(), register)).codes).toEqual([]);
      expect(await exportTo(await place(), grown)).toMatchObject({ checkpoint: { size: 600 } });
      expect(await auditOf(await place(), grown)).toEqual({ size: 600, codes: [] });
      expect(await text(await place(), 'checkpoint')).toBe((await grown.checkpoint()).checkpoint);
    }
    // A full tile with its leaves, three files of what is not full, a checkpoint, and the one that shows it.
    expect(write - 1).toBe(7);
  });

  it('takes the same register from exporters at once, and shows the newest of their checkpoints', async () => {
    const place = await open();
    const registers = [150, 150, 300, 400].map((runs) => new FakeRegister(textsOf(leavesOf(runs))));
    const newest = registers.at(-1) as FakeRegister;
    for (const register of registers) register.signer = newest.signer;
    await Promise.all(registers.map(async (register) => exportTo(await place(), register)));
    expect(await text(await place(), 'checkpoint')).toBe((await newest.checkpoint()).checkpoint);
    expect(await auditOf(await place(), newest)).toEqual({ size: 800, codes: [] });
  });
}

describe('a folder of tiles', () => {
  let folder: string;
  let places = 0;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'maestro-tiles-'));
  });
  afterAll(() => rm(folder, { recursive: true }));
  holdToContract(async () => {
    const place = join(folder, String(++places));
    return async () => openTileFolder(place);
  });
});

describeWith('versitygw', 'a bucket of tiles in a real S3 server', (program) => {
  const s3 = new RealS3(program);
  beforeAll(async () => {
    await s3.open();
    for (const [name, value] of Object.entries(s3.environment)) vi.stubEnv(name, value);
  });
  afterAll(async () => {
    vi.unstubAllEnvs();
    await s3.close();
  });
  const bucketAt = async (prefix: string, bucket?: string) => {
    const place = { bucket: bucket ?? (await s3.makeBucket()), prefix };
    const asked = { period: { count: 1, unit: 'd' }, mode: undefined } as const;
    return async () => openTileBucket(await openBucket(place, { endpoint: s3.url }), asked, Date.now());
  };

  describe('that it has for itself', () => {
    holdToContract(() => bucketAt(''));
  });

  describe('below a prefix', () => {
    let bucket = '';
    let places = 0;
    holdToContract(async () => {
      if (bucket === '') bucket = await s3.makeBucket();
      return bucketAt(`acme/evidence/${++places}/`, bucket);
    });

    it('leaves nothing anywhere else', async () => {
      const keys = (await s3.versions(bucket)).map(({ Key }) => Key ?? '');
      expect(keys.length).toBeGreaterThan(0);
      expect(keys.filter((key) => !key.startsWith('acme/evidence/'))).toEqual([]);
    });
  });
});
