import { openAsBlob } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import type { Digest } from '../../base/digest.ts';
import { digestBytes } from '../../base/digest.ts';
import { isMaestroError, MaestroError } from '../../base/errors.ts';
import { type Descriptor, DOCKER_INDEX, DOCKER_MANIFEST, MEDIA_TYPE } from '../oci/descriptor.ts';
import type { ImageName } from '../oci/image-name.ts';
import { callRegistry, type RegistryAnswer, type RegistryRequest } from './registry-call.ts';
import { type Credentials, RegistryLogin } from './registry-login.ts';

const BLOB_TRIES_MAX = 5;
const RETRY_MS = 250;
const ACCEPT = [MEDIA_TYPE.index, MEDIA_TYPE.manifest, DOCKER_INDEX, DOCKER_MANIFEST].join(', ');
const ERROR_CODE = /^[A-Z_]{1,64}$/;

export interface ClientOptions {
  readonly name: ImageName;
  readonly credentials: Credentials | undefined;
  readonly egress: readonly string[];
  readonly signal: AbortSignal;
  /** Repositories of the same registry whose blobs may be mounted, so that they need not be sent. */
  readonly mountFrom?: readonly string[];
}

export interface StoredManifest {
  readonly mediaType: string;
  readonly digest: Digest;
  readonly bytes: Buffer;
}

type BlobEnd = 'there' | 'mounted' | 'sent';

/**
 * One repository of a registry, by the HTTP API of OCI distribution 1.1.
 *
 * Written here and not taken from a library: npm's clients hold a blob in memory, follow redirects and realms anywhere, and
 * begin anew after a cut (docs/decisions, on images without a daemon).
 *
 * @throws MaestroError from every verb, REGISTRY_REFUSED for an answer that is no agreement, and what `callRegistry` throws
 */
export class RegistryClient {
  readonly #options: ClientOptions;
  readonly #login: RegistryLogin;

  constructor(options: ClientOptions) {
    this.#options = options;
    this.#login = new RegistryLogin({ ...options, origin: options.name.origin });
  }

  /** Sends a blob unless the registry has it. What was cut goes on where the registry says, or from its beginning. */
  async pushBlob({ digest, size }: Descriptor, content: Blob): Promise<BlobEnd> {
    if (await this.#hasBlob(digest)) return 'there';
    const opened = await this.#open(digest);
    if (opened === undefined) return 'mounted';
    let upload: Upload = { location: opened, sentBytes: 0 };
    for (let tries = 1; ; tries++) {
      const error = await this.#sendRest(upload, digest, content).catch((error: unknown) => error);
      if (error === undefined) return 'sent';
      // What was refused when it went on may be taken when it begins anew: not every registry keeps what it says that it has.
      const isSpoilt = upload.sentBytes > 0 && error instanceof RegistryRefusal;
      if (tries >= BLOB_TRIES_MAX || !(isSpoilt || mayPass(error))) throw error;
      await delay(RETRY_MS * tries, undefined, { signal: this.#options.signal });
      // The end may have been reached, and only the word of it lost.
      if (await this.#hasBlob(digest)) return 'sent';
      const kept = isSpoilt ? undefined : await this.#resumed(upload.location, size);
      upload = kept ?? { location: await this.#mustOpen(), sentBytes: 0 };
    }
  }

  /** A file whose content has been compared with the descriptor; it is read as it is sent. */
  async pushFile(descriptor: Descriptor, path: string): Promise<BlobEnd> {
    const content = await openAsBlob(path);
    if (content.size !== descriptor.size)
      throw new MaestroError('IMAGE_INVALID', `the blob ${descriptor.digest} changed while it was pushed`);
    return this.pushBlob(descriptor, content);
  }

  /** Undefined where there is none. */
  async manifest(reference: string): Promise<StoredManifest | undefined> {
    const answer = await this.#repeated({
      method: 'GET',
      url: this.#at(`manifests/${reference}`),
      headers: { accept: ACCEPT },
    });
    if (answer.status === 404) return undefined;
    if (answer.status !== 200) throw refused(answer, `did not tell its manifest ${reference}`);
    const mediaType = (answer.headers.get('content-type') ?? '').split(';')[0] as string;
    return { mediaType, digest: digestBytes(answer.bytes), bytes: answer.bytes };
  }

  /** Puts a manifest under its digest or a tag. Resolves only where the registry agrees on the digest. */
  async putManifest(reference: string, mediaType: string, bytes: Uint8Array<ArrayBuffer>): Promise<void> {
    const request: RegistryRequest = {
      method: 'PUT',
      url: this.#at(`manifests/${reference}`),
      headers: { 'content-type': mediaType },
      body: bytes,
    };
    const answer = await this.#repeated(request);
    if (answer.status !== 201) throw refused(answer, `did not take the manifest ${reference}`);
    assertDigest(answer, digestBytes(bytes));
  }

  /** The index of what refers to an image; undefined where the registry has no such API. */
  async referrers(digest: Digest): Promise<Buffer | undefined> {
    const headers = { accept: MEDIA_TYPE.index };
    const answer = await this.#repeated({ method: 'GET', url: this.#at(`referrers/${digest}`), headers });
    const isIndex = (answer.headers.get('content-type') ?? '').startsWith(MEDIA_TYPE.index);
    return answer.status === 200 && isIndex ? answer.bytes : undefined;
  }

  async #hasBlob(digest: Digest): Promise<boolean> {
    const answer = await this.#repeated({ method: 'HEAD', url: this.#at(`blobs/${digest}`) });
    if (answer.status === 200) {
      assertDigest(answer, digest);
      return true;
    }
    if (answer.status === 404) return false;
    throw refused(answer, `did not say whether it has ${digest}`);
  }

  /** Where a blob is sent to; undefined where another repository had it, and it has been mounted. */
  async #open(digest: Digest): Promise<URL | undefined> {
    for (const from of this.#options.mountFrom ?? []) {
      const url = this.#at('blobs/uploads/');
      url.search = new URLSearchParams({ mount: digest, from }).toString();
      const answer = await this.#repeated({ method: 'POST', url });
      if (answer.status === 201) return undefined;
      if (answer.status === 202) return uploadLocation(answer);
      // Not allowed to read there is no reason not to send it.
    }
    return this.#mustOpen();
  }

  async #mustOpen(): Promise<URL> {
    const answer = await this.#repeated({ method: 'POST', url: this.#at('blobs/uploads/') });
    if (answer.status !== 202) throw refused(answer, 'did not begin an upload');
    return uploadLocation(answer);
  }

  async #sendRest({ location, sentBytes }: Upload, digest: Digest, content: Blob): Promise<void> {
    let end = location;
    const headers: Record<string, string> = { 'content-type': 'application/octet-stream' };
    if (sentBytes > 0 && sentBytes < content.size) {
      const range = `${sentBytes}-${content.size - 1}`;
      const answer = await this.#call({
        method: 'PATCH',
        url: location,
        headers: { ...headers, 'content-range': range },
        body: content.slice(sentBytes),
      });
      if (answer.status !== 202) throw refused(answer, `did not take bytes ${range} of ${digest}`);
      end = uploadLocation(answer);
    }
    const url = new URL(end);
    url.searchParams.set('digest', digest);
    const answer = await this.#call({ method: 'PUT', url, headers, body: sentBytes > 0 ? new Uint8Array() : content });
    if (answer.status !== 201) throw refused(answer, `did not take the blob ${digest}`);
    assertDigest(answer, digest);
  }

  /** What the registry has of an upload that was cut; undefined where it has to begin anew. */
  async #resumed(location: URL, size: number): Promise<Upload | undefined> {
    const answer = await this.#repeated({ method: 'GET', url: location });
    const last = /^(?:bytes=)?0-(\d{1,15})$/.exec(answer.headers.get('range') ?? '')?.[1];
    if (answer.status !== 204 || last === undefined) return undefined;
    const sentBytes = Number(last) + 1;
    // `0-0` is what registries say of one byte, and some of none: it is cheaper to begin anew than to find out.
    return sentBytes > 1 && sentBytes <= size ? { location: uploadLocation(answer, location), sentBytes } : undefined;
  }

  /** A request that may be made again: the same request changes the registry once. */
  async #repeated(request: RegistryRequest): Promise<RegistryAnswer> {
    for (let tries = 1; ; tries++) {
      const end = await this.#call(request).catch((error: unknown) => ({ error }));
      const isFailed = 'error' in end ? mayPass(end.error) : end.status >= 500;
      if ('error' in end && (!isFailed || tries >= BLOB_TRIES_MAX)) throw end.error;
      if (!('error' in end) && (!isFailed || tries >= BLOB_TRIES_MAX)) return end;
      await delay(RETRY_MS * tries, undefined, { signal: this.#options.signal });
    }
  }

  #call(request: RegistryRequest): Promise<RegistryAnswer> {
    return this.#login.call(request, callRegistry);
  }

  #at(path: string): URL {
    const { origin, repository } = this.#options.name;
    return new URL(`/v2/${repository}/${path}`, origin);
  }
}

interface Upload {
  readonly location: URL;
  /** Bytes that the registry has; the rest is to be sent. */
  readonly sentBytes: number;
}

function uploadLocation(answer: RegistryAnswer, fallback?: URL): URL {
  const text = answer.headers.get('location');
  const url = text === null ? (fallback ?? null) : URL.parse(text, answer.url.href);
  if (url) return url;
  throw new MaestroError('REGISTRY_REFUSED', `expected ${answer.url.host} to say where a blob is sent to`);
}

/** A registry that names another digest has stored something else. */
function assertDigest(answer: RegistryAnswer, digest: Digest): void {
  const told = answer.headers.get('docker-content-digest');
  if (told !== null && told !== digest)
    throw new MaestroError(
      'REGISTRY_REFUSED',
      `expected ${answer.url.host} to store ${digest}, it says that it stored another`,
    );
}

function mayPass(error: unknown): boolean {
  return isMaestroError(error, 'NETWORK_FAILED') || (error instanceof RegistryRefusal && error.status >= 500);
}

/** Remembers the status, which says whether another try may help. */
class RegistryRefusal extends MaestroError {
  readonly status: number;

  constructor(message: string, status: number) {
    super('REGISTRY_REFUSED', message);
    this.status = status;
  }
}

function refused(answer: RegistryAnswer, deed: string): MaestroError {
  const codes = codesOf(answer.bytes);
  return new RegistryRefusal(`${answer.url.host} ${deed}: it answered ${answer.status}${codes}`, answer.status);
}

/** Codes alone: what else an answer says was written by whoever runs the host. */
function codesOf(bytes: Buffer): string {
  try {
    const { errors } = JSON.parse(bytes.toString('utf8')) as {
      readonly errors?: readonly { readonly code?: unknown }[];
    };
    const codes = (errors ?? [])
      .map(({ code }) => code)
      .filter((code) => typeof code === 'string' && ERROR_CODE.test(code));
    return codes.length === 0 ? '' : ` (${codes.slice(0, 3).join(', ')})`;
  } catch {
    return '';
  }
}
