/**
 * Records `npm run demo` as docs/assets/demo.svg: runs it in tmux, takes what the terminal shows once a second, and plays
 * those screens faster. Nothing is drawn by hand. `node docs/assets/record-demo.ts`; needs tmux and a few minutes.
 */
import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';

const ROOT = resolve(import.meta.dirname, '../..');
const SESSION = 'maestro-recording';
const COLUMNS = 104;
const ROWS = 36;
const SAMPLE_MS = 500;
const SAMPLES_MAX = 600;
const SPEED = 2;
const LAST_SCREEN_MS = 6000;
const CELL = { width: 7.8, height: 17, baseline: 13 } as const;
const MARGIN = 14;
/** Of the eight colours and their bright kin: readable on the dark ground that the picture brings along. */
const COLORS = ['#6b7280', '#f87171', '#4ade80', '#facc15', '#60a5fa', '#e879f9', '#22d3ee', '#e5e7eb'];

const SGR = new RegExp(`${String.fromCharCode(27)}\\[([\\d;]*)m`);

interface Screen {
  readonly atMs: number;
  readonly lines: readonly string[];
}

const screens = await record();
writeFileSync(join(import.meta.dirname, 'demo.svg'), picture(screens));

async function record(): Promise<readonly Screen[]> {
  const size = ['-x', String(COLUMNS), '-y', String(ROWS)];
  tmux(
    'new-session',
    '-d',
    '-s',
    SESSION,
    ...size,
    '-c',
    ROOT,
    'env -u CI LANG=C.UTF-8 npm run --silent demo; sleep 5',
  );
  const beganMs = performance.now();
  const found: Screen[] = [];
  for (let sample = 0; sample < SAMPLES_MAX; sample++) {
    await pause(SAMPLE_MS);
    const text = capture();
    if (text === undefined) return found;
    const lines = text.split('\n').slice(0, ROWS);
    if (lines.join('\n') !== found.at(-1)?.lines.join('\n')) found.push({ atMs: performance.now() - beganMs, lines });
  }
  throw new Error(`the demo did not end within ${SAMPLES_MAX * SAMPLE_MS} ms`);
}

/** Undefined once the session is over. */
function capture(): string | undefined {
  try {
    return tmux('capture-pane', '-e', '-p', '-t', SESSION);
  } catch {
    return undefined;
  }
}

function tmux(...words: readonly string[]): string {
  return execFileSync('tmux', ['-L', SESSION, '-f', '/dev/null', ...words], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'ignore'],
  });
}

/** Each different line is kept once, as screens mostly repeat the lines of the one before. */
function picture(screens: readonly Screen[]): string {
  const beganMs = screens[0]?.atMs ?? 0;
  const lastMs = (screens.at(-1)?.atMs ?? 0) - beganMs;
  const totalMs = lastMs / SPEED + LAST_SCREEN_MS;
  const ids = new Map<string, string>();
  const groups = screens.map(({ atMs, lines }, index) => {
    const start = (atMs - beganMs) / SPEED / totalMs;
    const end = index === screens.length - 1 ? 1 : ((screens[index + 1]?.atMs ?? 0) - beganMs) / SPEED / totalMs;
    const uses = lines.map((line, row) => useOf(line, row, ids)).join('');
    // Where nothing moves, the last screen shows.
    const still = index === screens.length - 1 ? 'visible' : 'hidden';
    return `<g visibility="${still}">${visibility(start, end, totalMs)}${uses}</g>`;
  });
  const defs = [...ids].map(([line, id]) => `<text id="${id}">${spansOf(line)}</text>`).join('\n');
  const [width, height] = [COLUMNS * CELL.width + 2 * MARGIN, ROWS * CELL.height + 2 * MARGIN];
  return `<svg xmlns="http://www.w3.org/2000/svg" xml:space="preserve" viewBox="0 0 ${width} ${height}" role="img" aria-label="A recording of npm run demo">
<style>text{font:13px ui-monospace,SFMono-Regular,Menlo,Consolas,"DejaVu Sans Mono",monospace;fill:#e5e7eb;white-space:pre}.b{font-weight:700}.d{opacity:.6}${COLORS.map((color, index) => `.c${index}{fill:${color}}`).join('')}</style>
<rect width="100%" height="100%" rx="8" fill="#0f172a"/>
<defs>
${defs}
</defs>
${groups.join('\n')}
</svg>
`;
}

function visibility(start: number, end: number, totalMs: number): string {
  const times = start === 0 ? `0;${share(end)};1` : `0;${share(start)};${share(end)};1`;
  const values = start === 0 ? 'visible;hidden;hidden' : 'hidden;visible;hidden;hidden';
  const [keyTimes, states] = end >= 1 ? [`0;${share(start)}`, 'hidden;visible'] : [times, values];
  return `<animate attributeName="visibility" calcMode="discrete" dur="${Math.round(totalMs)}ms" repeatCount="indefinite" keyTimes="${keyTimes}" values="${states}"/>`;
}

function share(part: number): string {
  return part.toFixed(5);
}

function useOf(line: string, row: number, ids: Map<string, string>): string {
  if (line.trim() === '') return '';
  const id = ids.get(line) ?? `l${ids.size}`;
  ids.set(line, id);
  return `<use href="#${id}" x="${MARGIN}" y="${MARGIN + row * CELL.height + CELL.baseline}"/>`;
}

/** Every run of equally styled characters at its own column, so that another font cannot shift it. */
function spansOf(line: string): string {
  let column = 0;
  let style: Style = { isBold: false, isDim: false, color: undefined };
  let spans = '';
  // A line is text and `ESC [ numbers m` in turn.
  for (const [index, part] of line.split(SGR).entries()) {
    if (index % 2 === 1) {
      style = styleAfter(style, part);
      continue;
    }
    if (part.trim() !== '')
      spans += `<tspan x="${(column * CELL.width).toFixed(1)}"${classOf(style)}>${escaped(part)}</tspan>`;
    column += Array.from(part).length;
  }
  return spans;
}

interface Style {
  readonly isBold: boolean;
  readonly isDim: boolean;
  readonly color: number | undefined;
}

function styleAfter(style: Style, codes: string): Style {
  let { isBold, isDim, color } = style;
  for (const code of codes.split(';').map(Number)) {
    if (code === 0) [isBold, isDim, color] = [false, false, undefined];
    else if (code === 1) isBold = true;
    else if (code === 2) isDim = true;
    else if (code === 22) [isBold, isDim] = [false, false];
    else if (code === 39) color = undefined;
    else if (code >= 30 && code <= 37) color = code - 30;
    else if (code >= 90 && code <= 97) color = code - 90;
  }
  return { isBold, isDim, color };
}

function classOf({ isBold, isDim, color }: Style): string {
  const names = [isBold ? 'b' : '', isDim ? 'd' : '', color === undefined ? '' : `c${color}`].filter(Boolean);
  return names.length === 0 ? '' : ` class="${names.join(' ')}"`;
}

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}
