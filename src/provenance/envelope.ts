import { canonicalJson } from '../base/canonical-json.ts';
import type { Signer } from './signer.ts';

export const BUNDLE_MEDIA_TYPE = 'application/vnd.dev.sigstore.bundle.v0.3+json';
export const PAYLOAD_TYPE = 'application/vnd.in-toto+json';

/**
 * A signed statement as the text of a sigstore bundle v0.3, itself canonical JSON.
 *
 * The signature carries no `keyid`: cosign 2.5 and 3.1 then look for a key of that name and refuse the bundle.
 */
export async function signPayload(payload: string, signer: Signer): Promise<string> {
  const bytes = Buffer.from(payload);
  const signature = await signer.sign(preAuthEncoding(PAYLOAD_TYPE, bytes));
  return canonicalJson({
    mediaType: BUNDLE_MEDIA_TYPE,
    verificationMaterial: { publicKey: { hint: signer.keyHint } },
    dsseEnvelope: {
      payload: bytes.toString('base64'),
      payloadType: PAYLOAD_TYPE,
      signatures: [{ sig: Buffer.from(signature).toString('base64') }],
    },
  });
}

/**
 * The bytes that a DSSE signature covers: lengths come first, so type and payload cannot flow into each other.
 * @source https://github.com/secure-systems-lab/dsse/blob/master/protocol.md
 */
export function preAuthEncoding(payloadType: string, payload: Uint8Array): Buffer {
  const head = `DSSEv1 ${Buffer.byteLength(payloadType)} ${payloadType} ${payload.byteLength} `;
  return Buffer.concat([Buffer.from(head), payload]);
}
