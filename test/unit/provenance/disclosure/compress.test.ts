import { randomBytes } from 'node:crypto';
import { performance } from 'node:perf_hooks';
import { gunzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { MaestroError } from '../../../../src/base/errors.ts';
import { compress } from '../../../../src/provenance/disclosure/compress.ts';
import { gzip } from '../../../../src/provenance/disclosure/gzip.ts';

/** Text that packs as well as logs do. */
function logOf(bytes: number): Buffer {
  const line = (): string => `2026-11-01T12:00:00.000Z [test] ${randomBytes(12).toString('hex')} passed in 12 ms\n`;
  return Buffer.from(Array.from({ length: Math.ceil(bytes / line().length) }, line).join('')).subarray(0, bytes);
}

async function codeOf(deed: Promise<unknown>): Promise<string | undefined> {
  try {
    await deed;
    return undefined;
  } catch (error) {
    if (error instanceof MaestroError) return error.code;
    throw error;
  }
}

describe('compressing a pack', () => {
  it.each([0, 1, 65_536, 65_537, 1_000_000])(
    'makes the bytes in a thread that it makes in place, of %i bytes',
    async (bytes) => {
      const text = logOf(bytes);
      const packed = Buffer.from(await compress(text));
      expect(packed.equals(gzip(text))).toBe(true);
      expect(gunzipSync(packed).equals(text)).toBe(true);
    },
  );

  it('leaves what it was given as it was, also a part of something larger', async () => {
    const whole = logOf(300_000);
    const copy = Buffer.from(whole);
    const packed = await compress(whole.subarray(100_000, 200_000));
    expect(gunzipSync(packed).equals(copy.subarray(100_000, 200_000))).toBe(true);
    expect(whole.equals(copy)).toBe(true);
  });

  it('lets the process do other things meanwhile', async () => {
    const text = logOf(8_000_000);
    const start = performance.eventLoopUtilization();
    await compress(text);
    expect(performance.eventLoopUtilization(start).utilization).toBeLessThan(0.5);
  });

  it('answers each of many who ask at once', async () => {
    const texts = Array.from({ length: 4 }, () => logOf(100_000));
    const packed = await Promise.all(texts.map((text) => compress(text)));
    expect(packed.every((one, i) => gunzipSync(one).equals(texts[i] as Buffer))).toBe(true);
  });

  it.each<[string, (text: Uint8Array) => Promise<unknown>]>([
    ['takes too long', (text) => compress(text, 1)],
    ['fails in its thread', () => compress({ byteLength: 100_000, length: -(2 ** 40) } as Uint8Array)],
  ])('is refused with a code where it %s, and does the next nevertheless', async (_why, deed) => {
    const text = logOf(2_000_000);
    const [refused, done] = await Promise.all([codeOf(deed(text)), compress(text)]);
    expect(refused).toBe('INTERNAL');
    expect(gunzipSync(done).equals(text)).toBe(true);
  });
});
