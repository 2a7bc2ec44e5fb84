import { canonicalJson } from '../base/canonical-json.ts';
import type { Json, JsonObject } from '../base/json.ts';
import type { Signer } from './signer.ts';

export const BUNDLE_MEDIA_TYPE = 'application/vnd.dev.sigstore.bundle.v0.3+json';
export const PAYLOAD_TYPE = 'application/vnd.in-toto+json';

/** A signed statement as the text of a sigstore bundle v0.3, itself canonical JSON. */
export async function signPayload(payload: string, signer: Signer): Promise<string> {
  return bundleOf(payload, await signatureOf(payload, signer), signer.keyHint);
}

/** The DSSE signature of a statement: DER, base64. */
export async function signatureOf(payload: string, signer: Signer): Promise<string> {
  const signature = await signer.sign(preAuthEncoding(PAYLOAD_TYPE, Buffer.from(payload)));
  return Buffer.from(signature).toString('base64');
}

/**
 * Payload, signature and the name of the key as a sigstore bundle.
 *
 * The signature carries no `keyid`: cosign 2.5 and 3.1 then look for a key of that name and refuse the bundle.
 */
export function bundleOf(payload: string, signature: string, keyHint: string): string {
  return canonicalJson({
    mediaType: BUNDLE_MEDIA_TYPE,
    verificationMaterial: { publicKey: { hint: keyHint } },
    dsseEnvelope: {
      payload: Buffer.from(payload).toString('base64'),
      payloadType: PAYLOAD_TYPE,
      signatures: [{ sig: signature }],
    },
  });
}

/** The DSSE envelope of a bundle, without what is around it: what slsa-verifier reads. */
export function envelopeIn(bundle: string): string {
  return canonicalJson((JSON.parse(bundle) as { readonly dsseEnvelope: JsonObject }).dsseEnvelope);
}

/** A bundle around a DSSE envelope that came alone. Nothing of it is checked. @param keyHint of the key that may have signed it */
export function bundleAround(envelope: Json, keyHint: string): JsonObject {
  return {
    mediaType: BUNDLE_MEDIA_TYPE,
    verificationMaterial: { publicKey: { hint: keyHint } },
    dsseEnvelope: envelope,
  };
}

/**
 * The bytes that a DSSE signature covers: lengths come first, so type and payload cannot flow into each other.
 * @source https://github.com/secure-systems-lab/dsse/blob/master/protocol.md
 */
export function preAuthEncoding(payloadType: string, payload: Uint8Array): Buffer {
  const head = `DSSEv1 ${Buffer.byteLength(payloadType)} ${payloadType} ${payload.byteLength} `;
  return Buffer.concat([Buffer.from(head), payload]);
}
