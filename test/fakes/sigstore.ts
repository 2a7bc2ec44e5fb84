import { createHash, generateKeyPairSync } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import {
  fulcioHandler,
  initializeCA,
  initializeCTLog,
  initializeTLog,
  initializeTSA,
  tsaHandler,
} from '@sigstore/mock';

type KeyPair = ReturnType<typeof keyPair>;
type Handler = ReturnType<typeof fulcioHandler>;

export interface SigstoreTimes {
  /** Of the timestamps. */
  readonly tsa?: Date;
}

/**
 * Fulcio, Rekor, a log of certificates and a timestamp authority of sigstore's own mock, over HTTP on loopback, with the
 * trusted root that verifies them.
 */
export class SigstoreServer {
  readonly #server: Server;
  readonly #handlers = new Map<string, Handler>();
  readonly asked: string[] = [];
  /** Text of the trusted root. */
  root = '';
  /** Answers this status instead, where it is not 0, and repeats what it was sent. */
  failWith = 0;

  constructor() {
    this.#server = createServer((request, response) => void this.#serve(request, response));
  }

  async open(times: SigstoreTimes = {}): Promise<this> {
    await new Promise<void>((listening) => this.#server.listen(0, '127.0.0.1', listening));
    // One whole second for all, because the mock writes fractions as no reader takes them; after its own authorities begin,
    // however long a busy machine takes to make them.
    const now = wholeSecond(new Date(Date.now() + AHEAD_MS));
    const [caKey, ctKey, tlogKey, tsaKey] = [keyPair(), keyPair(), keyPair(), keyPair()] as [
      KeyPair,
      KeyPair,
      KeyPair,
      KeyPair,
    ];
    const ctLog = await initializeCTLog(ctKey, now);
    const ca = await initializeCA(caKey, ctLog, now);
    const tlog = await initializeTLog(this.url, tlogKey, now);
    const tsa = await initializeTSA(tsaKey, wholeSecond(times.tsa ?? now));
    for (const handler of [fulcioHandler(ca), rekor(tlog), tsaHandler(tsa)]) this.#handlers.set(handler.path, handler);
    this.root = JSON.stringify({
      mediaType: 'application/vnd.dev.sigstore.trustedroot+json;version=0.1',
      tlogs: [log(this.url, tlog.publicKey)],
      certificateAuthorities: [authority(this.url, [ca.rootCertificate])],
      ctlogs: [log(this.url, ctLog.publicKey)],
      timestampAuthorities: [authority(this.url, [tsa.intCertificate, tsa.rootCertificate])],
    });
    return this;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = await text(request);
    this.asked.push(request.url ?? '');
    const { statusCode, response: said, contentType = 'text/plain' } = await this.#answer(request.url ?? '', body);
    response
      .writeHead(statusCode, { 'content-type': contentType })
      .end(typeof said === 'string' ? said : bytesOf(said));
  }

  async #answer(path: string, body: string): ReturnType<Handler['fn']> {
    if (this.failWith !== 0) {
      const response = JSON.stringify({ message: `you sent ${body}` });
      return { statusCode: this.failWith, response, contentType: 'application/json' };
    }
    const handler = this.#handlers.get(path);
    return handler ? handler.fn(body) : { statusCode: 404, response: '' };
  }

  async close(): Promise<void> {
    await new Promise((closed) => {
      this.#server.close(closed);
      this.#server.closeAllConnections();
    });
  }
}

const AHEAD_MS = 60_000;
const EVER = { start: '2000-01-01T00:00:00Z' };

type TLog = Awaited<ReturnType<typeof initializeTLog>>;

interface ProposedEntry {
  readonly apiVersion: string;
  readonly kind: string;
  readonly spec: { readonly proposedContent: { readonly envelope: string; readonly verifiers: readonly string[] } };
}

/**
 * The mock logs what it was sent. Rekor logs what it makes of it, and verifiers expect that: digests of envelope and payload,
 * the signature and its certificate.
 * @source https://github.com/sigstore/rekor/blob/main/pkg/types/dsse/v0.0.1/entry.go
 */
function rekor(tlog: TLog): Handler {
  return {
    path: '/api/v1/log/entries',
    fn: async (body) => {
      const { apiVersion, kind, spec } = JSON.parse(body) as ProposedEntry;
      const { envelope, verifiers } = spec.proposedContent;
      const { payload, signatures } = JSON.parse(envelope) as { payload: string; signatures: { sig: string }[] };
      const entry = await tlog.log({
        apiVersion,
        kind,
        spec: {
          envelopeHash: digestOf(envelope),
          payloadHash: digestOf(Buffer.from(payload, 'base64')),
          signatures: signatures.map(({ sig }, i) => ({ signature: sig, verifier: verifiers[i] })),
        },
      });
      return { statusCode: 201, response: JSON.stringify(entry), contentType: 'application/json' };
    },
  };
}

function digestOf(bytes: Buffer | string): object {
  return { algorithm: 'sha256', value: createHash('sha256').update(bytes).digest('hex') };
}

function bytesOf({ buffer, byteOffset, byteLength }: ArrayBufferView): Buffer {
  return Buffer.from(buffer, byteOffset, byteLength);
}

function wholeSecond(time: Date): Date {
  return new Date(Math.floor(time.getTime() / 1000) * 1000);
}

function keyPair() {
  return generateKeyPairSync('ec', { namedCurve: 'P-256' });
}

function log(baseUrl: string, publicKey: Buffer): object {
  return {
    baseUrl,
    hashAlgorithm: 'SHA2_256',
    publicKey: {
      rawBytes: publicKey.toString('base64'),
      keyDetails: 'PKIX_ECDSA_P256_SHA_256',
      validFor: EVER,
    },
    logId: { keyId: createHash('sha256').update(publicKey).digest('base64') },
  };
}

function authority(uri: string, chain: readonly ArrayBufferView[]): object {
  return {
    subject: { organization: 'sigstore.mock', commonName: 'sigstore' },
    uri,
    certChain: { certificates: chain.map((der) => ({ rawBytes: bytesOf(der).toString('base64') })) },
    validFor: EVER,
  };
}

/** An identity token as GitHub gives it to a job; nobody here checks its signature. */
export function identityToken(claims: Readonly<Record<string, unknown>>): string {
  const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');
  const nowS = Math.floor(Date.now() / 1000);
  return [
    part({ alg: 'RS256', typ: 'JWT' }),
    part({ aud: 'sigstore', iat: nowS, exp: nowS + 300, ...claims }),
    Buffer.from('PLANTED-signature').toString('base64url'),
  ].join('.');
}
