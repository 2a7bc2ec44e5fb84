import { setTimeout as pause } from 'node:timers/promises';
import { ERROR_CODES, type ErrorCode } from '../../base/error-codes.ts';
import { MaestroError, messageOf } from '../../base/errors.ts';
import { isJsonObject } from '../../base/json.ts';
import { isSafeUrl } from '../../base/safe-url.ts';
import type { EvidenceReader, RunProofs } from '../../protocol/evidence.ts';

const MS_MAX = 30_000;
/** A thousand leaves, and some. */
const ANSWER_BYTES_MAX = 4_194_304;
const TRIES_MAX = 20;
const WAIT_S_MAX = 60;

/** The register of a server, read as anybody may read it. @throws USAGE, NETWORK_FAILED, and what the server says */
export function registerAtServer(server: string, ask: typeof fetch): EvidenceReader {
  if (!isSafeUrl(server))
    throw new MaestroError('USAGE', 'expected --server with an https:// URL (http:// only for this machine itself)');
  const read = (path: string, query: Readonly<Record<string, string | number>> = {}): Promise<string> => {
    const url = new URL(`/api/v1/evidence/${path}`, server);
    for (const [name, value] of Object.entries(query)) url.searchParams.set(name, String(value));
    return get(url, ask);
  };
  return {
    checkpoint: async () => ({ checkpoint: await read('checkpoint'), verifierKey: (await read('key')).trim() }),
    proofs: async (run) => objectOf(await read('proof', { run }), server) as unknown as RunProofs,
    consistency: async (from, to) => textsOf(objectOf(await read('consistency', { from, to }), server).hashes, server),
    leaves: async (from, count) => textsOf(objectOf(await read('leaves', { from, count }), server).leaves, server),
  };
}

/** A long register takes many calls: where the server wants a pause, it gets one. */
async function get(url: URL, ask: typeof fetch): Promise<string> {
  for (let tries = 1; ; tries++) {
    const response = await ask(url, { redirect: 'error', signal: AbortSignal.timeout(MS_MAX) }).catch(
      (error: unknown) => {
        throw new MaestroError('NETWORK_FAILED', `${url.origin} does not answer: ${messageOf(error)}`, {
          cause: error,
        });
      },
    );
    const text = await textOf(response, url);
    if (response.ok) return text;
    const waitS = Number(response.headers.get('retry-after') ?? Number.NaN);
    const isPatient = response.status === 429 && tries < TRIES_MAX && waitS > 0 && waitS <= WAIT_S_MAX;
    if (!isPatient) throw problemOf(response.status, text, url);
    await pause(waitS * 1000);
  }
}

async function textOf(response: Response, { origin }: URL): Promise<string> {
  const chunks: Uint8Array[] = [];
  let sizeBytes = 0;
  for await (const chunk of response.body ?? []) {
    sizeBytes += chunk.length;
    if (sizeBytes > ANSWER_BYTES_MAX)
      throw new MaestroError('NETWORK_FAILED', `${origin} answered more than ${ANSWER_BYTES_MAX} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString();
}

/** What the server says went wrong, as its own errors are; anything else is no Maestro. */
function problemOf(status: number, text: string, { origin }: URL): MaestroError {
  const told = jsonOf(text);
  if (isJsonObject(told) && typeof told.code === 'string' && Object.hasOwn(ERROR_CODES, told.code))
    return new MaestroError(told.code as ErrorCode, typeof told.detail === 'string' ? told.detail : told.code);
  return new MaestroError('NETWORK_FAILED', `${origin} answered ${status}: expected a Maestro server there`);
}

function objectOf(text: string, server: string): Readonly<Record<string, unknown>> {
  const value = jsonOf(text);
  if (isJsonObject(value)) return value;
  throw new MaestroError('NETWORK_FAILED', `${server} answered something else: expected a Maestro server there`);
}

function textsOf(value: unknown, server: string): readonly string[] {
  if (Array.isArray(value) && value.every((one) => typeof one === 'string')) return value;
  throw new MaestroError('NETWORK_FAILED', `${server} answered something else: expected a list of texts`);
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
