/** GitHub's own limit of a comment is 65,536 characters. */
const BODY_CHARS_MAX = 70_000;
const FENCE = /^ {0,3}(`{3,}|~{3,})([^\n]*)$/;
const QUOTE = /^ {0,3}>(.*)$/;
const RAW_HTML = /^ {0,3}<(pre|script|style|textarea)(?=[\s>]|$)/i;
/** Other HTML that readers do not see: instructions, declarations, CDATA; with what ends each. */
const UNSEEN_HTML: readonly (readonly [RegExp, string])[] = [
  [/^ {0,3}<\?/, '?>'],
  [/^ {0,3}<!\[CDATA\[/, ']]>'],
  [/^ {0,3}<![a-z]/i, '>'],
];
/** Marks of list items, which a block may follow on the same line. */
const LIST_MARKS = /^(?: {0,3}(?:[-*+]|\d{1,9}[.)])(?: +|$))+/;

/**
 * Lines of a comment that its readers see as text of its author: not within fenced or indented code, code spans, quotes
 * (also where a quoted paragraph goes on without `>`), HTML comments and raw HTML. Linear in the length of the body.
 * @source https://github.github.com/gfm/
 */
export function plainLines(body: string): readonly string[] {
  const lines = body.slice(0, BODY_CHARS_MAX).split(/\r\n|\n|\r/);
  const found: string[] = [];
  let paragraph: string[] = [];
  const endParagraph = (): void => {
    found.push(...linesOutsideSpans(paragraph));
    paragraph = [];
  };
  for (let at = 0; at < lines.length; at++) {
    const line = lines[at] ?? '';
    const end = blockEnd(lines, at);
    if (end !== undefined) {
      endParagraph();
      at = end;
    } else if (line.trim() === '' || isIndented(line)) endParagraph();
    else paragraph.push(line);
  }
  endParagraph();
  return found;
}

/** Index of the last line of a block that holds no text of the author; undefined where none begins here. */
function blockEnd(lines: readonly string[], at: number): number | undefined {
  const whole = lines[at] ?? '';
  const indent = LIST_MARKS.exec(whole)?.[0].length ?? 0;
  const line = whole.slice(indent);
  const mark = fenceOf(line);
  if (mark !== undefined) return fenceEnd(lines, at, mark, indent);
  if (/^ {0,3}<!--/.test(line)) {
    // `<!-->` is a whole comment.
    const isClosed = line.slice(line.indexOf('<!--') + 2).includes('-->');
    return isClosed ? at : findFrom(lines, at + 1, (one) => one.includes('-->'));
  }
  const raw = RAW_HTML.exec(line)?.[1];
  if (raw !== undefined) return findFrom(lines, at, (one) => one.toLowerCase().includes(`</${raw.toLowerCase()}>`));
  const unseen = UNSEEN_HTML.find(([start]) => start.test(line))?.[1];
  if (unseen !== undefined) return findFrom(lines, at, (one) => one.includes(unseen));
  return QUOTE.test(line) ? quoteEnd(lines, at, line) : undefined;
}

/** Code within a list item ends with the item, at the first line that is indented less. */
function fenceEnd(lines: readonly string[], at: number, mark: string, indent: number): number {
  for (let end = at + 1; end < lines.length; end++) {
    const line = lines[end] ?? '';
    const own = line.length - line.trimStart().length;
    if (line.trim() !== '' && own < indent) return end - 1;
    if (isClosing(line.slice(Math.min(own, indent)), mark)) return end;
  }
  return lines.length;
}

function fenceOf(line: string): string | undefined {
  const fence = FENCE.exec(line);
  // Three backticks with another one behind them are inline code.
  return fence?.[1]?.startsWith('`') && fence[2]?.includes('`') ? undefined : fence?.[1];
}

function findFrom(lines: readonly string[], from: number, isLast: (line: string) => boolean): number {
  for (let at = from; at < lines.length; at++) if (isLast(lines[at] ?? '')) return at;
  return lines.length;
}

function isClosing(line: string, mark: string): boolean {
  const found = /^ {0,3}(`+|~+)[ \t]*$/.exec(line)?.[1];
  return found !== undefined && found[0] === mark[0] && found.length >= mark.length;
}

/** A quoted paragraph goes on in lines without `>` until a blank line. */
function quoteEnd(lines: readonly string[], at: number, first: string): number {
  let end = at;
  for (let isOpen = hasQuotedText(first); end + 1 < lines.length; end++) {
    const next = lines[end + 1] ?? '';
    if (QUOTE.test(next)) isOpen = hasQuotedText(next);
    else if (!isOpen || next.trim() === '' || FENCE.test(next)) break;
  }
  return end;
}

function hasQuotedText(line: string): boolean {
  return /^[\s>]*[^\s>]/.test(line) && !/^[\s>]*(?:```|~~~)/.test(line);
}

function isIndented(line: string): boolean {
  return /^(?: {4}| {0,3}\t)/.test(line);
}

/** Drops the lines of a paragraph that begin within a code span or an HTML comment. */
function linesOutsideSpans(lines: readonly string[]): readonly string[] {
  if (lines.length === 0) return [];
  const text = lines.join('\n');
  const spans = spansOf(text);
  const kept: string[] = [];
  let start = 0;
  let span = 0;
  for (const line of lines) {
    while (span < spans.length && (spans[span]?.end ?? 0) <= start) span++;
    const isInside = (spans[span]?.start ?? Number.POSITIVE_INFINITY) < start;
    if (!isInside) kept.push(line);
    start += line.length + 1;
  }
  return kept;
}

interface Span {
  readonly start: number;
  readonly end: number;
}

function spansOf(text: string): readonly Span[] {
  const marks = [...text.matchAll(/\\?`+|<!--|-->/g)];
  const ends = endsByMark(marks);
  const spans: Span[] = [];
  let from = 0;
  for (const { 0: mark, index } of marks) {
    if (index < from || mark.startsWith('\\') || mark === '-->') continue;
    const close = nextAfter(ends.get(mark === '<!--' ? '-->' : mark), index);
    if (close === undefined) continue;
    from = close + mark.length;
    spans.push({ start: index, end: from });
  }
  return spans;
}

/** Drops what lies before, for good: positions are asked for in rising order. */
function nextAfter(positions: number[] | undefined, index: number): number | undefined {
  for (;;) {
    const next = positions?.at(-1);
    if (next === undefined || next > index) return next;
    positions?.pop();
  }
}

/** Where each kind of mark stands, last first, so that the next one is found by popping. */
function endsByMark(marks: readonly RegExpExecArray[]): ReadonlyMap<string, number[]> {
  const ends = new Map<string, number[]>();
  for (let at = marks.length - 1; at >= 0; at--) {
    const found = marks[at];
    if (!found) continue;
    const isEscaped = found[0].startsWith('\\');
    const mark = isEscaped ? found[0].slice(1) : found[0];
    const positions = ends.get(mark);
    const position = found.index + (isEscaped ? 1 : 0);
    if (positions) positions.push(position);
    else ends.set(mark, [position]);
  }
  return ends;
}
