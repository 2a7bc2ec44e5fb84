import { describe, expect, it } from 'vitest';
import { digestBytes } from '../../../src/base/digest.ts';
import type { Json } from '../../../src/base/json.ts';
import { checkOutcome } from '../../../src/engine/check-outcome.ts';
import { LOG_BYTES_MAX, LOG_CHUNKS_MAX } from '../../../src/engine/worker-limits.ts';
import {
  ANNOTATION_BYTES_MAX,
  ANNOTATIONS_MAX,
  type Annotation,
  ARTIFACTS_MAX,
  OUTPUT_BYTES_MAX,
  OUTPUT_DEPTH_MAX,
  type Outcome,
} from '../../../src/protocol/outcome.ts';
import { CHUNK_CHARS, LOG_BYTES_MAX as WORKER_LOG_BYTES_MAX } from '../../../src/worker/log-stream.ts';

const ARTIFACT = { name: 'dist', path: 'a.tgz', digest: digestBytes('a'), sizeBytes: 1 };
const nested = (depth: number): Json => {
  let value: Json = 0;
  for (let i = 1; i < depth; i++) value = [value];
  return value;
};
const remarks = (count: number, chars: number): Annotation[] =>
  Array.from({ length: count }, (_, i) => ({ level: 'notice', message: `${i} ${'x'.repeat(chars)}` }));

describe('an outcome that a worker sends', () => {
  it.each<[string, Outcome]>([
    ['nothing but its kind', { kind: 'succeeded' }],
    ['outputs of just the size', { kind: 'succeeded', outputs: { a: 'x'.repeat(OUTPUT_BYTES_MAX - 8) } }],
    ['outputs of just the depth', { kind: 'succeeded', outputs: { a: nested(OUTPUT_DEPTH_MAX - 1) } }],
    [
      'as many artifacts as it may',
      { kind: 'failed', artifacts: Array.from({ length: ARTIFACTS_MAX }, () => ARTIFACT) },
    ],
    ['the exit status of a crash on Windows', { kind: 'failed', exitCode: 0xc0000005 }],
    ['a negative exit status', { kind: 'failed', exitCode: -1 }],
  ])('may enter with %s', (_case, outcome) => {
    expect(checkOutcome(outcome, null)).toEqual(outcome);
  });

  it.each<[string, Outcome, string]>([
    [
      'outputs of one byte more',
      { kind: 'succeeded', outputs: { a: 'x'.repeat(OUTPUT_BYTES_MAX - 7) } },
      'OUTPUT_TOO_LARGE',
    ],
    [
      'outputs of many small values',
      { kind: 'failed', outputs: { a: Array.from({ length: 6e5 }, () => 0) } },
      'OUTPUT_TOO_LARGE',
    ],
    ['outputs that nest too deep', { kind: 'succeeded', outputs: { a: nested(OUTPUT_DEPTH_MAX) } }, 'OUTPUT_INVALID'],
    ['outputs that nest without end', { kind: 'succeeded', outputs: { a: nested(1e5) } }, 'OUTPUT_INVALID'],
    [
      'one artifact more',
      { kind: 'failed', artifacts: Array.from({ length: ARTIFACTS_MAX + 1 }, () => ARTIFACT) },
      'OUTPUT_TOO_LARGE',
    ],
    ['an artifact without a path', { kind: 'failed', artifacts: [{ ...ARTIFACT, path: '' }] }, 'OUTPUT_INVALID'],
    [
      'an artifact without a digest',
      { kind: 'failed', artifacts: [{ ...ARTIFACT, digest: 'sha256:1' }] },
      'OUTPUT_INVALID',
    ],
    [
      'an artifact of a size that is no number',
      { kind: 'failed', artifacts: [{ ...ARTIFACT, sizeBytes: 2 ** 60 }] },
      'OUTPUT_INVALID',
    ],
    ['success and an exit status that means failure', { kind: 'succeeded', exitCode: 1 }, 'OUTPUT_INVALID'],
    ['an exit status that no system gives', { kind: 'failed', exitCode: 2 ** 53 }, 'OUTPUT_INVALID'],
    ['an exit status that is no whole number', { kind: 'failed', exitCode: 1.5 }, 'OUTPUT_INVALID'],
  ])('is refused with %s', (_case, outcome, code) => {
    expect(() => checkOutcome(outcome, null)).toThrow(expect.objectContaining({ code }));
  });

  it('was kept apart as its worker said when it registered, whatever it says now', () => {
    expect(checkOutcome({ kind: 'succeeded', isolation: 'container' }, 'process').isolation).toBe('process');
    expect(checkOutcome({ kind: 'failed' }, 'user').isolation).toBe('user');
    expect(checkOutcome({ kind: 'succeeded', isolation: 'process' }, null).isolation).toBe('process');
  });

  it('keeps as many remarks as it may, and says how many it lost', () => {
    const all = remarks(ANNOTATIONS_MAX, 1);
    expect(checkOutcome({ kind: 'failed', annotations: all }, null).annotations).toEqual(all);
    const many = checkOutcome({ kind: 'failed', annotations: remarks(ANNOTATIONS_MAX + 5, 1) }, null).annotations ?? [];
    expect(many).toHaveLength(ANNOTATIONS_MAX);
    expect(many.at(-1)?.message).toBe('6 more annotations are in the log only');
    const long = checkOutcome({ kind: 'failed', annotations: remarks(100, 16_000) }, null).annotations ?? [];
    expect(JSON.stringify(long.slice(0, -1)).length).toBeLessThanOrEqual(ANNOTATION_BYTES_MAX);
    expect(long.at(-1)?.message).toBe(`${101 - long.length} more annotations are in the log only`);
  });
});

it('a worker that keeps to its own limits of a log keeps to those of the engine', () => {
  expect(WORKER_LOG_BYTES_MAX + 1024).toBeLessThan(LOG_BYTES_MAX);
  expect(LOG_BYTES_MAX / CHUNK_CHARS).toBeLessThan(LOG_CHUNKS_MAX);
});
