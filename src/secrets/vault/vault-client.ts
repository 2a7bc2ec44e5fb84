import { MaestroError } from '../../base/errors.ts';
import { isJsonObject, type Json, type JsonObject } from '../../base/json.ts';
import { isSafeUrl } from '../../base/safe-url.ts';

/** Larger than any entry that the vault's own storage takes. */
const ANSWER_BYTES_MAX = 2_097_152;
const REMARK_CHARS_MAX = 500;

export type Fetch = typeof globalThis.fetch;

export interface VaultAddress {
  /** No slash at the end. */
  readonly url: string;
  /** Of Vault Enterprise or OpenBao. */
  readonly namespace: string | undefined;
}

export interface VaultCall {
  readonly path: string;
  /** Sent as POST; without it the call is a GET. */
  readonly body?: JsonObject;
  readonly token?: string;
  readonly signal: AbortSignal;
}

export interface VaultAnswer {
  readonly status: number;
  readonly body: JsonObject;
}

/** Calls of a HashiCorp Vault or an OpenBao. */
export class VaultClient {
  readonly #address: VaultAddress;
  readonly #fetch: Fetch;

  /** @throws CONFIG_INVALID for an address to which tokens would travel in the open */
  constructor(address: VaultAddress, fetch: Fetch) {
    if (!isSafeUrl(address.url))
      throw new MaestroError('CONFIG_INVALID', 'expected an https vault (http only on this machine)');
    this.#address = address;
    this.#fetch = fetch;
  }

  /** @throws SECRETS_UNAVAILABLE where no answer comes, or none of a vault; with the reason as its cause */
  async call({ path, body, token, signal }: VaultCall): Promise<VaultAnswer> {
    const { url, namespace } = this.#address;
    const headers = {
      accept: 'application/json',
      'x-vault-request': 'true',
      ...(namespace !== undefined && { 'x-vault-namespace': namespace }),
      ...(token !== undefined && { 'x-vault-token': token }),
      ...(body && { 'content-type': 'application/json' }),
    };
    try {
      // A redirection would take the token along to wherever it points.
      const answer = await this.#fetch(`${url}/v1/${path}`, {
        redirect: 'error',
        signal,
        headers,
        ...(body && { method: 'POST', body: JSON.stringify(body) }),
      });
      return { status: answer.status, body: parse(await readBounded(answer)) };
    } catch (error) {
      throw unavailable(reasonOf(error));
    }
  }
}

/** What users are told names neither the address nor the vault's words; the operator's log gets both. */
export function unavailable(why: string): MaestroError {
  const cause = new Error(why);
  return new MaestroError('SECRETS_UNAVAILABLE', 'expected the vault to give the secrets: it cannot at the moment', {
    cause,
  });
}

/** The vault's own words on a failure, without what it was sent. */
export function remarkOf({ status, body }: VaultAnswer, ...sent: readonly string[]): string {
  const errors: readonly Json[] = Array.isArray(body.errors) ? body.errors : [];
  const words = errors.filter((word) => typeof word === 'string').join('; ');
  const clean = sent.reduce((text, secret) => text.replaceAll(secret, '***'), words);
  return `${status} ${clean.replaceAll(/\s+|\p{C}/gu, ' ').slice(0, REMARK_CHARS_MAX)}`.trim();
}

async function readBounded(answer: Response): Promise<string> {
  const parts: Uint8Array[] = [];
  let sizeBytes = 0;
  for await (const part of answer.body ?? []) {
    sizeBytes += part.byteLength;
    if (sizeBytes > ANSWER_BYTES_MAX) throw new Error(`it answered more than ${ANSWER_BYTES_MAX} bytes`);
    parts.push(part);
  }
  return Buffer.concat(parts).toString('utf8');
}

/** A success without content, as a revocation is, counts as an empty object; anything else that is none as a failure. */
function parse(text: string): JsonObject {
  if (text === '') return {};
  try {
    const value: unknown = JSON.parse(text);
    if (isJsonObject(value)) return value;
  } catch {
    // The parser's own message quotes the text.
  }
  throw new Error('it answered no JSON object');
}

function reasonOf(error: unknown): string {
  const { name, message, cause } = error as Error;
  if (name === 'TimeoutError' || name === 'AbortError') return 'it did not answer in time';
  const code = (cause as NodeJS.ErrnoException | undefined)?.code;
  return code === undefined ? message : `${message}: ${code}`;
}
