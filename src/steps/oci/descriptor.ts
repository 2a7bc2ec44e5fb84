import { type Digest, isDigest } from '../../base/digest.ts';
import { MaestroError } from '../../base/errors.ts';
import { isJsonObject, type Json, type JsonObject } from '../../base/json.ts';

/** @source https://github.com/opencontainers/image-spec/blob/v1.1.1/media-types.md */
export const MEDIA_TYPE = {
  index: 'application/vnd.oci.image.index.v1+json',
  manifest: 'application/vnd.oci.image.manifest.v1+json',
  config: 'application/vnd.oci.image.config.v1+json',
  layer: 'application/vnd.oci.image.layer.v1.tar+gzip',
  empty: 'application/vnd.oci.empty.v1+json',
} as const;

/** What registries keep of images that Docker made itself: told apart, never made by us. */
export const DOCKER_MANIFEST = 'application/vnd.docker.distribution.manifest.v2+json';
export const DOCKER_INDEX = 'application/vnd.docker.distribution.manifest.list.v2+json';

/** Manifests are read whole, here and by registries. @source https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#pushing-manifests */
export const MANIFEST_BYTES_MAX = 4_194_304;
const MEDIA_TYPE_FORM = /^[a-z0-9][a-z0-9!#$&^_.+-]{0,126}\/[a-z0-9][a-z0-9!#$&^_.+-]{0,126}$/i;

/** Names content by its digest: the only reference that an image is made of. */
export interface Descriptor {
  readonly mediaType: string;
  readonly digest: Digest;
  readonly size: number;
  readonly annotations?: JsonObject;
  readonly artifactType?: string;
  readonly platform?: JsonObject;
}

/** Throws IMAGE_INVALID for what is not one; other digests than SHA-256 are refused, because nothing here could check them. */
export function descriptorOf(value: Json | undefined, what: string): Descriptor {
  if (!isJsonObject(value)) throw invalid(`expected ${what} to be a descriptor`);
  const { mediaType, digest, size } = value;
  if (typeof mediaType !== 'string' || !isMediaType(mediaType))
    throw invalid(`expected ${what} to have a media type such as ${MEDIA_TYPE.layer}`);
  if (typeof digest !== 'string' || !isDigest(digest))
    throw invalid(`expected the digest of ${what} to be sha256 and 64 hex digits`);
  if (typeof size !== 'number' || !Number.isSafeInteger(size) || size < 0)
    throw invalid(`expected the size of ${what} to be a whole number of bytes`);
  return { mediaType, digest, size, ...remarksOf(value) };
}

function remarksOf({ annotations, artifactType, platform }: JsonObject): Partial<Descriptor> {
  return {
    ...(isJsonObject(annotations) ? { annotations } : {}),
    ...(typeof artifactType === 'string' && isMediaType(artifactType) ? { artifactType } : {}),
    ...(isJsonObject(platform) ? { platform } : {}),
  };
}

export function isMediaType(text: string): boolean {
  return MEDIA_TYPE_FORM.test(text);
}

/** A descriptor as it stands in a manifest. */
export function toJson({ mediaType, digest, size, ...more }: Descriptor): JsonObject {
  return { mediaType, digest, size, ...more };
}

export function isIndex({ mediaType }: Pick<Descriptor, 'mediaType'>): boolean {
  return mediaType === MEDIA_TYPE.index || mediaType === DOCKER_INDEX;
}

export function isManifest({ mediaType }: Pick<Descriptor, 'mediaType'>): boolean {
  return mediaType === MEDIA_TYPE.manifest || mediaType === DOCKER_MANIFEST;
}

function invalid(message: string): MaestroError {
  return new MaestroError('IMAGE_INVALID', message);
}
