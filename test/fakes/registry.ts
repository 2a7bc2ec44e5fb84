import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { digestBytes } from '../../src/base/digest.ts';

/** One request as the registry got it. */
export interface Asked {
  readonly method: string;
  /** Path and query. */
  readonly url: string;
  readonly headers: IncomingMessage['headers'];
  readonly bytes: Buffer;
}

/** True where the answer has been given, so that the registry itself gives none. */
type Fault = (asked: Asked, response: ServerResponse) => boolean;

interface Upload {
  bytes: Buffer;
}

/**
 * A registry on loopback, of the parts of OCI distribution 1.1 that pushing needs, with faults that no real one has on order.
 * The suite in test/contract holds it to what a real registry does.
 */
export class FakeRegistry {
  readonly blobs = new Map<string, Buffer>();
  readonly manifests = new Map<string, { mediaType: string; bytes: Buffer }>();
  readonly asked: Asked[] = [];
  /** Asked before anything else. */
  fault: Fault = () => false;
  /** Cut the connection when an upload of at least so many bytes has brought them; each entry once. */
  readonly cuts: number[] = [];
  /** Keeps what a cut upload had brought, and says so. */
  isResumable = true;
  /** `Authorization` that every request has to carry, and the challenge for those that do not. */
  login: { authorization: string; challenge: string } | undefined;
  hasReferrers = false;
  readonly #uploads = new Map<string, Upload>();
  readonly #server: Server = createServer((request, response) => void this.#serve(request, response));

  async open(): Promise<this> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
    return this;
  }

  get host(): string {
    return `127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  count(method: string, part: string): number {
    return this.asked.filter((asked) => asked.method === method && asked.url.includes(part)).length;
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { method = '', url = '', headers } = request;
    const bytes = await this.#read(request, method, url);
    if (!bytes) return;
    const asked = { method, url, headers, bytes };
    this.asked.push(asked);
    if (this.login && headers.authorization !== this.login.authorization)
      return void response.writeHead(401, { 'www-authenticate': this.login.challenge }).end();
    if (!this.fault(asked, response)) this.#answer(asked, response);
  }

  /** Undefined where the connection was cut. */
  async #read(request: IncomingMessage, method: string, url: string): Promise<Buffer | undefined> {
    const upload = method === 'PUT' || method === 'PATCH' ? this.#uploadOf(url) : undefined;
    const isLongEnough = Number(request.headers['content-length']) >= (this.cuts[0] ?? Number.POSITIVE_INFINITY);
    const cutAt = upload && isLongEnough ? this.cuts.shift() : undefined;
    const parts: Buffer[] = [];
    let sizeBytes = 0;
    try {
      for await (const part of request as AsyncIterable<Buffer>) {
        parts.push(part);
        sizeBytes += part.byteLength;
        if (cutAt === undefined || sizeBytes < cutAt) continue;
        if (upload && this.isResumable)
          upload.bytes = Buffer.concat([upload.bytes, Buffer.concat(parts).subarray(0, cutAt)]);
        this.asked.push({ method, url, headers: request.headers, bytes: Buffer.concat(parts) });
        request.socket.destroy();
        return undefined;
      }
    } catch {
      return undefined;
    }
    return Buffer.concat(parts);
  }

  #uploadOf(url: string): Upload | undefined {
    return this.#uploads.get(/\/uploads\/([^?]+)/.exec(url)?.[1] ?? '');
  }

  #answer({ method, url, headers, bytes }: Asked, response: ServerResponse): void {
    const { pathname, searchParams } = new URL(url, 'http://registry');
    const [, repository, kind, name] = /^\/v2\/(.+?)\/(blobs|manifests|referrers)\/(.*)$/.exec(pathname) ?? [];
    if (repository === undefined) return void response.writeHead(404).end();
    const key = `${repository}@${name}`;
    if (kind === 'referrers') return this.#referrers(repository, name as string, response);
    if (kind === 'manifests') return this.#manifest(method, key, headers['content-type'] ?? '', bytes, response);
    if (name?.startsWith('uploads/') === true)
      return this.#upload(method, repository, name.slice('uploads/'.length), searchParams, bytes, response);
    const blob = this.blobs.get(key);
    response.writeHead(blob ? 200 : 404, blob ? { 'docker-content-digest': name as string } : {});
    response.end(method === 'GET' ? blob : undefined);
  }

  #upload(
    method: string,
    repository: string,
    id: string,
    query: URLSearchParams,
    bytes: Buffer,
    response: ServerResponse,
  ): void {
    if (method === 'POST') {
      const known = this.blobs.get(`${query.get('from')}@${query.get('mount')}`);
      if (known) {
        this.blobs.set(`${repository}@${query.get('mount')}`, known);
        return void response.writeHead(201).end();
      }
      const next = `u${this.asked.length}`;
      this.#uploads.set(next, { bytes: Buffer.alloc(0) });
      return void response.writeHead(202, { location: `/v2/${repository}/blobs/uploads/${next}` }).end();
    }
    const upload = this.#uploads.get(id);
    if (!upload) return void response.writeHead(404).end();
    const location = `/v2/${repository}/blobs/uploads/${id}`;
    const told = { location, range: `0-${Math.max(0, upload.bytes.byteLength - 1)}` };
    if (method === 'GET') return void response.writeHead(204, told).end();
    upload.bytes = Buffer.concat([upload.bytes, bytes]);
    if (method === 'PATCH') return void response.writeHead(202, { location }).end();
    const digest = query.get('digest') ?? '';
    this.#uploads.delete(id);
    if (digestBytes(upload.bytes) !== digest)
      return void response.writeHead(400).end(JSON.stringify({ errors: [{ code: 'DIGEST_INVALID' }] }));
    this.blobs.set(`${repository}@${digest}`, upload.bytes);
    response.writeHead(201, { 'docker-content-digest': digest }).end();
  }

  #manifest(method: string, key: string, mediaType: string, bytes: Buffer, response: ServerResponse): void {
    if (method === 'PUT') {
      const digest = digestBytes(bytes);
      const repository = key.split('@')[0] as string;
      this.manifests.set(key, { mediaType, bytes });
      this.manifests.set(`${repository}@${digest}`, { mediaType, bytes });
      return void response.writeHead(201, { 'docker-content-digest': digest }).end();
    }
    const found = this.manifests.get(key);
    if (!found) return void response.writeHead(404).end();
    response.writeHead(200, { 'content-type': found.mediaType }).end(found.bytes);
  }

  #referrers(repository: string, digest: string, response: ServerResponse): void {
    if (!this.hasReferrers) return void response.writeHead(404).end();
    const manifests = [...this.manifests]
      .filter(([key]) => key.startsWith(`${repository}@sha256:`))
      .map(([, { mediaType, bytes }]) => ({ mediaType, bytes, manifest: JSON.parse(bytes.toString()) }))
      .filter(({ manifest }) => manifest.subject?.digest === digest)
      .map(({ mediaType, bytes, manifest: { artifactType, annotations } }) => {
        return { mediaType, digest: digestBytes(bytes), size: bytes.byteLength, artifactType, annotations };
      });
    const type = 'application/vnd.oci.image.index.v1+json';
    response.writeHead(200, { 'content-type': type });
    response.end(JSON.stringify({ schemaVersion: 2, mediaType: type, manifests }));
  }
}
