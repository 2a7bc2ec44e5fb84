import * as fc from 'fast-check';
import markdownIt from 'markdown-it';
import { describe, expect, it } from 'vitest';
import { plainLine, safeCell, safeCode, safeText } from '../../../../src/github/report/safe-text.ts';

const markdown = markdownIt({ html: true, linkify: true });

/** Pieces that GitHub would make something of, mixed with anything. */
const PIECES = [
  '@octo/admins',
  '@ada',
  '#1',
  'octo/app#12',
  'GH-7',
  'https://evil.test/a',
  'www.evil.test',
  'http://github.com/o/r/issues/1',
  'a@b.test',
  ':tada:',
  ':+1:',
  'a.ts:100:5',
  'mailto:a@b.test',
  '![x](https://evil.test/x.png)',
  '[x](https://evil.test)',
  '[x]: https://evil.test',
  '<b>',
  '</details>',
  '<details><summary>',
  '<img src=x onerror=alert(1)>',
  '<!-- maestro:status -->',
  '<https://evil.test>',
  '&lt;b&gt;',
  '&#64;ada',
  '|',
  '\n|---|---|\n',
  '\n| a | b |\n',
  '```',
  '````',
  '\n```\n',
  '~~~',
  '`',
  '# head',
  '\n# head\n',
  '\n===\n',
  '\n---\n',
  '- item',
  '1. item',
  '> quote',
  '**bold**',
  '_em_',
  '\\',
  '\\|',
  '\r',
  '\r\n',
  '\n\n',
  '\t',
  '    code',
  '$x$',
  '\u001b[31mred\u001b[0m',
  '\u001b]8;;https://evil.test\u0007link\u001b]8;;\u0007',
  '\u009b1m',
  '\u202e',
  '\u2066',
  '\u200b',
  '\u200d',
  '\u{e0041}',
  '\u0000',
  '\u0007',
  '\ud800',
  '\udc00',
  '\u2028',
  '\u0085',
  '😀',
];
const hostile = fc
  .array(
    fc.oneof(
      { weight: 3, arbitrary: fc.constantFrom(...PIECES) },
      { weight: 1, arbitrary: fc.string({ unit: 'binary' }) },
    ),
    { maxLength: 12 },
  )
  .map((parts) => parts.join(''));

const RUNS = { numRuns: 2000 };
/** cmark-gfm keeps the length of a fence in a byte, and takes what is longer for this long. */
const CMARK_FENCE_MAX = 255;

/** What a parser finds in it beside text. */
function kindsOf(source: string): readonly string[] {
  const found = new Set<string>();
  for (const token of markdown.parse(source, {})) {
    found.add(token.type);
    for (const child of token.children ?? []) found.add(child.type);
  }
  return [...found].filter((kind) => !['text', 'text_special', 'inline'].includes(kind)).toSorted();
}

const PARAGRAPH = ['paragraph_close', 'paragraph_open'];
/** Mentions, references and emojis are found by GitHub in the text after rendering. */
const NOTIFIES = /@[\w-]|#\d|\bGH-\d|\w:\/\/|\bwww\.|\bmailto:|:tada:|:\+1:|:100:/i;
const UNSEEN = /(?![\n\t])\p{Cc}|[\u202a-\u202e\u2066-\u2069\u200e\u200f\u061c]/u;

function rendered(source: string): string {
  return markdown
    .render(source)
    .replace(/<[^>]*>/g, '')
    .replace(/&(amp|lt|gt|quot);/g, (_, name: string) => ({ amp: '&', lt: '<', gt: '>', quot: '"' })[name] ?? '');
}

describe('safeText', () => {
  it('is text and nothing else wherever it stands', () => {
    fc.assert(
      fc.property(hostile, (text) => {
        expect(kindsOf(`x ${safeText(text)} y`)).toEqual(PARAGRAPH);
        const alone = kindsOf(safeText(text));
        expect(alone.filter((kind) => !PARAGRAPH.includes(kind))).toEqual([]);
        const item = kindsOf(`- ${safeText(text)}\n- next`);
        expect(item.filter((kind) => !/^(paragraph|list_item|bullet_list)_/.test(kind))).toEqual([]);
      }),
      RUNS,
    );
  });

  it('mentions nobody, refers to nothing and hides nothing when it is rendered', () => {
    fc.assert(
      fc.property(hostile, (text) => {
        const shown = rendered(safeText(text));
        expect(shown).not.toMatch(NOTIFIES);
        expect(shown).not.toMatch(UNSEEN);
        expect(shown.isWellFormed()).toBe(true);
      }),
      RUNS,
    );
  });

  it('says what the text says', () => {
    expect(rendered(safeText('expected <a> & `b` | *c* to be 1.5')).trim()).toBe('expected <a> & `b` | *c* to be 1.5');
  });

  it('leaves the SHA of a commit, and lines and columns, as people copy them', () => {
    const text = 'a.ts:12:5 differs in 57b8873 of b8873c25d5e0f52c2a3f0f1e57b8873c25d5e0f5';
    expect(rendered(safeText(text)).trim()).toBe(text);
  });

  it('leaves nothing of terminal sequences', () => {
    expect(safeText('\u001b[1;31mred\u001b[0m and \u001b]0;title\u0007plain')).toBe('red and plain');
  });

  it('is cut where it is too long, never in the middle of a character', () => {
    expect(plainLine('a'.repeat(300), 255)).toHaveLength(255);
    expect(plainLine(`${'a'.repeat(8)}😀b`, 10)).toBe(`${'a'.repeat(8)}…`);
  });
});

describe('safeCell', () => {
  it('makes no row and no cell beyond ours', () => {
    fc.assert(
      fc.property(hostile, hostile, (first, second) => {
        const table = `| a | b |\n|---|---|\n| ${safeCell(first)} | ${safeCell(second)} |\n| end | end |`;
        const tokens = markdown.parse(table, {});
        expect(tokens.filter((token) => token.type === 'tr_open')).toHaveLength(3);
        expect(tokens.filter((token) => token.type === 'td_open')).toHaveLength(4);
        const other = kindsOf(table).filter((kind) => !/^(table|thead|tbody|tr|th|td)_(open|close)$/.test(kind));
        expect(other).toEqual([]);
      }),
      RUNS,
    );
  });
});

describe('safeCode', () => {
  it('is one fence that the text cannot leave', () => {
    fc.assert(
      fc.property(hostile, (text) => {
        const tokens = markdown.parse(`before\n\n${safeCode(text)}\n\nafter`, {});
        expect(tokens.map((token) => token.type)).toEqual([
          'paragraph_open',
          'inline',
          'paragraph_close',
          'fence',
          'paragraph_open',
          'inline',
          'paragraph_close',
        ]);
      }),
      RUNS,
    );
  });

  it.each([3, 32, 33, 254, 255, 256, 300, 100_000])(
    'keeps a line of %i backticks inside, though GitHub’s parser clamps the length of fences',
    (length) => {
      const [fence = '', ...rest] = safeCode(`before\n${'`'.repeat(length)}\n@octo/admins`).split('\n');
      const opening = fence.replace('text', '').length;
      expect(opening).toBeLessThan(CMARK_FENCE_MAX);
      expect(rest.at(-1)).toHaveLength(opening);
      const closing = new RegExp(`^ {0,3}\`{${opening},}\\s*$`);
      expect(rest.slice(0, -1).filter((line) => closing.test(line))).toEqual([]);
    },
  );

  it('keeps the end of a long log', () => {
    expect(safeCode(`${'x'.repeat(20_000)}the error`)).toMatch(/the error\n```$/);
  });
});
