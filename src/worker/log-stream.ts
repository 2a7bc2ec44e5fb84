import { isAscii } from 'node:buffer';
import { DigestStream } from '../base/digest.ts';
import { isMaestroError } from '../base/errors.ts';
import type { HeldLease, LogChunk } from '../protocol/lease.ts';
import type { Outcome } from '../protocol/outcome.ts';
import { backoffMs, type Pause } from './pause.ts';

/** Bytes of one attempt's log that are stored; the rest is counted and digested. */
export const LOG_BYTES_MAX = 16_777_216;
/** A chunk is sent when it has this many characters, or when its first character is `FLUSH_MS` old. */
export const CHUNK_CHARS = 65_536;
const FLUSH_MS = 200;
/** Chunks that wait for the conductor; beyond them the step is held back. */
const QUEUE_MAX = 16;
const RETRIES_MAX = 12;
const BACKOFF = { initialMs: 100, maxMs: 5000 };

export type LogSummary = NonNullable<Outcome['log']>;

export interface LogStreamOptions {
  readonly held: HeldLease;
  readonly append: (chunks: readonly LogChunk[]) => Promise<void>;
  readonly pause: Pause;
  readonly storedBytesMax?: number;
}

/**
 * Cuts a log into numbered chunks and sends them in order, one call at a time.
 *
 * Takes bytes in any pieces; characters are never cut, and what is not UTF-8 (or is NUL, which Postgres cannot store)
 * becomes U+FFFD. Digest and size are of that text, the whole of it.
 */
export class LogStream {
  readonly #options: LogStreamOptions;
  readonly #storedBytesMax: number;
  readonly #decoder = new TextDecoder('utf-8', { ignoreBOM: true });
  readonly #digest = new DigestStream();
  #isMidCharacter = false;
  #parts: string[] = [];
  #chars = 0;
  #seq = 0;
  #isTruncated = false;
  #queue: LogChunk[] = [];
  #timer: NodeJS.Timeout | undefined;
  #sending: Promise<void> | undefined;
  /** The conductor does not take the log: the lease is lost, or it did not answer for too long. */
  #isRefused = false;

  constructor(options: LogStreamOptions) {
    this.#options = options;
    this.#storedBytesMax = options.storedBytesMax ?? LOG_BYTES_MAX;
  }

  /** A promise means: wait for it before the next write. */
  write(bytes: Uint8Array): Promise<void> | undefined {
    if (bytes.length === 0) return undefined;
    // The rest of a long log is only digested, and most of it needs no decoding for that.
    if (this.#isTruncated && !this.#isMidCharacter && isAscii(bytes) && !bytes.includes(0)) {
      this.#digest.update(bytes);
      return undefined;
    }
    this.#isMidCharacter = (bytes.at(-1) as number) > 0x7f;
    this.#take(this.#decoder.decode(bytes, { stream: true }));
    return this.#queue.length >= QUEUE_MAX ? this.#sending : undefined;
  }

  async end(): Promise<LogSummary> {
    this.#take(this.#decoder.decode());
    this.#seal();
    clearTimeout(this.#timer);
    await this.#sending;
    const sizeBytes = this.#digest.sizeBytes;
    return { digest: this.#digest.digest(), sizeBytes, isTruncated: this.#isTruncated || this.#isRefused };
  }

  #take(decoded: string): void {
    const text = decoded.includes('\0') ? decoded.replaceAll('\0', '\ufffd') : decoded;
    if (text === '') return;
    const bytes = Buffer.from(text);
    const room = this.#storedBytesMax - this.#digest.sizeBytes;
    this.#digest.update(bytes);
    if (this.#isTruncated) return;
    if (bytes.length <= room) return this.#store(text);
    this.#isTruncated = true;
    // `stream` drops a character that the limit cuts.
    this.#store(new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytes.subarray(0, room), { stream: true }));
    this.#store(
      `\n[maestro] the log is longer than ${this.#storedBytesMax} bytes: the rest is counted and digested, but not stored\n`,
    );
    this.#seal();
  }

  #store(text: string): void {
    for (let at = 0; at < text.length; ) {
      let end = Math.min(text.length, at + CHUNK_CHARS - this.#chars);
      if (end < text.length && isHighSurrogate(text.charCodeAt(end - 1))) end++;
      this.#parts.push(text.slice(at, end));
      this.#chars += end - at;
      at = end;
      if (this.#chars >= CHUNK_CHARS) this.#seal();
    }
    if (this.#chars > 0) this.#timer ??= setTimeout(() => this.#seal(), FLUSH_MS);
  }

  #seal(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (this.#chars === 0) return;
    const { stepId, fence } = this.#options.held;
    this.#queue.push({ stepId, fence, seq: this.#seq++, text: this.#parts.join('') });
    this.#parts = [];
    this.#chars = 0;
    this.#sending ??= this.#send();
  }

  async #send(): Promise<void> {
    // A microtask later, so that `#sending` is set before a synchronous client could end this.
    await Promise.resolve();
    while (this.#queue.length > 0) {
      const chunks = this.#queue;
      this.#queue = [];
      if (!this.#isRefused) this.#isRefused = !(await this.#deliver(chunks));
    }
    this.#sending = undefined;
  }

  async #deliver(chunks: readonly LogChunk[]): Promise<boolean> {
    for (let failures = 0; failures < RETRIES_MAX; failures++) {
      try {
        await this.#options.append(chunks);
        return true;
      } catch (error) {
        // What is beyond the server's own limit is not taken later either.
        if (isMaestroError(error, 'LEASE_LOST') || isMaestroError(error, 'REQUEST_TOO_LARGE')) return false;
        await this.#options.pause(backoffMs(failures, BACKOFF, () => 1));
      }
    }
    return false;
  }
}

function isHighSurrogate(code: number): boolean {
  return code >= 0xd800 && code <= 0xdbff;
}
