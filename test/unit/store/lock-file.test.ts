import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, readdir, readFile, rm, utimes, writeFile } from 'node:fs/promises';
import { hostname, tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openEmbedded } from '../../../src/store/embedded.ts';
import { takeLock } from '../../../src/store/lock-file.ts';

const LOCKED = { code: 'STATE_LOCKED' };
const MODULE = resolve(import.meta.dirname, '../../../src/store/lock-file.ts');
const LONG_AGO = new Date('2001-01-01');

describe('the lock of a folder', () => {
  let folder: string;
  let path: string;
  const children: ChildProcess[] = [];
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'maestro-lock-'));
    path = join(folder, 'lock');
  });
  afterEach(async () => {
    for (const child of children.splice(0)) child.kill('SIGKILL');
    await rm(folder, { recursive: true, force: true });
  });

  /** Another process that takes the lock; answers what it says of it. */
  async function other(): Promise<{ child: ChildProcess; said: string }> {
    const code = `import { takeLock } from ${JSON.stringify(MODULE)};
      await takeLock(${JSON.stringify(path)}).then(() => console.log('held'), (error) => console.log(error.code));
      setInterval(() => {}, 60_000);`;
    const child = spawn(process.execPath, ['--input-type=module', '--eval', code], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    children.push(child);
    const [said] = (await once(child.stdout, 'data')) as [Buffer];
    return { child, said: said.toString().trim() };
  }

  async function end(child: ChildProcess): Promise<void> {
    const ended = once(child, 'exit');
    child.kill('SIGKILL');
    await ended;
  }

  async function owner(change: object): Promise<void> {
    const stat = await readFile('/proc/self/stat', 'utf8').catch(() => '');
    const startTicks = stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? '';
    await writeFile(path, JSON.stringify({ pid: process.pid, startTicks, host: hostname(), token: 'x', ...change }));
  }

  it('admits one holder, and the next one after it let go', async () => {
    const lock = await takeLock(path);
    await expect(takeLock(path)).rejects.toMatchObject(LOCKED);
    await lock.release();
    expect(await readdir(folder)).toEqual([]);
    await (await takeLock(path)).release();
  });

  it('tells another process who holds it, and is taken over when its holder was killed', async () => {
    const lock = await takeLock(path);
    expect((await other()).said).toBe('STATE_LOCKED');
    await lock.release();
    const { child, said } = await other();
    expect(said).toBe('held');
    await expect(takeLock(path)).rejects.toMatchObject({
      ...LOCKED,
      message: expect.stringContaining(String(child.pid)),
    });
    await end(child);
    await (await takeLock(path)).release();
  });

  it('goes to one alone of many who find it stale', async () => {
    await owner({ pid: 2 ** 22 + 1 });
    const takers = await Promise.allSettled(Array.from({ length: 20 }, () => takeLock(path)));
    expect(takers.filter((taker) => taker.status === 'fulfilled')).toHaveLength(1);
    expect(await readdir(folder)).toEqual(['lock']);
  });

  it('does not take a reused pid for its owner', async () => {
    await owner({});
    await expect(takeLock(path)).rejects.toMatchObject(LOCKED);
    await owner({ startTicks: '1' });
    await (await takeLock(path)).release();
  });

  it('believes the owner on another machine, whom it cannot see', async () => {
    await owner({ host: 'elsewhere', pid: 1 });
    await expect(takeLock(path)).rejects.toMatchObject(LOCKED);
  });

  for (const content of ['', '{"pid":12', 'null', '{}', '[]', '{"pid":"1","host":1}']) {
    it(`holds a file with ${content || 'nothing'} in it for a moment, and takes it over when it is old`, async () => {
      await writeFile(path, content);
      await expect(takeLock(path)).rejects.toMatchObject(LOCKED);
      await utimes(path, LONG_AGO, LONG_AGO);
      await (await takeLock(path)).release();
    });
  }

  it('is not removed by a holder who lost it', async () => {
    const lock = await takeLock(path);
    await owner({ token: 'another' });
    await lock.release();
    expect(await readdir(folder)).toEqual(['lock']);
  });
});

describe('the embedded database', () => {
  it('serves one at a time, and frees its folder when it is closed', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'maestro-embedded-'));
    const db = await openEmbedded(folder);
    await expect(openEmbedded(folder)).rejects.toMatchObject(LOCKED);
    await db.query('', 'create table t (n int)', []);
    await db.close();
    const again = await openEmbedded(folder);
    expect(await again.query('', 'select count(*)::int from t', [])).toEqual([[0]]);
    await again.close();
    await rm(folder, { recursive: true });
  });

  it('says so where its folder holds something else, and leaves the lock free', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'maestro-embedded-'));
    await mkdir(join(folder, 'database'), { recursive: true });
    await writeFile(join(folder, 'database', 'PG_VERSION'), 'not a version');
    await expect(openEmbedded(folder)).rejects.toMatchObject({ code: 'STATE_CORRUPT' });
    expect(await readdir(folder)).toEqual(['database']);
    await rm(folder, { recursive: true });
  });
});
