import { randomUUID } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { mkdir, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { canonicalJson } from '../../base/canonical-json.ts';
import { DigestStream, digestBytes, hexOf } from '../../base/digest.ts';
import type { JsonObject } from '../../base/json.ts';
import { type Descriptor, MEDIA_TYPE, toJson } from './descriptor.ts';

/** @source https://github.com/opencontainers/image-spec/blob/v1.1.1/image-layout.md */
const LAYOUT_FILE = { imageLayoutVersion: '1.0.0' };
const REF_NAME = 'org.opencontainers.image.ref.name';

/** Writes an OCI image layout into a folder that is there and empty. JSON is canonical, so equal images have equal bytes. */
export class LayoutWriter {
  readonly #root: string;
  readonly #blobs: string;

  constructor(root: string) {
    this.#root = root;
    this.#blobs = join(root, 'blobs', 'sha256');
  }

  async open(): Promise<void> {
    await mkdir(this.#blobs, { recursive: true });
  }

  async addJson(mediaType: string, value: JsonObject): Promise<Descriptor> {
    const bytes = Buffer.from(canonicalJson(value));
    const digest = digestBytes(bytes);
    await writeFile(join(this.#blobs, hexOf(digest)), bytes);
    return { mediaType, digest, size: bytes.byteLength };
  }

  /** Content of any length, which is never held whole. */
  async addStream(mediaType: string, content: AsyncIterable<Uint8Array>): Promise<Descriptor> {
    const draft = join(this.#blobs, `draft-${randomUUID()}`);
    const digesting = new DigestStream();
    await pipeline(async function* () {
      for await (const chunk of content) {
        digesting.update(chunk);
        yield chunk;
      }
    }, createWriteStream(draft));
    const digest = digesting.digest();
    await rename(draft, join(this.#blobs, hexOf(digest)));
    return { mediaType, digest, size: digesting.sizeBytes };
  }

  /** Last of all: without its index a folder is no layout, so half of one is never taken for one. */
  async finish(image: Descriptor, tags: readonly string[]): Promise<void> {
    await writeFile(join(this.#root, 'oci-layout'), canonicalJson(LAYOUT_FILE));
    await writeLayoutIndex(this.#root, image, tags);
  }
}

/** Names the one image of a layout, under as many tags as there are. */
export async function writeLayoutIndex(root: string, image: Descriptor, tags: readonly string[]): Promise<void> {
  const manifests =
    tags.length === 0
      ? [toJson(image)]
      : [...tags].sort().map((tag) => toJson({ ...image, annotations: { [REF_NAME]: tag } }));
  const index = { schemaVersion: 2, mediaType: MEDIA_TYPE.index, manifests };
  await writeFile(join(root, 'index.json'), canonicalJson(index));
}
