import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, relative, resolve } from 'node:path';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { S3Line } from '../fakes/s3-line.ts';
import { describeWith } from '../real-parts.ts';
import { PLANTED_SECRET, RealS3 } from '../real-s3.ts';
import { Door } from '../unit/api/door.ts';
import { leavesOf, textsOf } from '../unit/provenance/evidence-log/sample-log.ts';

const CLI = resolve(import.meta.dirname, '../../app/cli.ts');
/** A dozen processes, beside whatever else the machine does. */
vi.setConfig({ testTimeout: 180_000 });
/** 46 full tiles in all, 23 of them of leaves. */
const RUNS = 3000;

describeWith('versitygw', 'the register of a server, exported by the binary to a real S3 server', (program) => {
  const s3 = new RealS3(program);
  const folder = mkdtempSync(join(tmpdir(), 'maestro-export-'));
  let door: Door;
  let line: S3Line;
  beforeAll(async () => {
    door = await new Door().open();
    door.register.entries = textsOf(leavesOf(RUNS));
    writeFileSync(join(folder, 'log.pub'), door.register.signer.verifierKey);
    await s3.open();
    line = await new S3Line(s3.address).open();
  });
  afterAll(async () => {
    await line.close();
    await s3.close();
    await door.close();
    rmSync(folder, { recursive: true });
  });

  /** The binary as a person starts it; nothing of the machine's own settings reaches it. */
  const start = (...words: string[]) => {
    const env = { PATH: process.env.PATH, HOME: folder, ...s3.environment };
    const child = spawn(process.execPath, [CLI, 'evidence', ...words], { cwd: folder, env });
    let [out, said] = ['', ''];
    child.stdout.on('data', (text) => (out += String(text)));
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (text) => (said += String(text)));
    const ended = new Promise<{ exit: number | null; out: string; said: string }>((resolve) =>
      child.once('close', (exit) => resolve({ exit, out, said })),
    );
    return { child, ended };
  };
  const run = (...words: string[]) => start(...words).ended;
  const exportWords = (place: string, endpoint = s3.url): string[] => [
    'export',
    place,
    '--server',
    door.url,
    '--log-key',
    'log.pub',
    ...(place.startsWith('s3:') ? ['--endpoint', endpoint, '--retain', '1d'] : []),
  ];
  const audit = async (place: string, ...more: string[]) => {
    const { exit, out } = await run('audit', '--export', place, '--log-key', 'log.pub', '--json', ...more);
    return { exit, ...(JSON.parse(out) as object) };
  };
  const filesOf = (root: string): Map<string, string> =>
    new Map(
      readdirSync(root, { recursive: true, encoding: 'utf8', withFileTypes: true })
        .filter((entry) => entry.isFile())
        .map((entry) => join(entry.parentPath, entry.name))
        .map((path) => [relative(root, path), readFileSync(path, 'base64')]),
    );

  it('is killed midway, goes on, and is the same, file by file, as in a folder; a stranger reads it over HTTP and finds it whole', async () => {
    const bucket = await s3.makeBucket();
    const place = `s3://${bucket}/evidence`;
    const first = start(...exportWords(place, line.url));
    let writes = 0;
    line.misdeed = ({ method }) => {
      if (method === 'PUT' && ++writes === 20) first.child.kill('SIGKILL');
      return undefined;
    };
    expect((await first.ended).exit).toBeNull();
    const left = (await s3.versions(bucket)).length;
    expect(left).toBeGreaterThan(10);
    expect(left).toBeLessThan(46);
    expect(await audit(place, '--endpoint', s3.url)).toMatchObject({ error: { code: 'EVIDENCE_NOT_FOUND' } });

    const second = await run(...exportWords(place));
    expect(second).toMatchObject({ exit: 0, said: expect.stringContaining(`exported ${2 * RUNS} leaves to ${place}`) });
    expect((await run(...exportWords('archive'))).exit).toBe(0);
    const versions = await s3.versions(bucket);
    await s3.publish(bucket);
    for (const { Key = '' } of versions) {
      const answer = await fetch(`${s3.url}/${bucket}/${Key}`);
      expect(answer.status).toBe(200);
      const isNote = Key.startsWith('evidence/checkpoint');
      // As tlog-tiles wants it of whoever serves the files.
      expect(answer.headers.get('content-type')).toBe(
        isNote ? 'text/plain; charset=utf-8' : 'application/octet-stream',
      );
      const path = join(folder, 'read-back', relative('evidence', Key));
      mkdirSync(dirname(path), { recursive: true });
      writeFileSync(path, Buffer.from(await answer.arrayBuffer()));
    }
    // No object has a second version.
    expect(versions).toHaveLength(filesOf(join(folder, 'archive')).size);
    expect(filesOf(join(folder, 'read-back'))).toEqual(filesOf(join(folder, 'archive')));

    const whole = { exit: 0, isValid: true, size: 2 * RUNS, runs: RUNS, openRuns: 0, isKeyTrusted: true };
    expect(await audit('archive')).toMatchObject(whole);
    expect(await audit('read-back')).toMatchObject(whole);
    expect(await audit(place, '--endpoint', s3.url)).toMatchObject(whole);
    expect(second.said).not.toContain(PLANTED_SECRET);
  });

  it('is brought there by two processes at once', async () => {
    const bucket = await s3.makeBucket();
    const place = `s3://${bucket}`;
    const ends = await Promise.all([run(...exportWords(place)), run(...exportWords(place))]);
    expect(ends.map(({ exit }) => exit)).toEqual([0, 0]);
    expect(await audit(place, '--endpoint', s3.url)).toMatchObject({ exit: 0, isValid: true, size: 2 * RUNS });
    const keys = (await s3.versions(bucket)).map(({ Key }) => Key);
    // Only the one that the layout replaces may have been written by both.
    const written = keys.filter((key) => key !== 'checkpoint');
    expect(new Set(written).size).toBe(written.length);
  });

  it('says what it wants of a bucket, and what of a request', async () => {
    const place = `s3://${await s3.makeBucket(false)}`;
    expect(await run(...exportWords(place))).toMatchObject({ exit: 2, said: expect.stringContaining('BUCKET_UNFIT') });
    const locked = `s3://${await s3.makeBucket()}`;
    const words = ['export', locked, '--server', door.url, '--endpoint', s3.url];
    expect(await run(...words)).toMatchObject({ exit: 2, said: expect.stringContaining('--retain') });
    const refused = await run(...words, '--retain', '1d', '--endpoint', 'http://127.0.0.1:9');
    expect(refused).toMatchObject({ exit: 1, said: expect.stringContaining('ECONNREFUSED') });
    expect(refused.said).not.toContain(PLANTED_SECRET);
  });
});
