import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseCommands } from '../../../../src/github/commands/parse-commands.ts';

const verbs = (body: string) => parseCommands(body).map((command) => command.verb);

describe('commands of a comment', () => {
  it.each([
    ['/maestro', { verb: 'help' }],
    ['/Maestro STATUS', { verb: 'status' }],
    ['   /maestro plan  ', { verb: 'plan' }],
    ['/maestro run', { verb: 'run', pipeline: undefined, params: {} }],
    ['/maestro run ci a=1 b="x y" c=', { verb: 'run', pipeline: 'ci', params: { a: '1', b: 'x y', c: '' } }],
    [
      String.raw`/maestro run a="say \"hi\" = \\"`,
      { verb: 'run', pipeline: undefined, params: { a: 'say "hi" = \\' } },
    ],
    ['/maestro run a=“smart quotes”', { verb: 'run', pipeline: undefined, params: { a: 'smart quotes' } }],
    ['/maestro\u00a0retry\u3000build', { verb: 'retry', step: 'build' }],
    ['\ufeff/mae\u200bstro retry bu\u200bild', { verb: 'retry', step: 'build' }],
    ['/maestro ok-to-test ABCDEF1', { verb: 'ok-to-test', sha: 'abcdef1' }],
    ['/maestro ok-to-test', { verb: 'ok-to-test', sha: undefined }],
    ['/maestro deploy staging v=2', { verb: 'other', name: 'deploy', params: { v: '2' }, words: ['staging'] }],
    [
      `/maestro approve prod it's "fine`,
      { verb: 'approve', words: ['prod', "it's", '"fine'], text: `prod it's "fine` },
    ],
  ])('reads %j', (body, expected) => {
    expect(parseCommands(body)).toEqual([expected]);
  });

  it.each([
    ['/maestro run a b'],
    ['/maestro run a=1 a=2'],
    ['/maestro run a="open'],
    ['/maestro status now'],
    ['/maestro ok-to-test main'],
    ['/maestro !!'],
    ['/maestro approve \u202edorp'],
    [`/maestro run ${'x '.repeat(61)}`],
    [`/maestro run ${'x'.repeat(5000)}`],
  ])('explains what is wrong with %j', (body) => {
    expect(verbs(body)).toEqual(['invalid']);
  });

  it('takes several per comment in their order, with any line ends, and no more than ten', () => {
    expect(verbs('hello\r\n/maestro status\r/maestro plan\n\ntext\n/maestro help')).toEqual(['status', 'plan', 'help']);
    expect(verbs('/maestro status\n'.repeat(11))).toEqual([...Array<string>(9).fill('status'), 'invalid']);
  });

  it.each([
    ['a word that begins alike', '/maestrofoo run'],
    ['the middle of a line', 'please /maestro run'],
    ['a fenced block', '```\n/maestro run\n```'],
    ['a fence that is not closed', '~~~sh\n/maestro run'],
    ['a fence that a shorter one does not close', '````\n```\n/maestro run\n````'],
    ['an indented block', '    /maestro run'],
    ['a tab', '\t/maestro run'],
    ['a quote', '> /maestro run'],
    ['a quoted paragraph that goes on without a mark', '> she said\n/maestro run'],
    ['inline code', '`/maestro run`'],
    ['inline code over two lines', 'a `b\n/maestro run\nc` d'],
    ['a comment', '<!-- a\n/maestro run\n-->'],
    ['a comment that is not closed', '<!--\n\n/maestro run'],
    ['a comment within a paragraph', 'a <!-- b\n/maestro run\n-->'],
    ['preformatted HTML', '<pre>\n\n/maestro run\n</pre>'],
    ['a list', '- /maestro run'],
    ['code that begins on the mark of a list', '- ```\n  /maestro run\n  ```'],
    ['code in a numbered list', 'Do this:\n1. ```sh\n   /maestro run\n   ```'],
    ['code in a list of a list', '- - ~~~\n    /maestro run\n    ~~~'],
    ['a quote in a list', '- > she said\n/maestro run'],
    ['a comment in a list', '* <!--\n  /maestro run\n  -->'],
    ['an instruction', '<?\n/maestro run\n?>'],
    ['a declaration', '<!X\n/maestro run\n>'],
    ['CDATA', '<![CDATA[\n/maestro run\n]]>'],
  ])('finds none in %s', (_, body) => {
    expect(parseCommands(body)).toEqual([]);
  });

  it.each([
    ['a closed fence', '```\nx\n```\n/maestro run'],
    ['closed code in a list', '- ```\n  /maestro cancel\n  ```\n\n/maestro run'],
    ['code in a list that ends with the item', '- ```\n  /maestro cancel\n/maestro run'],
    ['a closed instruction', '<? x ?>\n/maestro run'],
    ['a quote and a blank line', '> what?\n\n/maestro run'],
    ['a quoted code block', '> ```\n> x\n> ```\n/maestro run'],
    ['a closed comment', '<!-- x -->\n/maestro run'],
    ['a lone backtick', 'a ` b\n/maestro run'],
    ['a lone comment mark in code', 'write `<!--` so\n/maestro run'],
    ['a paragraph whose code span is closed', '`a`\n/maestro run'],
    ['an escaped backtick', 'a \\` b\n/maestro run\n'],
  ])('finds the one after %s', (_, body) => {
    expect(verbs(body)).toEqual(['run']);
  });

  it('reads any text without failing, and finds at most ten commands', () => {
    const piece = fc.constantFrom(
      '/maestro ',
      'run',
      '\n',
      '\r\n',
      '```',
      '`',
      '> ',
      '<!--',
      '-->',
      '"',
      '=',
      '\u200b',
      ' ',
      'a',
    );
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string({ unit: 'binary' }),
          fc.array(piece, { maxLength: 80 }).map((p) => p.join('')),
        ),
        (body) => {
          expect(parseCommands(body).length).toBeLessThanOrEqual(10);
        },
      ),
    );
  });

  it('finds nothing in any text that is fenced or quoted', () => {
    const line = fc.array(fc.constantFrom('/maestro run', 'a', '`', '"', '<!--', ''), { maxLength: 9 });
    fc.assert(
      fc.property(line, (lines) => {
        expect(parseCommands(`~~~~\n${lines.join('\n')}\n~~~~`)).toEqual([]);
        expect(parseCommands(lines.map((one) => `> ${one}`).join('\n'))).toEqual([]);
      }),
    );
  });

  it.each([
    ['backticks', '`'.repeat(65_536)],
    ['runs of every length', Array.from({ length: 360 }, (_, n) => '`'.repeat(n)).join(' ')],
    ['backticks alone', '` '.repeat(32_768)],
    ['backtick pairs and lines', '``a\n'.repeat(16_384)],
    ['comment marks', '<!--'.repeat(16_384)],
    ['comment marks in lines', 'a<!--\n'.repeat(10_000)],
    ['quotes', '> a\n'.repeat(16_384)],
    ['fences', '```\n'.repeat(16_384)],
    ['marks of lists', '- '.repeat(32_768)],
    ['code in lists', '- ```\n'.repeat(10_922)],
    ['spaces behind a mark', `-${' '.repeat(65_000)}x`],
    ['spaces', ' '.repeat(65_536)],
    ['commands', '/maestro run\n'.repeat(5000)],
    ['one command of quotes', `/maestro run ${'"'.repeat(65_000)}`],
    ['zero-width characters', '\u200b'.repeat(65_536)],
    ['quote marks', '>'.repeat(65_000)],
    ['arguments', `/maestro run ${'a=b '.repeat(16_000)}`],
  ])('reads 65 KB of %s quickly', (_, body) => {
    const start = performance.now();
    parseCommands(body);
    expect(performance.now() - start).toBeLessThan(250);
  });
});
