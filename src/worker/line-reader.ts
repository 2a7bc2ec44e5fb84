/** Longer lines are neither commands nor problems. ESLint's JSON is one long line, hence not smaller. */
const LINE_BYTES_MAX = 1_048_576;
/** What is looked back at for the heading of a problem that begins in the middle of a chunk. */
const CONTEXT_BYTES = 4096;
/** How much of a line decides whether it is held back. */
export const BEGINNING_BYTES = 64;
const NEWLINE = 10;
const EMPTY: Buffer = Buffer.alloc(0);

export interface LineReaderOptions {
  /** A chunk without any of them is not cut into lines: most output is of no interest, and this makes it cheap. */
  readonly hints: readonly string[];
  /** Called for whole lines, without the line break. */
  readonly onLine: (line: string) => void;
  /** Bytes that begin a line which must be seen before it goes on to the log. */
  readonly isHeldBack: (lineBeginning: string) => boolean;
}

/** Watches the lines of a byte stream on its way to the log. */
export class LineReader {
  readonly #options: LineReaderOptions;
  readonly #hints: readonly Buffer[];
  /** The line at hand. */
  #line = EMPTY;
  /** How much of it went on already. */
  #passed = 0;
  #isOverlong = false;
  /** The end of the last chunk that was not cut into lines. */
  #skipped = EMPTY;

  constructor(options: LineReaderOptions) {
    this.#options = options;
    this.#hints = options.hints.map((hint) => Buffer.from(hint));
  }

  /** Takes the next bytes and answers those that may go on. Lines are told before their bytes are answered. */
  read(chunk: Buffer): Buffer {
    const data = this.#line.length === 0 ? chunk : Buffer.concat([this.#line, chunk]);
    const passed = this.#passed;
    const end = data.lastIndexOf(NEWLINE) + 1;
    let from = 0;
    if (this.#isOverlong && end > 0) {
      from = data.indexOf(NEWLINE) + 1;
      this.#isOverlong = false;
    }
    this.#readLines(data.subarray(from, end));
    const rest = this.#isOverlong ? EMPTY : data.subarray(end);
    return this.#passOn(data, passed, rest);
  }

  /** The end of the stream: the last line may have no line break. */
  end(): Buffer {
    const rest = this.#line.subarray(this.#passed);
    this.#readLines(this.#line);
    this.#line = EMPTY;
    this.#passed = 0;
    return rest;
  }

  #passOn(data: Buffer, passed: number, rest: Buffer): Buffer {
    if (rest.length > LINE_BYTES_MAX) {
      this.#isOverlong = true;
      this.#line = EMPTY;
      this.#passed = 0;
      return data.subarray(passed);
    }
    const restAt = data.length - rest.length;
    const isHeldBack = rest.length > 0 && this.#options.isHeldBack(rest.toString('latin1', 0, BEGINNING_BYTES));
    const until = isHeldBack ? Math.max(passed, restAt) : data.length;
    this.#line = rest;
    this.#passed = until - restAt;
    return data.subarray(passed, until);
  }

  #readLines(lines: Buffer): void {
    if (lines.length === 0) return;
    if (!this.#hints.some((hint) => lines.includes(hint))) {
      this.#skipped = lines.subarray(Math.max(0, lines.length - CONTEXT_BYTES));
      return;
    }
    if (this.#skipped.length > 0)
      this.#tell(
        this.#skipped.subarray(this.#skipped.length === CONTEXT_BYTES ? this.#skipped.indexOf(NEWLINE) + 1 : 0),
      );
    this.#skipped = EMPTY;
    this.#tell(lines);
  }

  #tell(lines: Buffer): void {
    for (let at = 0; at < lines.length; ) {
      const newline = lines.indexOf(NEWLINE, at);
      const end = newline < 0 ? lines.length : newline;
      this.#options.onLine(lines.toString('utf8', at, end));
      at = end + 1;
    }
  }
}
