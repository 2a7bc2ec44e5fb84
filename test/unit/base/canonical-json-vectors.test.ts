import { createHash, hash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { canonicalJson } from '../../../src/base/canonical-json.ts';
import type { Json } from '../../../src/base/json.ts';
import { parseCanonicalJson } from '../../../src/provenance/strict-json.ts';
import { describeWith } from '../../real-parts.ts';
import { codeOf } from '../provenance/refusal.ts';

const NAMES = ['arrays', 'french', 'structures', 'unicode', 'values', 'weird'];
const SIZE_MAX = 65_536;
/** Of the 100 million whose digest is known: a second's worth, and every special value is among the first. */
const NUMBERS = 1_000_000;
const SERIAL_NUMBERS = 2000;

// By the author of RFC 8785: https://github.com/cyberphone/json-canonicalization.
describeWith('jcs-vectors', 'the test data of RFC 8785', (folder) => {
  const read = (...path: string[]): Buffer => readFileSync(join(folder, ...path));

  it('are all there', () => {
    expect(readdirSync(join(folder, 'input')).toSorted()).toEqual(NAMES.map((name) => `${name}.json`));
  });

  it.each(NAMES)('are canonical as they should be: %s', (name) => {
    const text = canonicalJson(JSON.parse(read('input', `${name}.json`).toString()) as Json);
    expect(text).toBe(read('output', `${name}.json`).toString());
    expect(Buffer.from(text).toString('hex')).toBe(read('outhex', `${name}.txt`).toString().replace(/\s/g, ''));
  });

  it.each(NAMES)('are taken in that one form: %s', (name) => {
    const output = codeOf(() => parseCanonicalJson(read('output', `${name}.json`), SIZE_MAX));
    const input = codeOf(() => parseCanonicalJson(read('input', `${name}.json`), SIZE_MAX));
    // Stricter than RFC 8785 in one thing: 1e+30 is beyond what every parser reads alike.
    expect([input, output]).toEqual(
      name === 'values' ? ['JSON_NUMBER_UNSAFE', 'JSON_NUMBER_UNSAFE'] : ['JSON_NOT_CANONICAL', undefined],
    );
  });

  it(`write numbers as ECMAScript does: the first ${NUMBERS} of them`, () => {
    const page = read('README.md').toString();
    const expected = new RegExp(String.raw`\| ([0-9a-f]{64}) \| ${NUMBERS} +\|`).exec(page)?.[1];
    const digest = createHash('sha256');
    for (const [bits, value] of numbers(staticBits(page)))
      digest.update(`${bits.toString(16)},${canonicalJson(value)}\n`);
    expect(digest.digest('hex')).toBe(expected);
  });
});

/** The values that the page lists, as the bits of a double. */
function staticBits(page: string): readonly bigint[] {
  const list = page.slice(page.indexOf('staticU64s'), page.indexOf('])'));
  return [...list.matchAll(/0x([0-9a-f]{16})n/g)].map(([literal]) => BigInt(literal.slice(0, -1)));
}

/** The sequence that the page describes: listed values, the smallest normal ones, then those that a chain of SHA-256 makes. */
function* numbers(listed: readonly bigint[]): Generator<readonly [bigint, number]> {
  const view = new DataView(new ArrayBuffer(8));
  const pair = (bits: bigint): readonly [bigint, number] => {
    view.setBigUint64(0, bits);
    return [bits, view.getFloat64(0)];
  };
  yield* listed.map(pair);
  for (let i = 0; i < SERIAL_NUMBERS; i++) yield pair(0x0010_0000_0000_0000n + BigInt(i));
  let block = Buffer.alloc(32);
  for (let count = listed.length + SERIAL_NUMBERS; count < NUMBERS; ) {
    block = hash('sha256', block, 'buffer');
    for (let at = 0; at < block.length && count < NUMBERS; at += 8) {
      const value = block.readDoubleLE(at);
      if (value === 0 || !Number.isFinite(value)) continue;
      count += 1;
      yield [block.readBigUInt64LE(at), value];
    }
  }
}
