import { digestBytes } from '../../../../src/base/digest.ts';
import { forgedPack } from '../disclosure/sample-disclosure.ts';
import type { Group } from './item.ts';
import { archiveItem, packItem } from './packs.ts';
import { bundleItem, payloadItem, requestItem, statementItem } from './receipts.ts';
import { provenanceItem, statementAboutItem } from './statements.ts';

/** One bit of the middle of base64 text, so that it stays in its strict form. */
function flipped(base64: string): string {
  const bytes = Buffer.from(base64, 'base64');
  const at = bytes.length >> 1;
  bytes.writeUInt8(bytes.readUInt8(at) ^ 1, at);
  return bytes.toString('base64');
}

export const FLIPPED: Group = {
  title: 'Payload, its type or the signature: a bit flipped',
  items: [
    bundleItem('payload', 'SIGNATURE_INVALID', ({ dsseEnvelope: e }) => (e.payload = flipped(e.payload))),
    bundleItem(
      'payload type',
      'PAYLOAD_TYPE_WRONG',
      ({ dsseEnvelope: e }) => (e.payloadType = e.payloadType.replace('json', 'jsoo')),
    ),
    bundleItem('signature', 'SIGNATURE_INVALID', ({ dsseEnvelope: { signatures } }) =>
      signatures.splice(0, 1, { sig: flipped(signatures[0]?.sig ?? '') }),
    ),
  ],
};

export const SUBJECTS: Group = {
  title: 'Subjects',
  items: [
    statementItem('swapped for that of another', 'SUBJECT_MISMATCH', ({ subject: [, one, other] }) =>
      Object.assign(one ?? {}, { digest: other?.digest }),
    ),
    statementItem('renamed', 'SUBJECT_MISMATCH', ({ subject: [, one] }) => Object.assign(one ?? {}, { name: 'evil' })),
    statementItem('twice', 'SUBJECT_DUPLICATE', ({ subject }) => subject.push(...subject.slice(1, 2))),
    statementItem('without a sha256', 'SUBJECT_INVALID', ({ subject: [one] }) =>
      Object.assign(one ?? {}, { digest: { sha512: 'a'.repeat(128) } }),
    ),
    statementItem('with a commit alone', 'SUBJECT_INVALID', ({ subject: [one] }) =>
      Object.assign(one ?? {}, { digest: { gitCommit: 'a'.repeat(40) } }),
    ),
    statementItem('with a sha256 in capitals', 'SUBJECT_INVALID', ({ subject: [one] }) =>
      Object.assign(one ?? {}, { digest: { sha256: one?.digest.sha256.toUpperCase() } }),
    ),
    statementItem('none at all', 'SUBJECT_INVALID', (statement) => (statement.subject = [])),
    statementItem('one more', 'SUBJECT_MISMATCH', ({ subject }) =>
      subject.push({ name: 'evil', digest: { sha256: 'a'.repeat(64) } }),
    ),
    requestItem('another run.json than the one that was signed', 'SUBJECT_MISMATCH', ({ receipt }) => ({
      runRecord: Buffer.from(receipt.runRecord.replace('"succeeded"', '"failed"')),
    })),
    requestItem('an artifact that the run did not make', 'SUBJECT_MISMATCH', () => ({
      artifacts: [{ digest: digestBytes('evil') }],
    })),
  ],
};

export const STRANGERS: Group = {
  title: 'A valid receipt of something else',
  items: [
    requestItem('another run', 'RUN_MISMATCH', () => ({ expected: { runId: '01jd4z8f3k5q7r9t0v2w4x6y80' } })),
    requestItem('another attempt', 'RUN_MISMATCH', () => ({ expected: { attempt: 2 } })),
    requestItem('another pipeline', 'RUN_MISMATCH', () => ({ expected: { pipeline: 'releas' } })),
    requestItem('another repository: acme/app is not acme/app-evil', 'RUN_MISMATCH', () => ({
      expected: { repository: 'git+https://example.org/acme/app-evil' },
    })),
    statementItem('another predicate type', 'PREDICATE_TYPE_WRONG', (statement) =>
      Object.assign(statement, { predicateType: 'https://slsa.dev/provenance/v1' }),
    ),
    statementItem('a predicate type that only begins alike', 'PREDICATE_TYPE_WRONG', (statement) =>
      Object.assign(statement, { predicateType: `${statement.predicateType}0` }),
    ),
    statementItem('a newer version of the predicate', 'SCHEMA_INVALID', ({ predicate }) =>
      Object.assign(predicate, { schemaVersion: '3' }),
    ),
    payloadItem('another kind of statement', 'STATEMENT_MALFORMED', (text) =>
      text.replace('in-toto.io/Statement/v1', 'in-toto.io/Statement/v2'),
    ),
    statementAboutItem('an attestation of another type', 'PREDICATE_TYPE_WRONG', {
      predicateType: 'https://openvex.dev/ns/v0.2.0',
    }),
    statementAboutItem('provenance of another run', 'RUN_MISMATCH', { runIds: ['another'] }),
    statementAboutItem('provenance of another builder', 'BUILDER_MISMATCH', {
      builderId: 'https://example.org/builders/ap',
    }),
    provenanceItem('provenance of another run in a pack', 'RUN_MISMATCH', 'another-run'),
    packItem('a pack whose manifest is of another attempt', 'RUN_MISMATCH', (files) => {
      const manifest = Buffer.from(files.get('manifest.json') ?? []).toString();
      files.set('manifest.json', Buffer.from(manifest.replace('"attempt":1', '"attempt":2')));
    }),
    archiveItem('a pack that was signed as another run’s', 'RUN_MISMATCH', ({ signer, facts }, isTampered) =>
      forgedPack(signer, facts, () => {}, isTampered ? { runId: 'another' } : {}),
    ),
    packItem('the receipt of another run in a pack', 'RUN_MISMATCH', async (files, { otherRun }) => {
      files.set('receipt.sigstore.json', Buffer.from(otherRun.bundle));
      files.set('run.json', Buffer.from(otherRun.runRecord));
    }),
  ],
};

export const SIGNATURES: Group = {
  title: 'How many signatures',
  items: [
    bundleItem('none', 'SIGNATURE_COUNT', ({ dsseEnvelope: e }) => (e.signatures = [])),
    bundleItem('two', 'SIGNATURE_COUNT', ({ dsseEnvelope: { signatures } }) => signatures.push({ sig: 'AAAA' })),
    bundleItem('the same one twice', 'SIGNATURE_COUNT', ({ dsseEnvelope: { signatures } }) =>
      signatures.push(...signatures),
    ),
  ],
};
