import { describe, expect, it } from 'vitest';

interface Described {
  readonly tag: string;
  readonly attributes: Readonly<Record<string, unknown>>;
  readonly children: readonly (Described | string)[];
}

const FILE = new URL('../../../sandbox/page/markdown.js', import.meta.url).href;
const { markdown } = (await import(FILE)) as { readonly markdown: (text: string) => Described };

/** As HTML would be written, to see the structure; the page itself never makes HTML text. */
function written(node: Described | string): string {
  if (typeof node === 'string') return node.replaceAll('<', '‹');
  const { href } = node.attributes;
  const inner = node.children.map(written).join('');
  return `<${node.tag}${typeof href === 'string' ? ` ${href}` : ''}>${inner}</${node.tag}>`;
}

function body(text: string): string {
  return written(markdown(text)).replace(/^<div>|<\/div>$/g, '');
}

describe('the Markdown of the sandbox’s page', () => {
  it.each([
    ['## Title', '<h4>Title</h4>'],
    ['a **b** _c_ ~~d~~ `e*f*`', '<p>a <strong>b</strong> <em>c</em> <del>d</del> <code>e*f*</code></p>'],
    ['[a](https://x.y/z) https://x.y.', '<p><a https://x.y/z>a</a> <a https://x.y>https://x.y</a>.</p>'],
    ['- a\n  - b\n- c', '<ul><li>a<ul><li>b</li></ul></li><li>c</li></ul>'],
    ['1. a\n2. b', '<ol><li>a</li><li>b</li></ol>'],
    ['```ts\na < b\n```', '<pre><code>a ‹ b</code></pre>'],
    ['<details><summary>More</summary>\n\ntext\n\n</details>', '<details><summary>More</summary><p>text</p></details>'],
    [
      '| a | b |\n|---|--:|\n| `x\\|y` | 2 |',
      '<div><table><thead><tr><th>a</th><th>b</th></tr></thead><tbody><tr><td><code>x|y</code></td><td>2</td></tr></tbody></table></div>',
    ],
    ['snake_case_name and 2*3*4', '<p>snake_case_name and 2<em>3</em>4</p>'],
    ['thanks @octo/team, not a@b.c', '<p>thanks <strong>@octo/team</strong>, not a@b.c</p>'],
    ['seen<!-- hidden -->', '<p>seen</p>'],
  ])('shows %j', (text, expected) => {
    expect(body(text)).toBe(expected);
  });

  it.each([
    '<script>alert(1)</script>',
    '<img src=x onerror=alert(1)>',
    '[a](javascript:alert(1))',
    '[a](data:text/html,x)',
    '[a](//evil.example)',
    '![a](javascript:alert(1))',
    '<javascript:alert(1)>',
    '<details ontoggle=alert(1)>',
    '<summary onclick=x>a</summary>',
    '```mermaid\ngraph LR\na["<img onerror=x>"] --> b\n```',
  ])('makes nothing that acts of %j', (text) => {
    const tags: string[] = [];
    const visit = (node: Described | string): void => {
      if (typeof node === 'string') return;
      tags.push(node.tag);
      expect(Object.keys(node.attributes).filter((name) => /^on|^src$|^href$/.test(name))).toEqual([]);
      node.children.forEach(visit);
    };
    visit(markdown(text));
    expect(tags.filter((tag) => ['script', 'img', 'iframe', 'a'].includes(tag))).toEqual([]);
  });

  it.each(['*', '**a', '[', '`', '![', '_a', '<details>\n', '> ', '- ', '|'])(
    'is soon done with 65,535 of %j',
    (part) => {
      const before = performance.now();
      markdown(part.repeat(65_535 / part.length));
      expect(performance.now() - before).toBeLessThan(5000);
    },
  );

  it('draws a flowchart, and leaves other Mermaid as code', () => {
    expect(body('```mermaid\nflowchart LR\n  s0["build"]:::failed\n  s1["test"]\n  s0 --> s1\n```')).toContain(
      '<text>build</text>',
    );
    expect(body('```mermaid\npie\n```')).toBe('<pre><code>pie</code></pre>');
  });
});
