import { widthOf, withoutSequences } from '../terminal-text.ts';

const HIDE_CURSOR = '\u001b[?25l';
const SHOW_CURSOR = '\u001b[?25h';
/** Terminals that know it show the frame at once; the others ignore it. */
const BEGIN_FRAME = '\u001b[?2026h';
const END_FRAME = '\u001b[?2026l';
const ERASE_LINE_END = '\u001b[K';
const ERASE_BELOW = '\u001b[J';

/**
 * The lower part of a terminal, redrawn in place.
 *
 * Moves the cursor up over the last frame and writes only the lines that changed: no clearing, so no flicker, and the
 * text above stays. The cursor rests on the last line of the frame.
 */
export class Screen {
  readonly #write: (text: string) => void;
  readonly #columns: () => number;
  #shown: readonly string[] = [];
  #shownColumns = 0;

  constructor(write: (text: string) => void, columns: () => number) {
    this.#write = write;
    this.#columns = columns;
  }

  draw(lines: readonly string[]): void {
    const columns = this.#columns();
    // What is erased below begins at the cursor, so the last line must have been written anew.
    const isAnew = columns !== this.#shownColumns || lines.length < this.#shown.length;
    const text = lines.map((line, index) => this.#lineText(line, index, isAnew)).join('\n');
    const start = this.#shown.length === 0 ? HIDE_CURSOR : '';
    this.#write(`${BEGIN_FRAME}${start}${this.#toTop(columns)}${text}${isAnew ? ERASE_BELOW : ''}${END_FRAME}`);
    this.#shown = lines;
    this.#shownColumns = columns;
  }

  /** Puts a line above the frame, where it stays. */
  above(line: string): void {
    const frame = this.#shown;
    this.#write(`${this.#toTop(this.#columns())}${ERASE_BELOW}${line}\n`);
    this.#shown = [];
    this.draw(frame);
  }

  /** Leaves the frame as it is, and gives the cursor back below it. */
  end(): void {
    if (this.#shown.length > 0) this.#write(`\n${SHOW_CURSOR}`);
    this.#shown = [];
  }

  #lineText(line: string, index: number, isAnew: boolean): string {
    return !isAnew && this.#shown[index] === line ? '' : `\r${line}${ERASE_LINE_END}`;
  }

  /** After a resize the last frame may wrap, so it takes more lines than it had. */
  #toTop(columns: number): string {
    const rows = this.#shown.reduce((sum, line) => sum + rowsOf(line, columns), 0);
    return rows > 1 ? `\u001b[${rows - 1}A\r` : '\r';
  }
}

function rowsOf(line: string, columns: number): number {
  return Math.max(1, Math.ceil(widthOf(withoutSequences(line)) / Math.max(1, columns)));
}
