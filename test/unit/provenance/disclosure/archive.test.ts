import { isDeepStrictEqual } from 'node:util';
import { gzipSync } from 'node:zlib';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readArchive, writeArchive } from '../../../../src/provenance/disclosure/archive.ts';
import { VerificationError } from '../../../../src/provenance/verification-error.ts';
import { packed, tarBytes as tar } from './sample-tar.ts';

async function refusal(archive: Uint8Array): Promise<string | undefined> {
  try {
    await readArchive(archive);
    return undefined;
  } catch (error) {
    if (error instanceof VerificationError) return error.code;
    throw error;
  }
}

describe('an archive', () => {
  it('holds what was put into it, in whatever order that was, and is the same each time', async () => {
    const path = fc
      .stringMatching(/^[a-z0-9_.-]{1,30}(?:\/[a-zA-Z0-9_-]{1,120}){0,2}$/)
      .filter((text) => !/^\.{1,2}(?:\/|$)/.test(text));
    await fc.assert(
      fc.asyncProperty(
        fc.uniqueArray(fc.tuple(path, fc.uint8Array({ maxLength: 2000 })), {
          selector: ([name]) => name,
          minLength: 1,
          maxLength: 8,
        }),
        async (entries) => {
          const archive = await writeArchive('run-1', new Map(entries));
          expect(Buffer.from(await writeArchive('run-1', new Map(entries.toReversed()))).equals(archive)).toBe(true);
          const { folder, files } = await readArchive(archive);
          expect(folder).toBe('run-1');
          expect(new Map([...files].map(([name, content]) => [name, [...content]]))).toEqual(
            new Map(entries.map(([name, content]) => [name, [...content]])),
          );
        },
      ),
      { numRuns: 60 },
    );
  });

  it('has known bytes: they are the same on every machine', async () => {
    const archive = await writeArchive(
      'run-1',
      new Map([
        ['a.txt', Buffer.from('a')],
        ['b/c.txt', Buffer.alloc(3000, 'c')],
      ]),
    );
    expect(Buffer.from(archive).toString('base64')).toMatchInlineSnapshot(
      `"H4sIAAAAAAACA+3XOw6AIBBFUZfCBtQhoqwH7S0UE5cvxsJPY6EYSe5phoTmTfFIGKY+16Ur/OyzWESkMUatM7jOlVb7WZRoLdaG+2iJDqbRuyFEeWHJ03KJcKkERRRb/9uyi/gC3PS/bmzo/Ln/lano/xc6AAAAAL/HzxXAUwugxK9RABYAAA=="`,
    );
  });

  it('is not made of more than a reader unpacks', async () => {
    const half = new Uint8Array(128 * 1024 * 1024);
    const files = new Map([
      ['a', half],
      ['b', half],
      ['c', new Uint8Array(1)],
    ]);
    await expect(writeArchive('run-1', files)).rejects.toMatchObject({ code: 'OUTPUT_TOO_LARGE' });
  });

  it.each<[string, () => Promise<Uint8Array>, string]>([
    [
      'names a path with a line break',
      async () => packed(await tar([[{ name: 'x/a\nb' }, '']])),
      'ARCHIVE_PATH_UNSAFE',
    ],
    [
      'holds a folder',
      async () => packed(await tar([[{ name: 'x/a/', type: 'directory' }, '']])),
      'ARCHIVE_ENTRY_UNSAFE',
    ],
    [
      'has several folders',
      async () =>
        packed(
          await tar([
            [{ name: 'x/a' }, ''],
            [{ name: 'y/a' }, ''],
          ]),
        ),
      'ARCHIVE_MALFORMED',
    ],
    ['has a file in no folder', async () => packed(await tar([[{ name: 'a' }, '']])), 'ARCHIVE_MALFORMED'],
    [
      'says when a file was written',
      async () => packed(await tar([[{ name: 'x/a', mtime: new Date(1000) }, '']])),
      'ARCHIVE_MALFORMED',
    ],
    ['says whose a file is', async () => packed(await tar([[{ name: 'x/a', uid: 1 }, '']])), 'ARCHIVE_MALFORMED'],
    ['holds a program', async () => packed(await tar([[{ name: 'x/a', mode: 0o755 }, '']])), 'ARCHIVE_MALFORMED'],
    [
      'is in another order',
      async () =>
        packed(
          await tar([
            [{ name: 'x/b' }, ''],
            [{ name: 'x/a' }, ''],
          ]),
        ),
      'ARCHIVE_MALFORMED',
    ],
    ['is empty', async () => packed(await tar([])), 'ARCHIVE_MALFORMED'],
    ['is no tar', async () => packed(Buffer.alloc(5000, 'x')), 'ARCHIVE_MALFORMED'],
    [
      'ends in the middle of a file',
      async () => packed((await tar([[{ name: 'x/a' }, 'a'.repeat(2000)]])).subarray(0, 1024)),
      'ARCHIVE_MALFORMED',
    ],
    [
      'hides something behind its end',
      async () => packed(Buffer.concat([await tar([[{ name: 'x/a' }, '']]), Buffer.from('hidden')])),
      'ARCHIVE_MALFORMED',
    ],
    [
      'was packed by another program',
      async () => gzipSync(await tar([[{ name: 'x/a' }, '']]), { level: 1 }),
      'ARCHIVE_MALFORMED',
    ],
    ['is cut', async () => packed(await tar([[{ name: 'x/a' }, 'abc']])).subarray(0, 60), 'ARCHIVE_MALFORMED'],
  ])('that %s is refused', async (_, make, code) => {
    expect(await refusal(await make())).toBe(code);
  });

  it('of which any bit was changed is refused, or holds the same', async () => {
    const archive = Buffer.from(await writeArchive('x', new Map([['a', Buffer.from('content of a')]])));
    const whole = await readArchive(archive);
    const taken: unknown[] = [];
    for (let bit = 0; bit < archive.byteLength * 8; bit++) {
      const changed = Buffer.from(archive);
      changed.writeUInt8(changed.readUInt8(bit >> 3) ^ (1 << (bit & 7)), bit >> 3);
      if ((await refusal(changed)) === undefined) taken.push(await readArchive(changed));
    }
    expect(taken.filter((one) => !isDeepStrictEqual(one, whole))).toEqual([]);
  });
});
