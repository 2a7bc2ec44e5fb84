import { mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { digestBytes } from '../../../src/base/digest.ts';
import type { JsonObject } from '../../../src/base/json.ts';
import type { Lease } from '../../../src/protocol/lease.ts';
import { leaseOf } from '../worker/leases.ts';
import { WorkRoom } from '../worker/work-room.ts';

let room: WorkRoom;
beforeEach(() => {
  room = new WorkRoom();
});
afterEach(() => room.remove());

const write = (path: string, text: string): void => {
  mkdirSync(join(room.repositoryRoot, path, '..'), { recursive: true });
  writeFileSync(join(room.repositoryRoot, path), text);
};
const read = (path: string): string => readFileSync(join(room.repositoryRoot, path), 'utf8');

describe('artifact.upload', () => {
  const upload = (input: JsonObject): Lease => leaseOf({}, { uses: 'artifact.upload', with: input });

  it('keeps the files of several globs under the folder that they have in common', async () => {
    write('out/js/a.js', 'a');
    write('out/css/b.css', 'b');
    write('out/js/a.map', 'map');
    const outcome = await room.run(upload({ name: 'site', path: ['out/js/**', 'out/css/*.css', '!**/*.map'] }));
    expect(outcome).toMatchObject({ kind: 'succeeded', outputs: { name: 'site', files: 2 } });
    expect(outcome.artifacts).toEqual([
      { name: 'site', path: 'css/b.css', digest: digestBytes('b'), sizeBytes: 1 },
      { name: 'site', path: 'js/a.js', digest: digestBytes('a'), sizeBytes: 1 },
    ]);
    expect([...room.client.blobs.values()].map(String).sort()).toEqual(['a', 'b']);
  });

  it('keeps a file once that the pipeline declares as well', async () => {
    write('app.tgz', 'bytes');
    const step = { uses: 'artifact.upload', with: { name: 'app', path: 'app.tgz' } };
    const lease = leaseOf({}, { ...step, artifacts: [{ name: 'app', path: 'app.tgz', isRequired: true }] });
    expect((await room.run(lease)).artifacts).toHaveLength(1);
  });

  it('fails where nothing matches, unless that may be', async () => {
    expect(await room.run(upload({ name: 'a', path: 'none/**' }))).toMatchObject({
      kind: 'failed',
      errorClass: 'step',
      errorCode: 'ARTIFACT_NOT_FOUND',
    });
    const outcome = await room.run(upload({ name: 'a', path: 'none/**', required: false }));
    expect(outcome).toMatchObject({ kind: 'succeeded', outputs: { files: 0 }, artifacts: [] });
  });

  it.each(['../other', '/etc/passwd', 'a/../../b'])('takes no %s', async (path) => {
    expect(await room.run(upload({ name: 'a', path }))).toMatchObject({ kind: 'failed', errorCode: 'INPUT_INVALID' });
  });

  it('follows no link out of the checkout', async () => {
    symlinkSync('/etc/hostname', join(room.repositoryRoot, 'host'));
    const outcome = await room.run(upload({ name: 'a', path: 'host', required: false }));
    expect(outcome).toMatchObject({ kind: 'succeeded', artifacts: [] });
  });

  it.each(['', 'a/b', 'a\\b', 'a\nb', 'x'.repeat(201)])('takes no artifact called %j', async (name) => {
    write('f', 'f');
    expect(await room.run(upload({ name, path: 'f' }))).toMatchObject({ kind: 'failed', errorCode: 'INPUT_INVALID' });
  });
});

describe('artifact.download', () => {
  const download = (input: JsonObject): Lease => leaseOf({}, { uses: 'artifact.download', with: input });
  const made = (path: string, text: string, step = 'build', name = 'app'): void => {
    const bytes = Buffer.from(text);
    const digest = digestBytes(bytes);
    room.client.blobs.set(digest, bytes);
    room.client.made.push({ step, name, path, digest, sizeBytes: bytes.byteLength });
  };

  it('writes what an earlier step left behind, and nothing of another name', async () => {
    made('bin/app', 'program');
    made('log', 'not asked for', 'build', 'log');
    const outcome = await room.run(download({ name: 'app', to: 'in/here' }));
    expect(outcome).toMatchObject({
      kind: 'succeeded',
      outputs: { path: 'in/here', files: [{ path: 'bin/app', digest: digestBytes('program') }], sizeBytes: 7 },
    });
    expect(read('in/here/bin/app')).toBe('program');
    expect(readdirSync(join(room.repositoryRoot, 'in/here'))).toEqual(['bin']);
  });

  it('wants to know whose file it is where two steps made different ones', async () => {
    made('app', 'one', 'build[a]');
    made('app', 'two', 'build[b]');
    expect(await room.run(download({ name: 'app' }))).toMatchObject({ kind: 'failed', errorCode: 'CONFLICT' });
    expect(await room.run(download({ name: 'app', from: 'build[b]' }))).toMatchObject({ kind: 'succeeded' });
    expect(read('app')).toBe('two');
  });

  it('fails where there is none, unless that may be', async () => {
    expect(await room.run(download({ name: 'app' }))).toMatchObject({
      kind: 'failed',
      errorClass: 'step',
      errorCode: 'ARTIFACT_NOT_FOUND',
    });
    expect(await room.run(download({ name: 'app', required: false }))).toMatchObject({ kind: 'succeeded' });
  });

  it('puts nothing in place whose content is not what its digest says', async () => {
    made('app', 'genuine');
    room.client.blobs.set(digestBytes('genuine'), Buffer.from('swapped'));
    expect(await room.run(download({ name: 'app' }))).toMatchObject({ kind: 'failed', errorCode: 'BLOB_CORRUPT' });
    expect(readdirSync(room.repositoryRoot)).toEqual([]);
  });

  it.each(['../out', '/tmp/out', 'a/../../out', '.'])('writes no file at %s', async (path) => {
    made(path, 'hostile');
    expect(await room.run(download({ name: 'app', to: 'in' }))).toMatchObject({
      kind: 'failed',
      errorCode: 'BLOB_CORRUPT',
    });
    expect(readdirSync(join(room.repositoryRoot, 'in'))).toEqual([]);
  });

  it.each(['..', '/tmp/elsewhere', 'a/../../b'])('takes no folder %s', async (to) => {
    made('app', 'x');
    expect(await room.run(download({ name: 'app', to }))).toMatchObject({
      kind: 'failed',
      errorCode: 'INPUT_INVALID',
    });
  });

  it('makes nothing behind a link that leads out, be it of the folder or of a file', async () => {
    const outside = join(room.repositoryRoot, '../outside');
    mkdirSync(outside);
    symlinkSync(outside, join(room.repositoryRoot, 'link'));
    made('sub/app', 'x');
    expect(await room.run(download({ name: 'app', to: 'link/deep' }))).toMatchObject({ errorCode: 'INPUT_INVALID' });
    mkdirSync(join(room.repositoryRoot, 'in'));
    symlinkSync(outside, join(room.repositoryRoot, 'in/sub'));
    expect(await room.run(download({ name: 'app', to: 'in' }))).toMatchObject({ errorCode: 'BLOB_CORRUPT' });
    expect(readdirSync(outside)).toEqual([]);
  });

  it('replaces a link in the place of a file, and leaves what it led to', async () => {
    write('precious', 'kept');
    symlinkSync('precious', join(room.repositoryRoot, 'app'));
    made('app', 'new');
    await room.run(download({ name: 'app' }));
    expect([read('precious'), read('app')]).toEqual(['kept', 'new']);
  });
});
