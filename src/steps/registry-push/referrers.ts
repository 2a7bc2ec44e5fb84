import { canonicalJson } from '../../base/canonical-json.ts';
import { digestBytes, hexOf } from '../../base/digest.ts';
import { MaestroError } from '../../base/errors.ts';
import { isJsonObject, type Json, type JsonObject } from '../../base/json.ts';
import { type Descriptor, descriptorOf, MANIFEST_BYTES_MAX, MEDIA_TYPE, toJson } from '../oci/descriptor.ts';
import type { RegistryClient } from './registry-client.ts';

const EMPTY = new TextEncoder().encode('{}');
const EMPTY_DESCRIPTOR: Descriptor = {
  mediaType: MEDIA_TYPE.empty,
  digest: digestBytes(EMPTY),
  size: EMPTY.byteLength,
};
/** Turns of reading, adding and looking again, where others write the same tag. */
const INDEX_TRIES_MAX = 5;
const REFERRERS_MAX = 1000;

/** Something that says something about an image: an SBOM, a signature. */
export interface Referrer {
  readonly artifactType: string;
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly annotations: Readonly<Record<string, string>>;
}

/**
 * Attaches an artifact to an image, so that asking the registry for the image's referrers finds it.
 *
 * No time goes into the manifest: attaching the same thing twice changes nothing.
 * @returns the descriptor of the artifact's manifest
 * @throws MaestroError what `RegistryClient` throws
 * @source https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#pushing-manifests-with-subject
 */
export async function attach(client: RegistryClient, subject: Descriptor, referrer: Referrer): Promise<Descriptor> {
  const { artifactType, bytes, annotations } = referrer;
  const layer: Descriptor = { mediaType: artifactType, digest: digestBytes(bytes), size: bytes.byteLength };
  await client.pushBlob(EMPTY_DESCRIPTOR, new Blob([EMPTY]));
  await client.pushBlob(layer, new Blob([bytes]));
  const { mediaType, digest, size } = subject;
  const manifest = new TextEncoder().encode(
    canonicalJson({
      schemaVersion: 2,
      mediaType: MEDIA_TYPE.manifest,
      artifactType,
      // Older registries list a referrer by the type of its configuration.
      config: toJson({ ...EMPTY_DESCRIPTOR, artifactType }),
      layers: [toJson(layer)],
      subject: { mediaType, digest, size },
      annotations,
    }),
  );
  const attached: Descriptor = {
    mediaType: MEDIA_TYPE.manifest,
    digest: digestBytes(manifest),
    size: manifest.byteLength,
  };
  await client.putManifest(attached.digest, attached.mediaType, manifest);
  await list(client, subject, { ...attached, artifactType, annotations });
  return attached;
}

/**
 * Sees to it that the registry lists the referrer: by its API, or where it has none by the tag that stands in for it.
 *
 * The API itself is asked and not the header `OCI-Subject`, which some registries send without having the API.
 */
async function list(client: RegistryClient, subject: Descriptor, referrer: Descriptor): Promise<void> {
  const listed = await client.referrers(subject.digest);
  if (listed && holds(entriesOf(listed), referrer)) return;
  const tag = `sha256-${hexOf(subject.digest)}`;
  for (let tries = 0; tries < INDEX_TRIES_MAX; tries++) {
    const found = await client.manifest(tag);
    if (found && found.mediaType !== MEDIA_TYPE.index)
      throw new MaestroError(
        'REGISTRY_REFUSED',
        `expected an index under the tag ${tag}, got ${found.mediaType.slice(0, 100)}`,
      );
    const entries = found ? entriesOf(found.bytes) : [];
    if (holds(entries, referrer)) return;
    if (entries.length >= REFERRERS_MAX)
      throw new MaestroError('REGISTRY_REFUSED', `expected at most ${REFERRERS_MAX} artifacts at ${subject.digest}`);
    await client.putManifest(tag, MEDIA_TYPE.index, indexOf([...entries, toJson(referrer)]));
    // Whoever wrote the tag at the same time has replaced ours: the next turn finds out, and adds it to theirs.
  }
  throw new MaestroError('REGISTRY_REFUSED', `others write the tag ${tag} all the time: try again`);
}

function entriesOf(bytes: Buffer): readonly JsonObject[] {
  const index = bytes.byteLength > MANIFEST_BYTES_MAX ? undefined : parsed(bytes);
  const manifests = isJsonObject(index) ? index.manifests : undefined;
  if (!Array.isArray(manifests)) throw new MaestroError('REGISTRY_REFUSED', 'expected an index of referrers');
  return (manifests as readonly Json[]).map((entry) => {
    descriptorOf(entry, 'a referrer');
    return entry as JsonObject;
  });
}

function parsed(bytes: Buffer): unknown {
  try {
    return JSON.parse(bytes.toString('utf8'));
  } catch {
    return undefined;
  }
}

function holds(entries: readonly JsonObject[], { digest }: Descriptor): boolean {
  return entries.some((entry) => entry.digest === digest);
}

function indexOf(manifests: readonly JsonObject[]): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(canonicalJson({ schemaVersion: 2, mediaType: MEDIA_TYPE.index, manifests }));
}
