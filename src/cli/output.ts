import { ERROR_CODES } from '../base/error-codes.ts';
import { isMaestroError, messageOf } from '../base/errors.ts';
import { VerificationError } from '../provenance/verification-error.ts';
import type { Paint } from './paint.ts';
import { safeJson, safeText } from './terminal-text.ts';

/** Where text goes. */
export interface Streams {
  writeOut(text: string): void;
  writeErr(text: string): void;
  /** Resolves when standard output takes more: await it in loops, or memory fills behind a slow reader. */
  drained(): Promise<void>;
}

/**
 * What a command says.
 *
 * Standard output carries the answer: text for people, or with `--json` one JSON document (one per line for streams).
 * Standard error carries remarks and errors, for people. With `--json` an error is *also* a document on standard
 * output, `{"error":{code,message,nextStep}}`, so a program reads one place.
 */
export class Output {
  readonly isJson: boolean;
  readonly paint: Paint;
  readonly #streams: Streams;

  constructor(streams: Streams, isJson: boolean, paint: Paint) {
    this.#streams = streams;
    this.isJson = isJson;
    this.paint = paint;
  }

  /** One line for people. Text from outside must have gone through `safeText`. */
  line(text = ''): void {
    this.#streams.writeOut(`${text}\n`);
  }

  /** Text as it is, without a line end. */
  raw(text: string): void {
    this.#streams.writeOut(text);
  }

  json(value: unknown): void {
    this.#streams.writeOut(`${safeJson(value, 2)}\n`);
  }

  /** One document of a stream. */
  jsonLine(value: unknown): void {
    this.#streams.writeOut(`${safeJson(value)}\n`);
  }

  /** A remark that is not the answer. */
  note(text: string): void {
    this.#streams.writeErr(`${text}\n`);
  }

  next(text: string): void {
    this.note(`  ${this.paint.cyan('next:')} ${text}`);
  }

  error(error: unknown): void {
    const { code, message, nextStep } = describeError(error);
    this.note(
      `${this.paint.red(this.paint.bold(`error[${code}]`))}: ${message.split('\n').map(safeText).join('\n  ')}`,
    );
    this.next(nextStep);
    if (this.isJson) this.jsonLine({ error: { code, message, nextStep } });
  }

  drained(): Promise<void> {
    return this.#streams.drained();
  }
}

interface ErrorDescription {
  readonly code: string;
  readonly message: string;
  readonly nextStep: string;
}

function describeError(error: unknown): ErrorDescription {
  if (isMaestroError(error)) return { code: error.code, message: error.message, nextStep: error.nextStep };
  if (error instanceof VerificationError) {
    return { code: error.code, message: error.message, nextStep: ERROR_CODES.RECEIPT_INVALID.nextStep };
  }
  return { code: 'INTERNAL', message: messageOf(error), nextStep: 'report this; the state on disk is kept' };
}
