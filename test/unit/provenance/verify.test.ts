import { generateKeyPairSync } from 'node:crypto';
import { beforeAll, describe, expect, it } from 'vitest';
import { canonicalJson } from '../../../src/base/canonical-json.ts';
import { digestBytes } from '../../../src/base/digest.ts';
import type { Json } from '../../../src/base/json.ts';
import { PAYLOAD_TYPE, preAuthEncoding } from '../../../src/provenance/envelope.ts';
import { buildReceipt, type Receipt } from '../../../src/provenance/receipt.ts';
import type { Signer } from '../../../src/provenance/signer.ts';
import { type VerifyRequest, verifyReceipt } from '../../../src/provenance/verify.ts';
import { codeOf } from './refusal.ts';
import { bundleOf, sampleRun, sampleSigner } from './sample-run.ts';

interface Bundle {
  mediaType: string;
  verificationMaterial: Record<string, unknown>;
  dsseEnvelope: { payload: string; payloadType: string; signatures: { sig: string; keyid?: string }[] };
}

let signer: Signer;
let receipt: Receipt;
let bundle: Uint8Array;

beforeAll(async () => {
  signer = await sampleSigner();
  receipt = buildReceipt(sampleRun(20));
  bundle = await bundleOf(receipt.payload, signer);
});

const verify = (request: Partial<VerifyRequest> = {}) =>
  verifyReceipt({ bundle, key: signer.publicKeyPem, ...request });
const refusal = (request: Partial<VerifyRequest>) => codeOf(() => verify(request));

/** The bundle with something changed, still canonical. */
function changed(change: (bundle: Bundle) => void): Uint8Array {
  const copy = JSON.parse(Buffer.from(bundle).toString()) as Bundle;
  change(copy);
  return Buffer.from(canonicalJson(copy as unknown as Json));
}

describe('a receipt that was not changed', () => {
  it('verifies, and tells its identity, its key and its run record', () => {
    expect(verify()).toMatchObject({
      payloadSha256: receipt.payloadSha256,
      keyHint: signer.keyHint,
      statement: receipt.statement,
      runRecord: receipt.runRecord,
    });
  });

  it('verifies together with run.json, artifacts and what is known of the run', () => {
    const { id, pipeline, source } = receipt.statement.predicate.run;
    const artifact = { name: 'dist/app-1.tgz', digest: digestBytes('artifact 1') };
    const expected = { runId: id, attempt: 1, pipeline: pipeline.name, repository: source.uri };
    expect(verify({ runRecord: Buffer.from(receipt.runRecord), artifacts: [artifact], expected })).toBeDefined();
  });

  it('verifies under one of several keys', async () => {
    const other = await sampleSigner();
    const key = [
      { publicKeyPem: other.publicKeyPem },
      { publicKeyPem: signer.publicKeyPem, notBefore: '2026-01-01T00:00:00Z' },
    ];
    expect(refusal({ key })).toBeUndefined();
  });
});

describe('a bundle that was changed is refused', () => {
  it.each([
    { steps: 1, stride: 1 },
    { steps: 20, stride: 11 },
  ])(
    'with any one bit of it flipped, in a receipt of $steps steps, in strides of $stride',
    async ({ steps, stride }) => {
      const whole = await bundleOf(buildReceipt(sampleRun(steps)).payload, signer);
      for (let index = 0; index < whole.length; index += stride) {
        const flipped = Uint8Array.from(whole);
        flipped[index]! ^= 1 << (index % 8);
        expect(refusal({ bundle: flipped }), `byte ${index}`).toBeDefined();
      }
    },
  );

  it('when it is cut short anywhere', () => {
    for (let length = 0; length < bundle.length; length += 97) {
      expect(refusal({ bundle: bundle.slice(0, length) })).toBeDefined();
    }
  });

  it.each<[string, string, (bundle: Bundle) => void]>([
    [
      'another media type',
      'ENVELOPE_MALFORMED',
      (b) => (b.mediaType = 'application/vnd.dev.sigstore.bundle+json;version=0.2'),
    ],
    ['an unknown field', 'ENVELOPE_MALFORMED', (b) => Object.assign(b, { extra: 1 })],
    ['an unknown field in the envelope', 'ENVELOPE_MALFORMED', (b) => Object.assign(b.dsseEnvelope, { extra: 1 })],
    ['a key id', 'ENVELOPE_MALFORMED', (b) => (b.dsseEnvelope.signatures[0]!.keyid = 'x')],
    ['a log entry', 'ENVELOPE_MALFORMED', (b) => (b.verificationMaterial['tlogEntries'] = [{}])],
    ['no key hint', 'ENVELOPE_MALFORMED', (b) => (b.verificationMaterial = { publicKey: {} })],
    ['signatures that are no list', 'ENVELOPE_MALFORMED', (b) => Object.assign(b.dsseEnvelope, { signatures: {} })],
    ['a certificate chain', 'CERTIFICATE_UNEXPECTED', (b) => (b.verificationMaterial['x509CertificateChain'] = {})],
    ['an empty payload', 'BASE64_INVALID', (b) => (b.dsseEnvelope.payload = '')],
  ])('for %s: %s', (_what, code, change) => {
    expect(refusal({ bundle: changed(change) })).toBe(code);
  });

  it('when it is a bundle about a file instead of a statement', () => {
    const file = changed((b) => {
      Object.assign(b, { messageSignature: { signature: 'AAAA' } });
      delete (b as Partial<Bundle>).dsseEnvelope;
    });
    expect(refusal({ bundle: file })).toBe('ENVELOPE_MALFORMED');
  });
});

describe('a key', () => {
  it('whose beginning is no time is refused, and so is a receipt where none is trusted', () => {
    expect(refusal({ key: [{ publicKeyPem: signer.publicKeyPem, notBefore: 'soon' }] })).toBe('KEY_OUT_OF_DATE');
    expect(refusal({ key: [] })).toBe('KEY_UNKNOWN');
  });

  it.each(['secp384r1', 'secp256k1'])('on %s is refused', (namedCurve) => {
    const { publicKey } = generateKeyPairSync('ec', { namedCurve });
    expect(refusal({ key: publicKey.export({ type: 'spki', format: 'pem' }) as string })).toBe('KEY_INVALID');
  });

  it('that is private, RSA or no key is refused', () => {
    const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'prime256v1' });
    const { publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
    expect(refusal({ key: privateKey.export({ type: 'pkcs8', format: 'pem' }) as string })).toBe('KEY_INVALID');
    expect(refusal({ key: publicKey.export({ type: 'spki', format: 'pem' }) as string })).toBe('KEY_INVALID');
    expect(refusal({ key: 'maestro.pub' })).toBe('KEY_INVALID');
  });
});

describe('a signature is refused', () => {
  it('when its type flows into its payload', async () => {
    const payload = Buffer.from(receipt.payload);
    const confused = Buffer.concat([Buffer.from(`DSSEv1 28 ${PAYLOAD_TYPE}`), payload]);
    expect(preAuthEncoding(PAYLOAD_TYPE, payload)).not.toEqual(confused);
    const signature = Buffer.from(await signer.sign(confused)).toString('base64');
    expect(refusal({ bundle: changed((b) => (b.dsseEnvelope.signatures[0]!.sig = signature)) })).toBe(
      'SIGNATURE_INVALID',
    );
  });
});

describe('a receipt of something else is refused', () => {
  it.each([
    ['run by a prefix', { runId: '01jd4z8f3k5q7r9t0v2w4x6y8' }],
    ['repository by a prefix', { repository: 'git+https://example.org/acme/ap' }],
  ])('by its %s', (_what, expected) => {
    expect(refusal({ expected })).toBe('RUN_MISMATCH');
  });

  it('by a line break at the end of its run.json', () => {
    expect(refusal({ runRecord: Buffer.from(`${receipt.runRecord}\n`) })).toBe('SUBJECT_MISMATCH');
  });

  it('by an artifact that the run made under another name', () => {
    expect(refusal({ artifacts: [{ name: 'app-2.tgz', digest: digestBytes('artifact 1') }] })).toBe('SUBJECT_MISMATCH');
    expect(refusal({ artifacts: [{ name: 'pp-1.tgz', digest: digestBytes('artifact 1') }] })).toBe('SUBJECT_MISMATCH');
  });
});
