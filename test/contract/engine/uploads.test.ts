import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { digestBytes } from '../../../src/base/digest.ts';
import {
  BLOB_BYTES_MAX,
  BLOB_BYTES_PER_DAY_MAX,
  BLOB_COUNT_EVERY_BYTES,
  BLOB_DAY_PORTION_BYTES,
} from '../../../src/engine/worker-limits.ts';
import type { Lease } from '../../../src/protocol/lease.ts';
import { openFileBlobs } from '../../../src/store/blobs.ts';
import { onEveryDatabase } from '../../every-database.ts';
import { planStep, TRIGGER } from '../../fakes/plans.ts';
import { type FreshDatabase, freshDatabase } from '../../fresh-database.ts';
import { type TestWorker, World } from './world.ts';

const MEGABYTE = 1_048_576;

onEveryDatabase('content that a step sends', (url) => {
  let fresh: FreshDatabase;
  let world: World;
  let worker: TestWorker;
  let blobs: string;
  let lease: Lease;

  beforeEach(async () => {
    fresh = await freshDatabase(url);
    blobs = await mkdtemp(join(tmpdir(), 'maestro-uploads-'));
    world = await World.open(await fresh.open(), { blobs: openFileBlobs(blobs) });
    worker = await world.worker();
    const github = { repository_id: '11' };
    await world.start([planStep('a')], { trigger: { ...TRIGGER, actor: { provider: 'github', id: 'ada' }, github } });
    lease = await worker.take('a');
  });
  afterEach(async () => {
    await world.close();
    await world.db.close();
    await fresh.drop();
    await rm(blobs, { recursive: true });
  });

  const send = (parts: () => AsyncIterable<Uint8Array>) =>
    world.engine.leases.putBlob(worker.id, { stepId: lease.stepId, fence: lease.fence }, parts());
  const put = (text: string) =>
    send(async function* () {
      yield Buffer.from(text);
    });
  /** Breaks off after so many megabytes. */
  const brokenAfter = (megabytes: number) =>
    send(async function* () {
      for (let i = 0; i < megabytes; i++) yield Buffer.alloc(MEGABYTE, i);
      throw new Error('the connection broke');
    });
  const day = async () => (await world.sql('select blob_bytes::bigint, xmin::text from repository_day'))[0] ?? [];
  const usage = () => world.sql('select count, bytes::int from attempt_usage');

  it('is refused where it is more than one attempt may bring, and nothing is left of it', async () => {
    await put('first');
    await world.sql(`update attempt_usage set bytes = ${BLOB_BYTES_MAX - 3}`);
    await expect(put('four')).rejects.toMatchObject({ code: 'REQUEST_TOO_LARGE' });
    expect((await put('two')).sizeBytes).toBe(3);
    expect(await readdir(blobs)).toEqual(['sha256']);
  });

  it('is refused where it is more than one repository may send on a day, to the byte', async () => {
    await world.sql(`insert into repository_day values ('github:11', current_date, ${BLOB_BYTES_PER_DAY_MAX - 8})`);
    await put('first');
    await expect(put('four')).rejects.toMatchObject({ code: 'REQUEST_TOO_LARGE' });
    expect((await put('two')).sizeBytes).toBe(3);
    expect(await readdir(blobs)).toEqual(['sha256']);
    expect(Number((await day())[0])).toBe(BLOB_BYTES_PER_DAY_MAX);
  });

  it('is counted once for hundreds of small files in the row that all uploads of a repository share', async () => {
    await put('first');
    const [bytes, version] = await day();
    expect(Number(bytes)).toBe(BLOB_DAY_PORTION_BYTES);
    await Promise.all(Array.from({ length: 160 }, (_, i) => put(`file ${i}`)));
    expect(await day()).toEqual([bytes, version]);
    expect((await usage())[0]?.[0]).toBe(161);
    expect(await world.sql('select count(*)::int from blob_owner')).toEqual([[161]]);
  });

  it('takes no bytes from anybody where it does not end in the store, and of tries only large ones', async () => {
    await put('first');
    const [before] = await day();
    for (let times = 0; times < 3; times++) await expect(brokenAfter(40)).rejects.toThrow('the connection broke');
    await expect(brokenAfter(10)).rejects.toThrow('the connection broke');
    expect(await usage()).toEqual([[4, 5]]);
    expect(Number((await day())[0])).toBeLessThanOrEqual(Number(before) + BLOB_DAY_PORTION_BYTES);
    expect(await readdir(blobs)).toEqual(['sha256']);
  });

  it('is one file where it cannot take its place in the store', async () => {
    await writeFile(join(blobs, 'sha256'), 'no folder');
    for (let times = 1; times <= 3; times++) {
      await expect(put('small')).rejects.toThrow('sha256');
      expect(await usage()).toEqual([[times, 0]]);
    }
  });

  it('is counted while it arrives, so that many that never end do not fill the disk together', async () => {
    await world.sql(`insert into attempt_usage values (${lease.stepId.replace('.', ', ')}, ${lease.fence}, 3, 0,
      ${BLOB_BYTES_MAX - BLOB_COUNT_EVERY_BYTES - MEGABYTE})`);
    let sent = 0;
    const endless = send(async function* () {
      for (; ; sent++) yield Buffer.alloc(MEGABYTE, sent);
    });
    await expect(endless).rejects.toMatchObject({ code: 'REQUEST_TOO_LARGE' });
    expect(sent).toBeLessThan((2 * BLOB_COUNT_EVERY_BYTES) / MEGABYTE + 1);
  });

  it('is counted for the day from the first megabyte, so that many that hang do not fill the disk together', async () => {
    await world.sql(
      `insert into repository_day values ('github:11', current_date, ${BLOB_BYTES_PER_DAY_MAX - 4 * MEGABYTE})`,
    );
    const doors: (() => void)[] = [];
    const hanging = Array.from({ length: 8 }, (_, i) =>
      send(async function* () {
        yield Buffer.alloc(MEGABYTE, i);
        await new Promise<void>((resolve) => doors.push(resolve));
      }),
    );
    const ended = Promise.allSettled(hanging);
    await expect.poll(() => doors.length).toBe(4);
    const refused = await Promise.race(hanging.map((one) => one.catch((error: unknown) => error)));
    expect(refused).toMatchObject({ code: 'REQUEST_TOO_LARGE' });
    for (const end of doors) end();
    expect((await ended).filter(({ status }) => status === 'fulfilled')).toHaveLength(4);
  });

  it('belongs to the repository that sent it whole, and to no other', async () => {
    const { digest } = await put('mine');
    expect(digest).toBe(digestBytes('mine'));
    await expect(brokenAfter(1)).rejects.toThrow('the connection broke');
    expect(await world.sql('select repository, digest from blob_owner')).toEqual([['github:11', digest]]);
  });
});
