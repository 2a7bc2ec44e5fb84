import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { digestBytes } from '../../../src/base/digest.ts';
import { checkBeside, type FilesBeside } from '../../../src/cli/commands/check-beside.ts';
import type { StatementKind } from '../../../src/provenance/attestations/predicate-types.ts';
import { buildStatement } from '../../../src/provenance/attestations/statement.ts';
import { envelopeIn, signPayload } from '../../../src/provenance/envelope.ts';
import { buildReceipt } from '../../../src/provenance/receipt.ts';
import type { Signer } from '../../../src/provenance/signer.ts';
import { type VerifiedReceipt, verifyReceipt } from '../../../src/provenance/verify.ts';
import { PREDICATES } from '../provenance/attestations/samples.ts';
import { sampleRun, sampleSigner, sampleStep } from '../provenance/sample-run.ts';

describe('what lies in the folder of a receipt', () => {
  let folder: string;
  let signer: Signer;
  let verified: VerifiedReceipt;
  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), 'maestro-beside-'));
    signer = await sampleSigner();
    const app = { name: 'release', path: 'dist/app.tgz', digest: digestBytes('app'), sizeBytes: '3' };
    const facts = sampleRun(2);
    const steps = facts.steps.map((step, index) => (index === 0 ? { ...sampleStep(0), outputs: [app] } : step));
    const { payload } = buildReceipt({ ...facts, steps });
    const bundle = Buffer.from(await signPayload(payload, signer));
    verified = verifyReceipt({ bundle, key: signer.publicKeyPem });
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  const put = (name: string, content: string): void => writeFileSync(join(folder, name), content);
  const stated = (kind: StatementKind, about = 'app', by = signer): Promise<string> =>
    signPayload(buildStatement(kind, [{ name: 'app.tgz', digest: digestBytes(about) }], PREDICATES[kind]).payload, by);
  const check = (key = signer.publicKeyPem): Promise<FilesBeside> => checkBeside(folder, verified, key);

  it('is what the run made, under whatever name, and statements about that', async () => {
    put('app.tgz', 'app');
    put('copy-of-it', 'app');
    put('app.tgz.sigstore.json', await stated('signature'));
    put('app.tgz.intoto.jsonl', await stated('provenance'));
    put('vsa.json', envelopeIn(await stated('verification-summary')));
    for (const paper of ['receipt.sigstore.json', 'run.json', 'maestro.pub', 'SHA256SUMS', '.hidden']) put(paper, '?');
    mkdirSync(join(folder, 'below'));
    expect(await check()).toEqual({
      held: ['app.tgz', 'app.tgz.intoto.jsonl', 'app.tgz.sigstore.json', 'copy-of-it', 'vsa.json'],
      others: [],
    });
  });

  it('is refused where a file is called as something that the run made, and is another one', async () => {
    put('app.tgz', 'apq');
    await expect(check()).rejects.toMatchObject({ code: 'SUBJECT_MISMATCH' });
  });

  it.each(['signature', 'sbom', 'verification-summary'] as const)(
    'is refused where a statement (%s) is about something else, or was changed',
    async (kind) => {
      const name = kind === 'verification-summary' ? 'vsa.json' : 'x.sigstore.json';
      const form = kind === 'verification-summary' ? envelopeIn : (text: string): string => text;
      put(name, form(await stated(kind, 'the app before')));
      await expect(check()).rejects.toMatchObject({ code: 'SUBJECT_MISMATCH' });
      put(name, form((await stated(kind)).replace(/"sig":"..../, '"sig":"AAAA')));
      await expect(check()).rejects.toMatchObject({ code: expect.stringMatching(/^SIGNATURE_|^ENVELOPE_/) as string });
    },
  );

  it('is told by name where nothing is known of it', async () => {
    put('notes.txt', 'anything');
    put('theirs.sigstore.json', await stated('signature', 'app', await sampleSigner()));
    put('broken.sigstore.json', '{"');
    put('none.intoto.jsonl', '[]');
    expect(await check()).toEqual({
      held: [],
      others: ['broken.sigstore.json', 'none.intoto.jsonl', 'notes.txt', 'theirs.sigstore.json'],
    });
    // Of a certificate's receipt: no key is trusted.
    put('app.tgz.sigstore.json', await stated('signature'));
    expect((await checkBeside(folder, verified, [])).others).toContain('app.tgz.sigstore.json');
  });
});
