import { canonicalJson } from '../../base/canonical-json.ts';
import { type Digest, digestBytes, hexOf } from '../../base/digest.ts';
import { MaestroError } from '../../base/errors.ts';
import { isJsonObject, type Json, type JsonObject } from '../../base/json.ts';
import { BUNDLE_MEDIA_TYPE } from '../../provenance/envelope.ts';
import { type Descriptor, descriptorOf, MEDIA_TYPE, toJson } from '../oci/descriptor.ts';
import type { RegistryClient } from './registry-client.ts';

/** @source https://github.com/sigstore/cosign/blob/main/specs/SIGNATURE_SPEC.md */
const PAYLOAD_MEDIA_TYPE = 'application/vnd.dev.cosign.simplesigning.v1+json';
const SIGNATURE_ANNOTATION = 'dev.cosignproject.cosign/signature';
const SIGNATURES_MAX = 50;
const SIGNATURE_BYTES_MAX = 1024;

/** The signature of an image in the form that cosign 2 looks for: over `simpleSigningPayload`, DER, base64. */
export interface SimpleSignature {
  readonly payload: Uint8Array<ArrayBuffer>;
  readonly signature: string;
}

/**
 * What is signed for `cosign verify` of version 2, which looks for no bundles of images: the bytes that the key signs.
 *
 * They follow from name and digest alone, so a signature is attached without its payload.
 */
export function simpleSigningPayload(name: string, digest: Digest): Uint8Array<ArrayBuffer> {
  const critical = {
    identity: { 'docker-reference': name },
    image: { 'docker-manifest-digest': digest },
    type: 'cosign container image signature',
  };
  return new TextEncoder().encode(canonicalJson({ critical, optional: null }));
}

/**
 * The signature in a sigstore bundle that holds one of a message; undefined for a bundle with a statement.
 *
 * @throws MaestroError IMAGE_INVALID where the message is another one than that of this image under this name
 */
export function simpleSignatureOf(
  bundle: Json,
  name: string,
  image: Digest,
  what: string,
): SimpleSignature | undefined {
  const message = isJsonObject(bundle) && bundle.mediaType === BUNDLE_MEDIA_TYPE ? bundle.messageSignature : undefined;
  if (!isJsonObject(message)) return undefined;
  const payload = simpleSigningPayload(name, image);
  const { messageDigest, signature } = message;
  const digest = Buffer.from(hexOf(digestBytes(payload)), 'hex').toString('base64');
  if (!isJsonObject(messageDigest) || messageDigest.algorithm !== 'SHA2_256' || messageDigest.digest !== digest)
    throw invalid(`${what} signs something else: expected the signature of ${name}@${image}`);
  if (typeof signature !== 'string' || !isStrictBase64(signature)) throw invalid(`expected a signature in ${what}`);
  return { payload, signature };
}

/** Puts a signature under the tag where cosign 2 looks for it, beside those that are there. */
export async function attachSimpleSignature(
  client: RegistryClient,
  image: Descriptor,
  { payload, signature }: SimpleSignature,
): Promise<void> {
  const tag = `sha256-${hexOf(image.digest)}.sig`;
  const layer: Descriptor = {
    mediaType: PAYLOAD_MEDIA_TYPE,
    digest: digestBytes(payload),
    size: payload.byteLength,
    annotations: { [SIGNATURE_ANNOTATION]: signature },
  };
  const known = layersOf((await client.manifest(tag))?.bytes);
  if (
    known.some(
      ({ digest, annotations }) => digest === layer.digest && annotations?.[SIGNATURE_ANNOTATION] === signature,
    )
  )
    return;
  if (known.length >= SIGNATURES_MAX)
    throw new MaestroError('REGISTRY_REFUSED', `expected at most ${SIGNATURES_MAX} signatures at ${image.digest}`);
  const layers = [...known, layer];
  const configBytes = new TextEncoder().encode(canonicalJson(configOf(layers)));
  const config = { mediaType: MEDIA_TYPE.config, digest: digestBytes(configBytes), size: configBytes.byteLength };
  await client.pushBlob(layer, new Blob([payload]));
  await client.pushBlob(config, new Blob([configBytes]));
  const manifest = {
    schemaVersion: 2,
    mediaType: MEDIA_TYPE.manifest,
    config: toJson(config),
    layers: layers.map(toJson),
  };
  await client.putManifest(tag, MEDIA_TYPE.manifest, new TextEncoder().encode(canonicalJson(manifest)));
}

function layersOf(bytes: Buffer | undefined): readonly Descriptor[] {
  if (!bytes) return [];
  let manifest: unknown;
  try {
    manifest = JSON.parse(bytes.toString('utf8'));
  } catch {
    // Told below, as any other thing that is no manifest.
  }
  if (!isJsonObject(manifest) || !Array.isArray(manifest.layers))
    throw new MaestroError('REGISTRY_REFUSED', 'expected a manifest with signatures under the tag of the signatures');
  return (manifest.layers as readonly Json[]).map((layer) => descriptorOf(layer, 'a signature'));
}

function configOf(layers: readonly Descriptor[]): JsonObject {
  return {
    architecture: '',
    os: '',
    config: {},
    rootfs: { type: 'layers', diff_ids: layers.map(({ digest }) => digest) },
  };
}

function isStrictBase64(text: string): boolean {
  const bytes = Buffer.from(text, 'base64');
  return text !== '' && bytes.byteLength <= SIGNATURE_BYTES_MAX && bytes.toString('base64') === text;
}

function invalid(message: string): MaestroError {
  return new MaestroError('IMAGE_INVALID', message);
}
