import { MaestroError } from '../base/errors.ts';
import { meaningfulBytes, secretFileForms } from '../base/secret-forms.ts';
import { SECRET_BYTES_MIN } from './mask.ts';
import { Needles } from './needles.ts';

/** Looks for declared secrets in files on their way to the store, which keeps them as they are. */
export class SecretScan {
  readonly #values: readonly string[];
  #needles: Needles | undefined;

  constructor(values: readonly string[]) {
    this.#values = values.filter((value) => meaningfulBytes(value) >= SECRET_BYTES_MIN);
  }

  /**
   * Passes content on, in one pass and whatever its chunks are.
   *
   * @throws MaestroError SECRET_IN_ARTIFACT, from the stream, at the chunk in which a secret ends: no store then has the whole
   */
  watch(path: string, content: AsyncIterable<Uint8Array>): AsyncIterable<Uint8Array> {
    if (this.#values.length === 0) return content;
    this.#needles ??= new Needles(this.#values.flatMap(secretFileForms).map((form) => Buffer.from(form)));
    return this.#needles.count === 0 ? content : watched(path, content, this.#needles);
  }
}

async function* watched(path: string, content: AsyncIterable<Uint8Array>, needles: Needles): AsyncIterable<Uint8Array> {
  let state = 0;
  for await (const chunk of content) {
    const hit = needles.scan(chunk, 0, state);
    if (hit.length > 0)
      throw new MaestroError(
        'SECRET_IN_ARTIFACT',
        `expected no secret in what is kept of the step, found one in ${path}: leave the file out, or the secret out of it`,
      );
    state = hit.state;
    yield chunk;
  }
}
