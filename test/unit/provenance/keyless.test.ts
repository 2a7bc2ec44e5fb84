import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { isMaestroError } from '../../../src/base/errors.ts';
import { type KeylessServices, signKeyless } from '../../../src/provenance/keyless.ts';
import { buildReceipt } from '../../../src/provenance/receipt.ts';
import { RECEIPT_PREDICATE_TYPE } from '../../../src/provenance/receipt-schema.ts';
import { type KeylessVerifyRequest, verifyKeylessReceipt } from '../../../src/provenance/verify-keyless.ts';
import { identityToken, SigstoreServer } from '../../fakes/sigstore.ts';
import { describeWith } from '../../real-parts.ts';
import { shownOf } from '../secrets/planted.ts';
import { codeOf } from './refusal.ts';
import { sampleRun, scratchDirectory } from './sample-run.ts';

const IDENTITY = 'https://github.com/acme/app/.github/workflows/attest.yml@refs/heads/main';
const ISSUER = 'https://token.actions.githubusercontent.com';
const TOKEN = identityToken({ iss: ISSUER, sub: IDENTITY });

const receipt = buildReceipt(sampleRun(20));
const sigstore = new SigstoreServer();

let byTime: string;
let byLog: string;
let byBoth: string;

const at = ({ url }: SigstoreServer, change: Partial<KeylessServices> = {}): KeylessServices => ({
  fulcioUrl: url,
  rekorUrl: undefined,
  tsaUrl: url,
  ...change,
});
const sign = (services: KeylessServices, token = TOKEN): Promise<string> =>
  signKeyless(Buffer.from(receipt.payload), token, services);

beforeAll(async () => {
  await sigstore.open();
  byTime = await sign(at(sigstore));
  byLog = await sign(at(sigstore, { rekorUrl: sigstore.url, tsaUrl: undefined }));
  byBoth = await sign(at(sigstore, { rekorUrl: sigstore.url }));
});
afterAll(() => sigstore.close());

const verify = (bundle: string, change: Partial<KeylessVerifyRequest> = {}) =>
  verifyKeylessReceipt({
    bundle: Buffer.from(bundle),
    trustedRoot: Buffer.from(sigstore.root),
    certificateIdentity: IDENTITY,
    certificateIssuer: ISSUER,
    runRecord: Buffer.from(receipt.runRecord),
    ...change,
  });

/** A bundle as far as these tests change it. */
interface Loose {
  mediaType: string;
  verificationMaterial: {
    certificate: { rawBytes: string };
    timestampVerificationData?: Stamps;
    tlogEntries: { integratedTime: string; inclusionPromise?: object }[];
    more?: number;
  };
  dsseEnvelope: { payload: string; payloadType: string; signatures: { sig: string; keyid?: string }[] };
}
interface Stamps {
  rfc3161Timestamps: { signedTimestamp: string; more?: number }[];
}
const stampsOf = (bundle: Loose): Stamps => bundle.verificationMaterial.timestampVerificationData as Stamps;
const firstStamp = (bundle: Loose) => stampsOf(bundle).rfc3161Timestamps[0] as Stamps['rfc3161Timestamps'][0];
/** The bundle with a change in it. */
const changed = (bundle: string, change: (bundle: Loose) => unknown): string => {
  const copy: Loose = JSON.parse(bundle);
  change(copy);
  return JSON.stringify(copy);
};

describe('a receipt signed under a certificate', () => {
  it('holds with a timestamp, with an entry of a log, and with both', () => {
    for (const bundle of [byTime, byLog, byBoth]) expect(verify(bundle).payloadSha256).toBe(receipt.payloadSha256);
  });

  it('goes to no log unless one is named, and carries no keyid', () => {
    const { verificationMaterial, dsseEnvelope } = JSON.parse(byTime);
    expect(Object.keys(verificationMaterial).sort()).toEqual(['certificate', 'timestampVerificationData']);
    expect(Object.keys(dsseEnvelope.signatures[0])).toEqual(['sig']);
    expect(sigstore.asked.filter((path) => path.includes('/log/'))).toHaveLength(2);
  });

  it.each<[string, Partial<KeylessVerifyRequest>, string]>([
    ['an identity of which it is the beginning', { certificateIdentity: `${IDENTITY}-evil` }, 'IDENTITY_MISMATCH'],
    ['an identity that is its beginning', { certificateIdentity: 'https://github.com/acme/app' }, 'IDENTITY_MISMATCH'],
    ['a pattern', { certificateIdentity: '.*' }, 'IDENTITY_MISMATCH'],
    ['nobody', { certificateIdentity: '' }, 'IDENTITY_MISMATCH'],
    ['another issuer', { certificateIssuer: 'https://accounts.google.com' }, 'ISSUER_MISMATCH'],
    ['an issuer that is its beginning', { certificateIssuer: 'https://token.actions' }, 'ISSUER_MISMATCH'],
    ['another run record', { runRecord: Buffer.from('{}') }, 'SUBJECT_MISMATCH'],
    ['another run', { expected: { runId: 'other' } }, 'RUN_MISMATCH'],
    ['a root that names two', { trustedRoot: Buffer.from('{"a":1,"a":2}') }, 'JSON_DUPLICATE_KEY'],
  ])('is refused where this was expected: %s', (_what, change, code) => {
    expect(codeOf(() => verify(byTime, change))).toBe(code);
    expect(codeOf(() => verify(byLog, change))).toBe(code);
  });

  it.each<[string, string, (bundle: Loose) => unknown]>([
    [
      'the timestamp of another signature',
      'TIMESTAMP_UNTRUSTED',
      (b) => (b.verificationMaterial.timestampVerificationData = stampsOf(JSON.parse(byBoth))),
    ],
    ['one timestamp twice', 'TIMESTAMP_UNTRUSTED', (b) => stampsOf(b).rfc3161Timestamps.push(firstStamp(b))],
    ['five timestamps', 'TOO_LARGE', (b) => (stampsOf(b).rfc3161Timestamps = Array(5).fill(firstStamp(b)))],
    [
      'a changed payload',
      'SIGNATURE_INVALID',
      (b) => (b.dsseEnvelope.payload = `e30g${b.dsseEnvelope.payload.slice(4)}`),
    ],
    ['another payload type', 'PAYLOAD_TYPE_WRONG', (b) => (b.dsseEnvelope.payloadType = 'text/plain')],
    ['no signature', 'SIGNATURE_COUNT', (b) => (b.dsseEnvelope.signatures = [])],
    ['two signatures', 'SIGNATURE_COUNT', (b) => b.dsseEnvelope.signatures.push({ sig: 'AAAA' })],
    ['a keyid', 'ENVELOPE_MALFORMED', (b) => Object.assign(b.dsseEnvelope.signatures[0] as object, { keyid: 'x' })],
    ['a field that nobody knows', 'ENVELOPE_MALFORMED', (b) => (b.verificationMaterial.more = 1)],
    ['a field that nobody knows, deep inside', 'ENVELOPE_MALFORMED', (b) => (firstStamp(b).more = 1)],
    ['odd base64', 'BASE64_INVALID', (b) => (b.verificationMaterial.certificate.rawBytes += '\n')],
    ['odd base64 in a timestamp', 'ENVELOPE_MALFORMED', (b) => (firstStamp(b).signedTimestamp += ' ')],
    ['a certificate that is none', 'ENVELOPE_MALFORMED', (b) => (b.verificationMaterial.certificate.rawBytes = 'AAAA')],
    ['another media type', 'ENVELOPE_MALFORMED', (b) => (b.mediaType = 'application/json')],
  ])('is refused with %s', (_what, code, change) => {
    expect(codeOf(() => verify(changed(byTime, change)))).toBe(code);
  });

  it('is refused with an entry of the log about something else, and with a changed one', () => {
    const swapped = changed(byLog, (b) => {
      b.verificationMaterial.tlogEntries = JSON.parse(byBoth).verificationMaterial.tlogEntries;
    });
    expect(codeOf(() => verify(swapped))).toBe('LOG_ENTRY_INVALID');
    const moved = changed(byLog, (b) => {
      for (const entry of b.verificationMaterial.tlogEntries)
        entry.integratedTime = String(Number(entry.integratedTime) + 1);
    });
    expect(codeOf(() => verify(moved))).toBe('LOG_ENTRY_INVALID');
  });

  it('is refused where a log names a time that it did not sign', () => {
    const unsigned = changed(byLog, (b) => {
      for (const entry of b.verificationMaterial.tlogEntries) delete entry.inclusionPromise;
    });
    expect(codeOf(() => verify(unsigned))).toBe('TIMESTAMP_UNTRUSTED');
  });

  it('is refused as every receipt is where what was signed contradicts itself', async () => {
    const statement = JSON.parse(receipt.payload);
    statement.predicate.stepCount = 19;
    const bundle = await signKeyless(Buffer.from(JSON.stringify(statement)), TOKEN, at(sigstore));
    expect(codeOf(() => verify(bundle))).toBe('STEP_COUNT_MISMATCH');
  });
});

describe('a keyless signature that does not come about', () => {
  it.each(['not a token', 'a.b', `${TOKEN}.more`, '', 'x'.repeat(20_000)])(
    'holds no word of the token %j',
    async (token) => {
      const error: unknown = await sign(at(sigstore), token).catch((failure: unknown) => failure);
      expect(isMaestroError(error, 'CONFIG_INVALID')).toBe(true);
      expect(token === '' || !shownOf(error).includes(token)).toBe(true);
    },
  );

  it.each([400, 401, 500])('holds no word of the token where a service answers %i and repeats it', async (status) => {
    sigstore.failWith = status;
    const error: unknown = await sign(at(sigstore)).catch((failure: unknown) => failure);
    sigstore.failWith = 0;
    expect(isMaestroError(error, 'SIGNER_UNAVAILABLE')).toBe(true);
    for (const part of TOKEN.split('.')) expect(shownOf(error)).not.toContain(part);
  });

  it('says so of a token without a subject, and does not show it', async () => {
    const error: unknown = await sign(at(sigstore), 'PLANTED.PLANTED.PLANTED').catch((failure: unknown) => failure);
    expect(isMaestroError(error, 'SIGNER_UNAVAILABLE')).toBe(true);
    expect(shownOf(error)).not.toContain('PLANTED');
  });

  it('sends no token in the open, and wants somebody who says when it was', async () => {
    await expect(sign(at(sigstore, { fulcioUrl: 'http://fulcio.example' }))).rejects.toMatchObject({
      code: 'CONFIG_INVALID',
    });
    await expect(sign(at(sigstore, { tsaUrl: undefined }))).rejects.toMatchObject({ code: 'CONFIG_INVALID' });
  });
});

describe.each([
  ['cosign2', ['--new-bundle-format']],
  ['cosign3', []],
] as const)('with %s', (name, extra) => {
  describeWith(name, 'a keyless receipt', (cosign) => {
    const run = (bundle: string, identity = IDENTITY): { status: number | null; said: string } => {
      const directory = scratchDirectory();
      const [bundlePath, root, record] = ['bundle.json', 'root.json', 'run.json'].map((file) => join(directory, file));
      writeFileSync(bundlePath as string, bundle);
      writeFileSync(root as string, sigstore.root);
      writeFileSync(record as string, receipt.runRecord);
      const words = [
        'verify-blob-attestation',
        '--bundle',
        bundlePath,
        '--trusted-root',
        root,
        '--type',
        RECEIPT_PREDICATE_TYPE,
      ];
      const whom = ['--certificate-identity', identity, '--certificate-oidc-issuer', ISSUER];
      const witness = bundle === byTime ? ['--insecure-ignore-tlog', '--use-signed-timestamps'] : [];
      const { status, stderr } = spawnSync(cosign, [...words, ...whom, ...witness, ...extra, record] as string[], {
        encoding: 'utf8',
        env: { HOME: directory, PATH: process.env.PATH },
      });
      return { status, said: stderr };
    };

    it('holds offline, with a timestamp and with an entry of a log', () => {
      expect(run(byTime)).toMatchObject({ status: 0, said: expect.stringContaining('Verified OK') });
      expect(run(byLog)).toMatchObject({ status: 0, said: expect.stringContaining('Verified OK') });
    });

    it('is refused for another identity', () => {
      expect(run(byTime, `${IDENTITY}-evil`).status).not.toBe(0);
    });
  });
});
