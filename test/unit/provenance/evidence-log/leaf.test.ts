import { describe, expect, it } from 'vitest';
import { leafText, readLeaf } from '../../../../src/provenance/evidence-log/leaf.ts';
import { codeOf } from '../refusal.ts';
import { closeLeaf, openLeaf } from './sample-log.ts';

const SHA = 'a'.repeat(64);

describe('a leaf of the register', () => {
  it.each([openLeaf(1), closeLeaf(2)])('is read as it was written ($kind)', (leaf) => {
    expect(readLeaf(leafText(leaf))).toEqual(leaf);
  });

  it('is canonical JSON', () => {
    expect(leafText(openLeaf(0))).toBe('{"attempt":1,"kind":"open","runId":"01kdxyz0a00000000000000000","v":1}');
  });

  it.each([
    ['another version', '{"attempt":1,"kind":"open","runId":"a","v":2}', 'LEAF_MALFORMED'],
    ['another kind', '{"attempt":1,"kind":"shut","runId":"a","v":1}', 'LEAF_MALFORMED'],
    ['one more field', '{"attempt":1,"kind":"open","more":1,"runId":"a","v":1}', 'LEAF_MALFORMED'],
    ['no run', '{"attempt":1,"kind":"open","v":1}', 'LEAF_MALFORMED'],
    ['a run that is no id', '{"attempt":1,"kind":"open","runId":"../a","v":1}', 'LEAF_MALFORMED'],
    ['no attempt', '{"attempt":0,"kind":"open","runId":"a","v":1}', 'LEAF_MALFORMED'],
    ['half an attempt', '{"attempt":1.5,"kind":"open","runId":"a","v":1}', 'LEAF_MALFORMED'],
    [
      'an open with a receipt',
      `{"attempt":1,"kind":"open","payloadSha256":"${SHA}","runId":"a","v":1}`,
      'LEAF_MALFORMED',
    ],
    ['a close without one', '{"attempt":1,"kind":"close","runId":"a","v":1}', 'LEAF_MALFORMED'],
    [
      'a digest in capitals',
      `{"attempt":1,"kind":"close","payloadSha256":"${SHA.toUpperCase()}","runId":"a","v":1}`,
      'LEAF_MALFORMED',
    ],
    ['a list', '[]', 'LEAF_MALFORMED'],
    ['another order', '{"v":1,"attempt":1,"kind":"open","runId":"a"}', 'JSON_NOT_CANONICAL'],
    ['a field twice', '{"attempt":1,"attempt":1,"kind":"open","runId":"a","v":1}', 'JSON_DUPLICATE_KEY'],
    ['no JSON', 'open', 'JSON_MALFORMED'],
    ['too much', `{"attempt":1,"kind":"open","runId":"${'a'.repeat(1024)}","v":1}`, 'TOO_LARGE'],
  ])('is refused with %s', (_, text, code) => {
    expect(codeOf(() => readLeaf(text))).toBe(code);
  });
});
