import { gzipSync } from 'node:zlib';
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { isMaestroError } from '../../../../src/base/errors.ts';
import { readArchive } from '../../../../src/policy/own/archive.ts';
import { packTar } from './tar.ts';

const FILE = { name: '/policy.wasm', content: 'x' };

async function refusalOf(packed: Uint8Array): Promise<string> {
  try {
    await readArchive(packed);
  } catch (error) {
    if (isMaestroError(error, 'POLICY_INVALID')) return error.message;
    throw error;
  }
  return 'accepted';
}

describe('an archive', () => {
  test('gives its files by name, with or without the slash in front, however long they are', async () => {
    const files = await readArchive(
      packTar([
        FILE,
        { name: 'empty', content: '' },
        { name: 'b.rego', content: 'y'.repeat(513), prefix: 'a' },
        { name: '.manifest', content: '{}' },
      ]),
    );
    expect([...files].map(([name, bytes]) => [name, bytes.byteLength])).toEqual([
      ['policy.wasm', 1],
      ['empty', 0],
      ['a/b.rego', 513],
      ['.manifest', 2],
    ]);
  });

  test.each([
    ['that holds a file twice', packTar([FILE, { name: 'policy.wasm', content: 'other' }]), 'twice'],
    ['with a symbolic link', packTar([{ ...FILE, type: '2' }]), 'no regular file'],
    ['with a hard link', packTar([{ ...FILE, type: '1' }]), 'no regular file'],
    ['with a folder', packTar([{ ...FILE, type: '5' }]), 'no regular file'],
    ['with a device', packTar([{ ...FILE, type: '3' }]), 'no regular file'],
    ['with a header that renames the next file', packTar([{ ...FILE, type: 'x' }]), 'no regular file'],
    ['with a long name of GNU tar', packTar([{ ...FILE, type: 'L' }]), 'no regular file'],
    ['that leads out of its folder', packTar([{ ...FILE, name: '../policy.wasm' }]), 'file name'],
    ['that leads out of a folder in it', packTar([{ ...FILE, name: 'a/../../b' }]), 'file name'],
    ['with a name that Windows reads otherwise', packTar([{ ...FILE, name: 'a\\b' }]), 'file name'],
    ['with two slashes in front', packTar([{ ...FILE, name: '//b' }]), 'file name'],
    ['with a file without a name', packTar([{ ...FILE, name: '/' }]), 'file name'],
    ['with a name that is not ASCII', packTar([{ ...FILE, name: 'é' }]), 'file name'],
    ['with a name that steers a terminal', packTar([{ ...FILE, name: 'a\x1b[2J' }]), 'file name'],
    ['of 257 files', packTar(Array.from({ length: 257 }, (_, i) => ({ name: `${i}`, content: '' }))), 'files'],
    ['that goes on after its end', packTar([FILE], Buffer.concat([Buffer.alloc(1024), Buffer.from('x')])), 'follows'],
    ['without an end', packTar([FILE], new Uint8Array()), 'middle'],
    ['that is shorter than it says', packTar([{ ...FILE, content: 'x'.repeat(600) }]).subarray(0, 60), 'not whole'],
    ['that is nothing', new Uint8Array(), 'not whole'],
    ['that is no gzip', Buffer.from('not an archive'), 'not whole'],
    ['that is no tar', gzipSync('not a tar archive'.repeat(100)), 'damaged'],
    ['that unpacks to 33 MiB', gzipSync(Buffer.alloc(33 * 1024 * 1024)), 'unpacks'],
    ['of more than 8 MiB', Buffer.alloc(8 * 1024 * 1024 + 1), 'bytes'],
  ])('%s is refused', async (_, packed, why) => {
    expect(await refusalOf(packed)).toContain(why);
  });

  test('of which any byte was changed is read as it was, or refused, and never anything else', async () => {
    const packed = packTar([FILE, { name: 'b.rego', content: 'package b' }]);
    const right = await readArchive(packed);
    const changes = fc.tuple(fc.nat(packed.length - 1), fc.integer({ min: 1, max: 255 }));
    await fc.assert(
      fc.asyncProperty(changes, async ([at, flip]) => {
        const changed = Buffer.from(packed);
        changed[at] = (changed[at] ?? 0) ^ flip;
        const files = await readArchive(changed).catch((error: unknown) =>
          isMaestroError(error, 'POLICY_INVALID') ? right : error,
        );
        expect(files).toEqual(right);
      }),
      { numRuns: 300 },
    );
  });
});
