import { constants } from 'node:fs';
import { open, realpath } from 'node:fs/promises';
import { join } from 'node:path';
import { type Digest, DigestStream, digestBytes, hexOf } from '../../base/digest.ts';
import { isMaestroError, MaestroError } from '../../base/errors.ts';
import { isJsonObject, type Json, type JsonObject } from '../../base/json.ts';
import { isInside } from '../checkout-path.ts';
import { readRegularFile } from '../output-file.ts';
import { type Descriptor, descriptorOf, isIndex, isManifest, MANIFEST_BYTES_MAX } from './descriptor.ts';

/** Manifests of one image: platforms, and what describes them. */
const MANIFESTS_MAX = 200;
const BLOBS_MAX = 2000;
/** An index within an index is allowed, and is never needed deeper. */
const INDEX_DEPTH_MAX = 3;
const IMAGE_BYTES_MAX = 34_359_738_368;
const READ_CHUNK_BYTES = 1_048_576;

interface LayoutManifest {
  readonly descriptor: Descriptor;
  readonly bytes: Buffer;
}

interface LayoutBlob {
  readonly descriptor: Descriptor;
  /** Absolute, of a regular file whose content has been compared with the digest. */
  readonly path: string;
}

/** An image of a layout, all of it compared with its digests. */
export interface LayoutImage {
  readonly image: Descriptor;
  /** In the order in which a registry takes them: what is referred to comes first, the image itself last. */
  readonly manifests: readonly LayoutManifest[];
  readonly blobs: readonly LayoutBlob[];
}

/**
 * Reads the one image of an OCI layout and compares every byte with its digest.
 *
 * Files are opened by digests alone, so no name in a manifest leads anywhere; links are not followed.
 * @param root a folder below `boundary`, both absolute
 * @throws MaestroError IMAGE_INVALID
 */
export async function readLayout(root: string, boundary: string): Promise<LayoutImage> {
  const folder = await realpath(root).catch(() => undefined);
  if (folder === undefined || !isInside(await realpath(boundary), folder))
    throw invalid('expected the folder of an OCI layout in the working directory');
  const layout = parseObject(await textOf(join(folder, 'oci-layout')), 'oci-layout');
  if (layout.imageLayoutVersion !== '1.0.0') throw invalid('expected an OCI layout of version 1.0.0');
  const image = imageOf(parseObject(await textOf(join(folder, 'index.json')), 'index.json'));
  const blobs = join(folder, 'blobs', 'sha256');
  // The files are opened without following a link; one in place of their folder would lead as far.
  if ((await realpath(blobs).catch(() => undefined)) !== blobs)
    throw invalid('expected blobs/sha256 to be a folder of the layout');
  const reader = new Reader(blobs);
  await reader.readManifest(image, 0);
  return { image, manifests: reader.manifests, blobs: [...reader.blobs.values()] };
}

/** Several names of one image are one image; two images are a question that nobody answered. */
function imageOf(index: JsonObject): Descriptor {
  const { manifests } = index;
  if (!Array.isArray(manifests)) throw invalid('expected manifests in index.json');
  const found = (manifests as readonly Json[]).map((entry) => descriptorOf(entry, 'an image of index.json'));
  const [first] = found;
  if (first === undefined || found.some(({ digest }) => digest !== first.digest))
    throw invalid('expected one image in the layout: build each into a folder of its own');
  if (!isIndex(first) && !isManifest(first)) throw invalid(`expected an image, got ${first.mediaType}`);
  // Names and other remarks belong to the layout, and not to what is pushed.
  return { mediaType: first.mediaType, digest: first.digest, size: first.size };
}

class Reader {
  readonly manifests: LayoutManifest[] = [];
  readonly blobs = new Map<Digest, LayoutBlob>();
  readonly #seen = new Set<Digest>();
  readonly #folder: string;
  #sizeBytes = 0;

  constructor(folder: string) {
    this.#folder = folder;
  }

  async readManifest(descriptor: Descriptor, depth: number): Promise<void> {
    if (this.#seen.has(descriptor.digest)) return;
    this.#seen.add(descriptor.digest);
    if (this.#seen.size > MANIFESTS_MAX) throw invalid(`expected at most ${MANIFESTS_MAX} manifests in one image`);
    const bytes = await this.#manifestBytes(descriptor);
    const manifest = parseObject(bytes.toString('utf8'), descriptor.digest);
    if (manifest.mediaType !== undefined && manifest.mediaType !== descriptor.mediaType)
      throw invalid(`expected ${descriptor.digest} to be what refers to it as ${descriptor.mediaType}`);
    if (isIndex(descriptor)) await this.#readChildren(manifest, depth);
    else await this.#readContent(manifest);
    this.manifests.push({ descriptor, bytes });
  }

  async #readChildren({ manifests }: JsonObject, depth: number): Promise<void> {
    if (depth >= INDEX_DEPTH_MAX || !Array.isArray(manifests)) throw invalid('expected an index of manifests');
    for (const entry of manifests as readonly Json[]) {
      const child = descriptorOf(entry, 'a manifest of the index');
      if (!isIndex(child) && !isManifest(child))
        throw invalid(`expected a manifest in the index, got ${child.mediaType}`);
      await this.readManifest(child, depth + 1);
    }
  }

  async #readContent({ config, layers }: JsonObject): Promise<void> {
    if (!Array.isArray(layers)) throw invalid('expected layers in the manifest');
    const content = [
      descriptorOf(config, 'the configuration'),
      ...(layers as readonly Json[]).map((layer) => descriptorOf(layer, 'a layer')),
    ];
    for (const descriptor of content) {
      if (this.blobs.has(descriptor.digest)) continue;
      if (this.blobs.size >= BLOBS_MAX) throw invalid(`expected at most ${BLOBS_MAX} blobs in one image`);
      this.#sizeBytes += descriptor.size;
      if (this.#sizeBytes > IMAGE_BYTES_MAX) throw invalid(`expected an image of at most ${IMAGE_BYTES_MAX} bytes`);
      this.blobs.set(descriptor.digest, { descriptor, path: await this.#checkedFile(descriptor) });
    }
  }

  async #manifestBytes(descriptor: Descriptor): Promise<Buffer> {
    if (descriptor.size > MANIFEST_BYTES_MAX)
      throw invalid(`expected a manifest of at most ${MANIFEST_BYTES_MAX} bytes`);
    const text = await textOf(join(this.#folder, hexOf(descriptor.digest)));
    const bytes = Buffer.from(text);
    if (bytes.byteLength !== descriptor.size || digestBytes(bytes) !== descriptor.digest)
      throw differs(descriptor.digest);
    return bytes;
  }

  async #checkedFile({ digest, size }: Descriptor): Promise<string> {
    const path = join(this.#folder, hexOf(digest));
    const file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK).catch(
      () => undefined,
    );
    if (!file) throw invalid(`expected the blob ${digest} in the layout`);
    try {
      const stat = await file.stat();
      if (!stat.isFile() || stat.size !== size) throw differs(digest);
      const digesting = new DigestStream();
      const options = { autoClose: false, highWaterMark: READ_CHUNK_BYTES };
      for await (const chunk of file.createReadStream(options)) digesting.update(chunk as Buffer);
      if (digesting.digest() !== digest) throw differs(digest);
    } finally {
      await file.close();
    }
    return path;
  }
}

async function textOf(path: string): Promise<string> {
  try {
    const text = await readRegularFile(path, MANIFEST_BYTES_MAX);
    if (text !== undefined) return text;
  } catch (cause) {
    if (!isMaestroError(cause)) throw cause;
    throw invalid(`expected a small regular file in the layout: ${cause.message}`);
  }
  throw invalid('expected an OCI layout: a folder with oci-layout, index.json and blobs/');
}

function parseObject(text: string, what: string): JsonObject {
  try {
    const value: unknown = JSON.parse(text);
    if (isJsonObject(value)) return value;
  } catch {
    // Told below: the parser's message quotes the file.
  }
  throw invalid(`expected ${what} to be a JSON object`);
}

function differs(digest: Digest): MaestroError {
  return invalid(`the content of ${digest} does not match its digest: build the image again`);
}

function invalid(message: string): MaestroError {
  return new MaestroError('IMAGE_INVALID', message);
}
