import { Readable } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { isMaestroError, MaestroError, messageOf } from '../base/errors.ts';
import { BODY_MS_MAX, STREAM_IDLE_MS_MAX } from './limits.ts';

/**
 * Reads a JSON body, no further than the limit, unpacked first where it may be gzip.
 * @throws REQUEST_TOO_LARGE, REQUEST_TIMED_OUT, INVALID_JSON
 */
export async function readJson(request: Request, bytesMax: number, isGzipAllowed: boolean): Promise<unknown> {
  assertJson(request);
  const isGzip = encodingOf(request, isGzipAllowed) === 'gzip';
  const parts: Uint8Array[] = [];
  const limit = AbortSignal.timeout(BODY_MS_MAX);
  try {
    const source = bodyOf(request, limit);
    for await (const part of bounded(isGzip ? unzipped(source) : source, bytesMax)) parts.push(part);
  } catch (error) {
    if (isMaestroError(error)) throw error;
    if (limit.aborted)
      throw new MaestroError('REQUEST_TIMED_OUT', `expected the whole body within ${BODY_MS_MAX} ms`, { cause: error });
    throw new MaestroError('REQUEST_INVALID', `the body cannot be read: ${messageOf(error)}`, { cause: error });
  }
  return parse(Buffer.concat(parts));
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
