import type { LogLine } from '../protocol/event.ts';

/** A line without an end is passed on in pieces of this length, so a log without line ends takes no memory. */
const UNFINISHED_CHARS_MAX = 65_536;

/**
 * Makes whole lines of the pieces in which a log arrives; each step and attempt has its own unfinished line.
 *
 * Lines are joined before anything looks at them: an escape sequence that is cut between two pieces would pass unseen.
 */
export class LogLines {
  readonly #unfinished = new Map<string, LogLine>();

  /** The lines that this piece finishes. */
  add(piece: LogLine): readonly LogLine[] {
    const key = `${piece.attempt} ${piece.step}`;
    const before = this.#unfinished.get(key)?.text ?? '';
    const parts = (before + piece.text).split('\n');
    const rest = parts.pop() ?? '';
    if (rest.length > UNFINISHED_CHARS_MAX) parts.push(rest);
    if (rest === '' || rest.length > UNFINISHED_CHARS_MAX) this.#unfinished.delete(key);
    else this.#unfinished.set(key, { ...piece, text: rest });
    return parts.map((text) => ({ ...piece, text: text.replace(/\r$/, '') }));
  }

  /** Lines that have no end, of one step or of all: nothing more will come. */
  finish(step?: string): readonly LogLine[] {
    const lines: LogLine[] = [];
    for (const [key, line] of this.#unfinished) {
      if (step !== undefined && line.step !== step) continue;
      lines.push(line);
      this.#unfinished.delete(key);
    }
    return lines;
  }
}
