import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { digestBytes } from '../../../src/base/digest.ts';
import { MaestroError } from '../../../src/base/errors.ts';
import type { LogChunk } from '../../../src/protocol/lease.ts';
import { CHUNK_CHARS, LogStream, type LogStreamOptions } from '../../../src/worker/log-stream.ts';

function open(changes: Partial<LogStreamOptions> = {}): { stream: LogStream; chunks: LogChunk[]; text: () => string } {
  const chunks: LogChunk[] = [];
  const stream = new LogStream({
    held: { stepId: '1.0', fence: 1 },
    append: async (more) => void chunks.push(...more),
    pause: async () => {},
    ...changes,
  });
  return { stream, chunks, text: () => chunks.map((chunk) => chunk.text).join('') };
}

describe('log stream', () => {
  it('stores every text as it is, whatever bytes a write ends with', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.string({ unit: 'binary', maxLength: 200 }),
        fc.array(fc.nat(800), { maxLength: 10 }),
        async (text, cuts) => {
          const plain = text.toWellFormed().replaceAll('\0', '\ufffd');
          const bytes = Buffer.from(plain);
          const { stream, text: stored } = open();
          const sorted = [0, ...cuts.map((cut) => cut % (bytes.length + 1)).sort((a, b) => a - b), bytes.length];
          for (let i = 1; i < sorted.length; i++) await stream.write(bytes.subarray(sorted[i - 1], sorted[i]));
          expect(await stream.end()).toEqual({
            digest: digestBytes(bytes),
            sizeBytes: bytes.length,
            isTruncated: false,
          });
          expect(stored()).toBe(plain);
        },
      ),
    );
  });

  it('numbers its chunks from 0 without gaps and keeps them small', async () => {
    const { stream, chunks } = open();
    for (let i = 0; i < 10; i++) await stream.write(Buffer.from('😀'.repeat(20_000)));
    await stream.end();
    expect(chunks.map(({ seq }) => seq)).toEqual(chunks.map((_, i) => i));
    expect(Math.max(...chunks.map(({ text }) => text.length))).toBeLessThanOrEqual(CHUNK_CHARS + 1);
    expect(chunks.every(({ text }) => text.isWellFormed())).toBe(true);
  });

  it('digests the whole text but stores its beginning, cut between characters', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: 40 }),
        fc.array(fc.string({ unit: fc.constantFrom('a', 'é', '😀', '\0'), maxLength: 9 }), { maxLength: 20 }),
        async (storedBytesMax, parts) => {
          const { stream, text } = open({ storedBytesMax });
          for (const part of parts) await stream.write(Buffer.from(part));
          const whole = Buffer.from(parts.join('').replaceAll('\0', '\ufffd'));
          const isTruncated = whole.length > storedBytesMax;
          expect(await stream.end()).toEqual({ digest: digestBytes(whole), sizeBytes: whole.length, isTruncated });
          const stored = isTruncated ? text().slice(0, text().indexOf('\n[maestro]')) : text();
          expect(whole.toString().startsWith(stored)).toBe(true);
          expect(Buffer.byteLength(stored)).toBeLessThanOrEqual(storedBytesMax);
        },
      ),
    );
  });

  it('sends the same chunk again after a failure, and in order', async () => {
    let calls = 0;
    const chunks: LogChunk[] = [];
    const { stream } = open({
      append: async (more) => {
        if (calls++ % 2 === 0) throw new Error('connection reset');
        chunks.push(...more);
      },
    });
    for (let i = 0; i < 5; i++) await stream.write(Buffer.from('x'.repeat(CHUNK_CHARS)));
    expect(await stream.end()).toMatchObject({ isTruncated: false });
    expect(chunks.map(({ seq }) => seq)).toEqual([0, 1, 2, 3, 4]);
  });

  it.each(['LEASE_LOST', 'REQUEST_TOO_LARGE'] as const)(
    'stops sending at %s, and says that the stored log is not whole',
    async (code) => {
      let calls = 0;
      const { stream } = open({
        append: async () => {
          calls++;
          throw new MaestroError(code, 'no more');
        },
      });
      for (let i = 0; i < 5; i++) await stream.write(Buffer.from('x'.repeat(CHUNK_CHARS)));
      expect(await stream.end()).toMatchObject({ isTruncated: true, sizeBytes: 5 * CHUNK_CHARS });
      expect(calls).toBe(1);
    },
  );

  it('gives up on a conductor that never takes the log, so that the step can end', async () => {
    const { stream } = open({ append: () => Promise.reject(new Error('no route to host')) });
    await stream.write(Buffer.from('text'));
    expect(await stream.end()).toMatchObject({ isTruncated: true });
  });

  it('holds the writer back while too many chunks wait', async () => {
    let release = (): void => {};
    const released = new Promise<void>((resolve) => (release = resolve));
    const { stream } = open({ append: () => released });
    let held: Promise<void> | undefined;
    let writes = 0;
    while (!held && writes < 1000) {
      held = stream.write(Buffer.alloc(CHUNK_CHARS, 'x'));
      writes++;
      await Promise.resolve();
    }
    expect(writes).toBeLessThan(30);
    release();
    await held;
    await stream.end();
  });
});
