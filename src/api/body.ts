import { Readable } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { isMaestroError, MaestroError, messageOf } from '../base/errors.ts';
import type { HeldBody } from './body-budget.ts';
import { BODY_DEPTH_MAX, BODY_MS_MAX, STREAM_IDLE_MS_MAX, VALUE_BYTES } from './limits.ts';
import { weighJson } from './weigh-json.ts';

export interface JsonBody {
  readonly value: unknown;
  /** Unpacked. */
  readonly sizeBytes: number;
}

/**
 * Reads a JSON body, no further than the limit, unpacked first where it may be gzip. `held` counts what it takes in memory.
 * @throws REQUEST_TOO_LARGE, REQUEST_TIMED_OUT, INVALID_JSON, REQUEST_INVALID, UNAVAILABLE where all bodies are too much
 */
export async function readJson(
  request: Request,
  bytesMax: number,
  isGzipAllowed: boolean,
  held: HeldBody,
): Promise<JsonBody> {
  assertJson(request);
  const isGzip = encodingOf(request, isGzipAllowed) === 'gzip';
  const parts: Uint8Array[] = [];
  const limit = AbortSignal.timeout(BODY_MS_MAX);
  try {
    const source = bodyOf(request, limit);
    for await (const part of bounded(isGzip ? unzipped(source) : source, bytesMax)) {
      held.add(part.byteLength);
      parts.push(part);
    }
  } catch (error) {
    if (isMaestroError(error)) throw error;
    if (limit.aborted)
      throw new MaestroError('REQUEST_TIMED_OUT', `expected the whole body within ${BODY_MS_MAX} ms`, { cause: error });
    throw new MaestroError('REQUEST_INVALID', `the body cannot be read: ${messageOf(error)}`, { cause: error });
  }
  const bytes = Buffer.concat(parts);
  const { values, depth } = weighJson(bytes);
  if (depth > BODY_DEPTH_MAX)
    throw new MaestroError('REQUEST_INVALID', `expected a body that nests no deeper than ${BODY_DEPTH_MAX}`);
  held.add(values * VALUE_BYTES);
  return { value: parse(bytes), sizeBytes: bytes.byteLength };
}

/**
 * A body as it arrives.
 * @throws REQUEST_TOO_LARGE, REQUEST_TIMED_OUT, as the stream is read
 */
export async function* streamBody(request: Request, bytesMax: number): AsyncIterable<Uint8Array> {
  encodingOf(request, false);
  const idle = new AbortController();
  const watch = setTimeout(() => idle.abort(), STREAM_IDLE_MS_MAX);
  try {
    for await (const part of bounded(bodyOf(request, idle.signal), bytesMax)) {
      watch.refresh();
      yield part;
    }
  } catch (error) {
    if (idle.signal.aborted)
      throw new MaestroError('REQUEST_TIMED_OUT', `nothing arrived for ${STREAM_IDLE_MS_MAX} ms`, { cause: error });
    throw error;
  } finally {
    clearTimeout(watch);
  }
}

async function* bodyOf(request: Request, signal: AbortSignal): AsyncIterable<Uint8Array> {
  const reader = request.body?.getReader();
  if (!reader) return;
  const giveUp = (): void => void reader.cancel(signal.reason).catch(() => {});
  signal.addEventListener('abort', giveUp, { once: true });
  try {
    for (let next = await reader.read(); !next.done; next = await reader.read()) yield next.value;
    signal.throwIfAborted();
  } finally {
    signal.removeEventListener('abort', giveUp);
  }
}

/** Unpacked piece by piece: what is behind the limit is never made. */
async function* unzipped(source: AsyncIterable<Uint8Array>): AsyncIterable<Uint8Array> {
  const gunzip = createGunzip();
  const packed = Readable.from(source, { objectMode: false });
  packed.on('error', (error) => gunzip.destroy(error));
  try {
    yield* packed.pipe(gunzip) as AsyncIterable<Uint8Array>;
  } finally {
    packed.destroy();
    gunzip.destroy();
  }
}

async function* bounded(source: AsyncIterable<Uint8Array>, bytesMax: number): AsyncIterable<Uint8Array> {
  let sizeBytes = 0;
  for await (const part of source) {
    sizeBytes += part.byteLength;
    if (sizeBytes > bytesMax) throw new MaestroError('REQUEST_TOO_LARGE', `expected at most ${bytesMax} bytes`);
    yield part;
  }
}

function assertJson(request: Request): void {
  const type = request.headers.get('content-type')?.split(';')[0]?.trim().toLowerCase();
  if (type !== 'application/json')
    throw new MaestroError('REQUEST_INVALID', `expected a body of application/json, got ${type ?? 'none'}`);
}

function encodingOf(request: Request, isGzipAllowed: boolean): 'identity' | 'gzip' {
  const encoding = request.headers.get('content-encoding')?.toLowerCase() ?? 'identity';
  if (encoding === 'identity' || (encoding === 'gzip' && isGzipAllowed)) return encoding;
  throw new MaestroError('REQUEST_INVALID', `this route takes no body with content-encoding ${encoding}`);
}

function parse(bytes: Buffer): unknown {
  try {
    return JSON.parse(bytes.toString('utf8'));
  } catch {
    // The parser quotes what it cannot read, and that may be a token.
    throw new MaestroError('INVALID_JSON', 'expected a JSON document as the body');
  }
}
