import { type KeyObject, randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import { createServer } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { setTimeout } from 'node:timers/promises';
import { TLS_FILE } from '../unit/worker/egress-world.ts';
import { newKey, publicHalf, signDigest } from './sign-digest.ts';

/** What the far end does with a call. `garble` answers in the right form, and a signature of something else. */
export type Mood = 'serve' | 'hang' | 'garble' | 'refuse' | 'nonsense';

interface Call {
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingMessage['headers'];
  readonly body: Record<string, unknown>;
}

interface Answer {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body: unknown;
}

/** How one vendor's service speaks. */
interface Tongue {
  readonly isTls?: boolean;
  answer(call: Call, keys: FakeKeyService): Answer;
  refusal: (echo: string) => Answer;
}

/**
 * A key service of a vendor on loopback: its documented requests and answers, with a real key behind them. What it is sent
 * is held to that form; it answers 400 to anything else.
 */
export class FakeKeyService {
  readonly #server: Server;
  readonly #tongue: Tongue;
  readonly #hung = new Set<ServerResponse>();
  mood: Mood = 'serve';
  latencyMs = 0;
  key: KeyObject = newKey('prime256v1');
  readonly calls: Call[] = [];
  /** Signatures that are being made, and the most that ever were. */
  atOnce = 0;
  atOnceMax = 0;

  constructor(tongue: Tongue) {
    this.#tongue = tongue;
    const serve = (request: IncomingMessage, response: ServerResponse): void => void this.#serve(request, response);
    const pem = tongue.isTls ? readFileSync(TLS_FILE) : undefined;
    this.#server = pem ? createTlsServer({ key: pem, cert: pem }, serve) : createServer(serve);
  }

  async open(): Promise<this> {
    await new Promise<void>((listening) => this.#server.listen(0, '127.0.0.1', listening));
    return this;
  }

  get address(): string {
    return `127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  replaceKey(curve: string): void {
    this.key = newKey(curve);
  }

  /** DER or r || s, over what the caller has hashed. */
  sign(digest: Buffer, form: 'der' | 'halves'): Buffer {
    return signDigest(this.key, this.mood === 'garble' ? randomBytes(32) : digest, form);
  }

  /** From now on; calls that hang already are answered with an end of the connection. */
  behave(mood: Mood): void {
    this.mood = mood;
    for (const response of this.#hung) response.destroy();
    this.#hung.clear();
  }

  async close(): Promise<void> {
    await new Promise((closed) => {
      this.#server.close(closed);
      this.#server.closeAllConnections();
    });
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = await text(request);
    if (this.mood === 'hang') return void this.#hung.add(response);
    this.atOnceMax = Math.max(this.atOnceMax, ++this.atOnce);
    if (this.latencyMs > 0) await setTimeout(this.latencyMs);
    this.atOnce--;
    const { status, headers, body: said } = this.#answer(request, body);
    response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(said));
  }

  #answer(request: IncomingMessage, body: string): Answer {
    const { method = '', url: path = '', headers } = request;
    const call: Call = { method, path, headers, body: body === '' ? {} : JSON.parse(body) };
    this.calls.push(call);
    if (this.mood === 'nonsense') return { status: 200, body: { data: {} } };
    // Proxies do repeat what they were sent.
    const echo = `you sent ${String(headers.authorization ?? headers['x-vault-token'])}`;
    if (this.mood === 'refuse') return this.#tongue.refusal(echo);
    return this.#tongue.answer(call, this);
  }
}

function spki(key: KeyObject): { der: Buffer; pem: string; jwk: { x?: string; y?: string; crv?: string } } {
  const half = publicHalf(key);
  return {
    der: half.export({ type: 'spki', format: 'der' }),
    pem: half.export({ type: 'spki', format: 'pem' }) as string,
    jwk: half.export({ format: 'jwk' }),
  };
}

const BAD: Answer = { status: 400, body: { error: 'the fake knows no such request' } };

/** JSON 1.1 of AWS. @source https://docs.aws.amazon.com/kms/latest/APIReference/API_Sign.html */
export const AWS: Tongue = {
  refusal: (echo) => ({ status: 400, body: { __type: 'AccessDeniedException', message: echo } }),
  answer: ({ method, path, headers, body }, service) => {
    if (method !== 'POST' || path !== '/' || !headers.authorization?.startsWith('AWS4-HMAC-SHA256 Credential='))
      return BAD;
    const target = headers['x-amz-target'];
    if (target === 'TrentService.GetPublicKey') {
      const PublicKey = spki(service.key).der.toString('base64');
      return { status: 200, body: { KeyId: body.KeyId, PublicKey, KeyUsage: 'SIGN_VERIFY' } };
    }
    const isPlain = body.MessageType === 'DIGEST' && body.SigningAlgorithm === 'ECDSA_SHA_256';
    const digest = Buffer.from(String(body.Message), 'base64');
    if (target !== 'TrentService.Sign' || !isPlain || digest.byteLength !== 32) return BAD;
    const Signature = service.sign(digest, 'der').toString('base64');
    return { status: 200, body: { KeyId: body.KeyId, Signature, SigningAlgorithm: 'ECDSA_SHA_256' } };
  },
};

/** @source https://cloud.google.com/kms/docs/reference/rest/v1/projects.locations.keyRings.cryptoKeys.cryptoKeyVersions */
export const GCP: Tongue = {
  refusal: (message) => ({ status: 403, body: { error: { code: 403, message, status: 'PERMISSION_DENIED' } } }),
  answer: ({ method, path, headers, body }, service) => {
    const [, name, verb] =
      /^\/v1\/(projects\/.+\/cryptoKeyVersions\/\d+)(\/publicKey|:asymmetricSign)/.exec(path) ?? [];
    if (!headers.authorization?.startsWith('Bearer ')) return BAD;
    if (verb === '/publicKey' && method === 'GET')
      return { status: 200, body: { name, pem: spki(service.key).pem, algorithm: 'EC_SIGN_P256_SHA256' } };
    const { sha256 } = (body.digest ?? {}) as { sha256?: string };
    const digest = Buffer.from(sha256 ?? '', 'base64');
    if (verb !== ':asymmetricSign' || method !== 'POST' || digest.byteLength !== 32) return BAD;
    return { status: 200, body: { name, signature: service.sign(digest, 'der').toString('base64') } };
  },
};

/** @source https://learn.microsoft.com/rest/api/keyvault/keys/sign/sign */
export const AZURE: Tongue = {
  isTls: true,
  refusal: (message) => ({ status: 403, body: { error: { code: 'Forbidden', message } } }),
  answer: ({ method, path, headers, body }, service) => {
    if (!headers.authorization) {
      const challenge =
        'Bearer authorization="https://login.microsoftonline.com/t", resource="https://vault.azure.net"';
      return { status: 401, headers: { 'www-authenticate': challenge }, body: {} };
    }
    const [, name, version, verb] = /^\/keys\/([\w-]+)\/(\w+)(\/sign)?\?api(?:-|%2D)version=/.exec(path) ?? [];
    const kid = `https://${service.address}/keys/${name}/${version}`;
    const { crv, x, y } = spki(service.key).jwk;
    if (method === 'GET' && name && !verb)
      return {
        status: 200,
        body: { key: { kid, kty: 'EC', crv, x, y, key_ops: ['sign'] }, attributes: { enabled: true } },
      };
    const digest = Buffer.from(String(body.value), 'base64url');
    if (method !== 'POST' || !verb || body.alg !== 'ES256' || digest.byteLength !== 32) return BAD;
    return { status: 200, body: { kid, value: service.sign(digest, 'halves').toString('base64url') } };
  },
};

/** @source https://developer.hashicorp.com/vault/api-docs/secret/transit; the contract suite holds it to a real OpenBao */
export const VAULT: Tongue = {
  refusal: (echo) => ({ status: 403, body: { errors: [echo] } }),
  answer: ({ method, path, headers, body }, service) => {
    if (!headers['x-vault-token']) return { status: 403, body: { errors: ['permission denied'] } };
    if (method === 'GET' && path === '/v1/transit/keys/receipts') {
      const keys = { 1: { public_key: spki(service.key).pem } };
      return { status: 200, body: { data: { type: 'ecdsa-p256', latest_version: 1, keys } } };
    }
    const digest = Buffer.from(String(body.input), 'base64');
    const isPlain = body.prehashed === true && body.marshaling_algorithm === 'asn1' && body.key_version === 1;
    if (path !== '/v1/transit/sign/receipts/sha2-256' || !isPlain || digest.byteLength !== 32) return BAD;
    return { status: 200, body: { data: { signature: `vault:v1:${service.sign(digest, 'der').toString('base64')}` } } };
  },
};
