import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Document } from 'yaml';
import { Findings } from '../../../src/pipeline/finding.ts';
import { parseFull, parseSource, withoutByteOrderMark } from '../../../src/pipeline/parse.ts';
import { parsePlain } from '../../../src/pipeline/parse-plain.ts';
import { jsonOf, type SourceNode } from '../../../src/pipeline/source.ts';

function parse(text: string) {
  const findings = new Findings('x.yaml', text);
  const root = parseSource(text, findings);
  return { json: root && jsonOf(root), codes: findings.sorted().map(({ code }) => code) };
}

describe('the parser', () => {
  test.each([
    ['CRLF', 'a: 1\r\nb:\r\n  - x\r\n'],
    ['a byte order mark', '\uFEFFa: 1\nb: [x]\n'],
    ['JSON', '{ "a": 1, "b": ["x"] }'],
    ['JSON with tabs', '{\n\t"a": 1,\n\t"b": [\n\t\t"x"\n\t]\n}\n'],
    ['anchors', 'a: 1\nb: &b [x]\n'],
    ['comments', '# hello\na: 1 # one\n\nb:\n# in between\n- x\n'],
  ])('reads %s', (_title, text) => {
    expect(parse(withoutByteOrderMark(text))).toEqual({ json: { a: 1, b: ['x'] }, codes: [] });
  });

  test('gives a bare expression in a flow mapping its meaning all the same, so the rest is still checked', () => {
    const { json, codes } = parse(
      'a: { env: ${{ fromJSON(\'{"x": [1, 2]}\').x }}, b: c }\nd: [${{ e }}, "${{ f }}"]\n',
    );
    expect(json).toEqual({ a: { env: '${{ fromJSON(\'{"x": [1, 2]}\').x }}', b: 'c' }, d: ['${{ e }}', '${{ f }}'] });
    expect(codes).toEqual(['yaml-flow-expression', 'yaml-flow-expression']);
  });

  test('does not take a quoted or a block text for a bare expression', () => {
    expect(parse('a: "{ x: ${{ y }} }"\nb: |\n  { x: ${{ y }} }\n').codes).toEqual([]);
  });

  test.each([
    ['deeply nested lists', '['.repeat(50_000)],
    ['nested block lists', '- '.repeat(50_000)],
    ['nested maps', '{a: '.repeat(50_000)],
    ['a billion laughs', laughs(9)],
    ['anchors of large values', `a: &a [${'x, '.repeat(20_000)}]\nb: [${'*a, '.repeat(90)}]\n`],
  ])('refuses %s instead of running out of memory', (_title, text) => {
    expect(parse(text).codes[0]).toMatch(/^yaml-(too-deep|alias-limit)$/);
  });

  test.each([
    ['5 MB', 'a: b\n'.repeat(1_000_000)],
    ['few characters of many bytes', `a: ${'\u{1F600}'.repeat(300_000)}`],
  ])('refuses %s', (_title, text) => {
    expect(parse(text).codes).toEqual(['file-too-large']);
  });

  test('survives any text', () => {
    const pieces = [
      'a',
      ': ',
      '- ',
      '\n',
      '  ',
      '{',
      '}',
      '[',
      ']',
      ', ',
      '"',
      "'",
      '${{ x }}',
      '#',
      '&a ',
      '*a',
      '!t ',
      '|',
      '>',
      '\t',
      '---\n',
      '0x1',
      '?',
      '%',
    ];
    fc.assert(
      fc.property(fc.array(fc.constantFrom(...pieces), { maxLength: 30 }), (parts) => {
        const text = parts.join('');
        const { json, codes } = parse(text);
        expect(json !== undefined || codes.length > 0).toBe(true);
      }),
      { numRuns: 2000 },
    );
  });
});

describe('the plain reader', () => {
  test('reads what pipelines are mostly made of', () => {
    const text = 'name: a\nsteps:\n  - id: one\n    run: echo ${{ x }}\n    with: { a: 1, b: [c, "d"] }\n';
    expect(parsePlain(text)).toBeDefined();
  });

  test('agrees with the library on every text that it accepts', () => {
    const pieces = [
      'a',
      'bc: ',
      'd:',
      ': ',
      '- ',
      '\n',
      '\n  ',
      '\n    ',
      '{ ',
      ' }',
      '[',
      ']',
      ', ',
      '"q"',
      "'it''s'",
      '${{ x }}',
      ' # c',
      '1',
      '5m',
      '.5',
      'true',
      'null',
      '~',
      ' ',
      '\r\n',
      'é',
      './x',
    ];
    let accepted = 0;
    fc.assert(
      fc.property(fc.array(fc.constantFrom(...pieces), { minLength: 1, maxLength: 25 }), (parts) => {
        if (expectAgreement(`k: v\n${parts.join('')}`)) accepted++;
        if (expectAgreement(`k:\n  - ${parts.join('')}\n`)) accepted++;
      }),
      { numRuns: 5000 },
    );
    expect(accepted).toBeGreaterThan(100);
  });

  test('agrees with the library on block texts', () => {
    const pieces = [
      '|\n',
      'a',
      '\n',
      '\n  ',
      '\n    ',
      '\n      ',
      '\n\n',
      ' ',
      '#',
      '- ',
      'k: ',
      '${{ x }}',
      '\r\n',
      '---',
    ];
    let accepted = 0;
    fc.assert(
      fc.property(
        fc.array(fc.constantFrom(...pieces), { maxLength: 20 }),
        fc.constantFrom('', '\n', '\nlast: x\n', '\n\n# end\n'),
        (parts, tail) => {
          if (expectAgreement(`k: |\n  a${parts.join('')}${tail}`)) accepted++;
          if (expectAgreement(`k:\n  - b: |\n      a${parts.join('')}${tail}`)) accepted++;
        },
      ),
      { numRuns: 5000 },
    );
    expect(accepted).toBeGreaterThan(100);
  });

  test('agrees with the library on every document that the library writes', () => {
    const key = fc.stringMatching(/^[a-z]{1,3}$/);
    const leaf = fc.oneof(
      fc.string(),
      fc.integer(),
      fc.boolean(),
      fc.constant(null),
      fc.double({ noNaN: true }),
      fc.stringMatching(/^[a-z0-9 .:#'"-]{0,8}$/),
    );
    let accepted = 0;
    const { tree } = fc.letrec((tie) => ({
      tree: fc.oneof(
        { maxDepth: 4 },
        leaf,
        fc.array(tie('tree'), { maxLength: 4 }),
        fc.dictionary(key, tie('tree'), { maxKeys: 4 }),
      ),
    }));
    fc.assert(
      fc.property(fc.dictionary(key, tree, { minKeys: 1 }), fc.boolean(), (value, isIndented) => {
        if (expectAgreement(new Document(value).toString({ indentSeq: isIndented }))) accepted++;
      }),
      { numRuns: 2000 },
    );
    expect(accepted).toBeGreaterThan(50);
  });
});

/** Answers whether the plain reader accepted the text. */
function expectAgreement(text: string): boolean {
  const plain = parsePlain(text);
  if (!plain) return false;
  const findings = new Findings('x.yaml', text);
  const full = parseFull(text, findings);
  expect({ text, findings: findings.sorted(), places: full && placesOf(full) }).toEqual({
    text,
    findings: [],
    places: placesOf(plain),
  });
  return true;
}

/** Every value with its path and place, one text each. */
function placesOf(node: SourceNode, path = '$'): readonly string[] {
  const own = `${path} ${node.kind} ${node.start}-${node.end}`;
  if (node.kind === 'scalar') return [`${own} ${JSON.stringify(node.value)}`];
  if (node.kind === 'list') return [own, ...node.items.flatMap((item, index) => placesOf(item, `${path}[${index}]`))];
  const entries = [...node.entries];
  return [
    own,
    ...entries.flatMap(([name, { key, value }]) => [
      `${path}.${name} ${key.start}-${key.end}`,
      ...placesOf(value, `${path}.${name}`),
    ]),
  ];
}

/** Each line nine times the one before. */
function laughs(levels: number): string {
  const lines = ['l0: &l0 [ha]'];
  for (let i = 1; i <= levels; i++)
    lines.push(`l${i}: &l${i} [${Array.from({ length: 9 }, () => `*l${i - 1}`).join(', ')}]`);
  return lines.join('\n');
}
