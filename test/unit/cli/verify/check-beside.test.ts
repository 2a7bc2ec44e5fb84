import { mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { digestBytes } from '../../../../src/base/digest.ts';
import { type BesideRequest, checkBeside, type FilesBeside } from '../../../../src/cli/verify/check-beside.ts';
import type { StatementKind } from '../../../../src/provenance/attestations/predicate-types.ts';
import { buildStatement } from '../../../../src/provenance/attestations/statement.ts';
import { readArchive } from '../../../../src/provenance/disclosure/archive.ts';
import { SUMS_BUNDLE_NAME } from '../../../../src/provenance/disclosure/disclosure-statement.ts';
import { envelopeIn, signPayload } from '../../../../src/provenance/envelope.ts';
import { buildReceipt } from '../../../../src/provenance/receipt.ts';
import { assetNames } from '../../../../src/provenance/release-names.ts';
import type { Signer } from '../../../../src/provenance/signer.ts';
import { type VerifiedReceipt, verifyReceipt } from '../../../../src/provenance/verify.ts';
import { PREDICATES } from '../../provenance/attestations/samples.ts';
import { sampleFacts, samplePack } from '../../provenance/disclosure/sample-disclosure.ts';
import { sampleRun, sampleSigner, sampleStep } from '../../provenance/sample-run.ts';

/** What the run made, in the receipt's order: the content of each says which it is. */
const MADE = [
  ['release', 'dist/app.tgz', 'app'],
  ['release', 'dist/app-debug.tgz', 'debug'],
  ['release', 'dist/my app.tgz', 'spaced'],
  ['release', 'one/tool', 'tool of one'],
  ['release', 'two/tool', 'tool of two'],
  ['release', 'three/tool', 'tool of three'],
  ['release', 'four/tool', 'tool of four'],
  ['release', 'dist/id.pub', 'a public key'],
  ['release', 'dist/.env', 'a hidden file'],
  ['release', 'dist/SHA256SUMS', 'a list'],
  ['release', 'dist/receipt.tlog-proof', 'a proof'],
  ['release', 'dist/disclosure.tgz', 'a pack'],
  ['release', 'dist/vsa.json', 'a summary'],
  ['release', 'dist/release-gate.intoto.jsonl', 'a verdict'],
  ['release', 'dist/app.tgz.intoto.jsonl', 'provenance of a step'],
] as const;
const OUTPUTS = MADE.map(([name, path, content]) => ({
  name,
  path,
  digest: digestBytes(content),
  sizeBytes: String(content.length),
}));

describe('what lies in the folder of a receipt', () => {
  let folder: string;
  let signer: Signer;
  let verified: VerifiedReceipt;
  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), 'maestro-beside-'));
    signer = await sampleSigner();
    const facts = sampleRun(2);
    const steps = facts.steps.map((step, index) => (index === 0 ? { ...sampleStep(0), outputs: OUTPUTS } : step));
    const { payload } = buildReceipt({ ...facts, steps });
    const bundle = Buffer.from(await signPayload(payload, signer));
    verified = verifyReceipt({ bundle, key: signer.publicKeyPem });
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  const put = (name: string, content: string | Uint8Array): void => {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), content);
  };
  const stated = (kind: StatementKind, about = 'app', by = signer): Promise<string> =>
    signPayload(buildStatement(kind, [{ name: 'app.tgz', digest: digestBytes(about) }], PREDICATES[kind]).payload, by);
  const check = (change: Partial<BesideRequest> = {}): Promise<FilesBeside> => {
    const read = new Set(['receipt.sigstore.json', 'run.json']);
    return checkBeside({ folder, receipt: verified, key: signer.publicKeyPem, isKeyGiven: true, read, ...change });
  };
  const refusal = async (): Promise<unknown> =>
    check().catch((error: unknown) => (error as { readonly code?: string }).code);

  it('is what the run made, under whatever name, and statements about that', async () => {
    put('app.tgz', 'app');
    put('copy-of-it', 'app');
    put('vsa-of-it.json', verified.runRecord);
    put('app.tgz.sigstore.json', await stated('signature'));
    put('app.tgz.intoto.jsonl', await stated('provenance'));
    put('vsa.json', envelopeIn(await stated('verification-summary')));
    for (const paper of ['receipt.sigstore.json', 'run.json']) put(paper, '?');
    expect(await check()).toEqual({
      held: ['app.tgz', 'app.tgz.intoto.jsonl', 'app.tgz.sigstore.json', 'copy-of-it', 'vsa-of-it.json', 'vsa.json'],
      packFiles: 0,
      others: [],
    });
  });

  it('is refused where a file is called as something that the run made, and is another one', async () => {
    put('app.tgz', 'apq');
    expect(await refusal()).toBe('SUBJECT_MISMATCH');
  });

  it.each([
    ['another thing that the run made', 'app.tgz', 'debug'],
    ['one, of another case', 'APP.tgz', 'debug'],
    ['a renamed file', 'my-app.tgz', 'evil'],
    ['a file of its own name', 'my app.tgz', 'evil'],
    ['one that is called with its artifact', 'release-tool', 'evil'],
    ['one that is called with its step', `${sampleStep(0).id}-release-tool`, 'evil'],
    ['one that is numbered', `2-${sampleStep(0).id}-release-tool`, 'evil'],
    ['a key', 'id.pub', 'evil'],
    ['a hidden file', '.env', 'evil'],
  ])('refuses %s, where it is called as an output is and is another', async (_title, name, content) => {
    put(name, content);
    expect(await refusal()).toBe('SUBJECT_MISMATCH');
  });

  it('is as the page of a release calls it', async () => {
    const stepId = sampleStep(0).id;
    const names = assetNames(OUTPUTS.map((output) => ({ ...output, stepId })));
    expect(names).toContain(`2-${stepId}-release-tool`);
    for (const [index, name] of names.entries()) put(name, MADE[index]?.[2] ?? '');
    // What the page itself attaches, which an output is called as too.
    put('vsa.json', envelopeIn(await stated('verification-summary')));
    put('release-gate.intoto.jsonl', await stated('gate-result'));
    put('SHA256SUMS', 'digests');
    put('disclosure.tgz', 'the pack of the run');
    const { held, others } = await check();
    expect(held).toEqual([...names, 'vsa.json', 'release-gate.intoto.jsonl'].toSorted());
    expect(others).toEqual(['SHA256SUMS', 'disclosure.tgz']);
  });

  it('is told by name where it was skipped, and was not read', async () => {
    for (const name of ['.hidden', 'maestro.pub', 'log.pub', 'run.json', 'SHA256SUMS', 'receipt.tlog-proof', 'x.pub'])
      put(name, '?');
    put('below/deep/app.tgz', 'evil');
    put('elsewhere', 'app');
    symlinkSync(join(folder, 'elsewhere'), join(folder, 'app.tgz'));
    const { held, others } = await check({ read: new Set(['maestro.pub', 'receipt.tlog-proof']) });
    expect(held).toEqual(['elsewhere']);
    expect(others).toEqual(['.hidden', 'SHA256SUMS', 'app.tgz', 'below/', 'log.pub', 'run.json', 'x.pub']);
  });

  it('is a statement about what it is called after, and about nothing else', async () => {
    put('app-debug.tgz.sbom.intoto.jsonl', await stated('sbom', 'debug'));
    put('99-any.sigstore.json', await stated('signature', 'app'));
    // Called as an output that a page does not show: its own statement, or the page's about the same.
    put('app.tgz.intoto.jsonl', await stated('provenance'));
    expect((await check()).held).toHaveLength(3);
    put('app.tgz.intoto.jsonl', await stated('provenance', 'debug'));
    expect(await refusal()).toBe('SUBJECT_MISMATCH');
    put('app.tgz.intoto.jsonl', 'provenance of a step');
    put('app-debug.tgz.sbom.intoto.jsonl', await stated('sbom', 'app'));
    expect(await refusal()).toBe('SUBJECT_MISMATCH');
  });

  it.each(['signature', 'sbom', 'verification-summary'] as const)(
    'is refused where a statement (%s) is about something else, or was changed',
    async (kind) => {
      const name = kind === 'verification-summary' ? 'vsa.json' : 'x.sigstore.json';
      const form = kind === 'verification-summary' ? envelopeIn : (text: string): string => text;
      put(name, form(await stated(kind, 'the app before')));
      expect(await refusal()).toBe('SUBJECT_MISMATCH');
      put(name, form((await stated(kind)).replace(/"sig":"..../, '"sig":"AAAA')));
      // An envelope alone does not say that it is of a key that is trusted.
      const told = kind === 'verification-summary' ? { held: [], packFiles: 0, others: [name] } : 'SIGNATURE_INVALID';
      expect(await refusal()).toEqual(told);
    },
  );

  it('is told by name where nothing is known of it', async () => {
    put('notes.txt', 'anything');
    put('theirs.sigstore.json', await stated('signature', 'app', await sampleSigner()));
    put('vsa.json', envelopeIn(await stated('verification-summary', 'app', await sampleSigner())));
    // A receipt of another run, by the same key: true, and of something else.
    put('first.sigstore.json', await signPayload(buildReceipt(sampleRun(3)).payload, signer));
    put('broken.sigstore.json', '{"');
    put('none.intoto.jsonl', '[]');
    expect(await check()).toEqual({
      held: [],
      packFiles: 0,
      others: [
        'broken.sigstore.json',
        'first.sigstore.json',
        'none.intoto.jsonl',
        'notes.txt',
        'theirs.sigstore.json',
        'vsa.json',
      ],
    });
    // Of a certificate's receipt: no key is trusted.
    put('app.tgz.sigstore.json', await stated('signature'));
    expect((await check({ key: [] })).others).toContain('app.tgz.sigstore.json');
  });

  describe('with a disclosure pack that was unpacked', () => {
    let receipt: VerifiedReceipt;
    beforeEach(async () => {
      const facts = await sampleFacts(signer);
      receipt = verifyReceipt({ bundle: Buffer.from(facts.receipt.bundle), key: signer.publicKeyPem });
      const { files } = await readArchive(await samplePack(signer, facts));
      for (const [path, content] of files) put(path, content);
    });

    it('is whole, and is not what lies beside it', async () => {
      const whole = await check({ receipt });
      expect(whole).toEqual({ held: [], packFiles: expect.any(Number) as number, others: [] });
      expect(whole.packFiles).toBeGreaterThan(10);
      put('notes.txt', '?');
      put('policy/notes.txt', '?');
      put('below/notes.txt', '?');
      expect((await check({ receipt })).others).toEqual(['below/', 'notes.txt', 'policy/notes.txt']);
      // Nobody named a key: the one in the pack shows that nothing was changed.
      expect(await check({ receipt, isKeyGiven: false })).toMatchObject({ packFiles: whole.packFiles });
    });

    it.each([
      ['changed', () => put('index.html', 'another page')],
      ['missing', () => rmSync(join(folder, 'VERIFY.md'))],
      [
        'behind a link',
        () => {
          rmSync(join(folder, 'VERIFY.md'));
          symlinkSync('/etc/hostname', join(folder, 'VERIFY.md'));
        },
      ],
    ])('is refused where a file of it is %s', async (_title, change) => {
      change();
      await expect(check({ receipt })).rejects.toMatchObject({ code: 'PACK_FILE_MISMATCH' });
    });

    it.each([
      [
        'its list names a path elsewhere',
        () => put('SHA256SUMS', `${'0'.repeat(64)}  ../../etc/passwd\n`),
        'ARCHIVE_PATH_UNSAFE',
      ],
      ['its list is another', () => put('SHA256SUMS', ''), 'SUBJECT_MISMATCH'],
    ])('is refused where %s', async (_title, change, code) => {
      change();
      await expect(check({ receipt })).rejects.toMatchObject({ code });
    });

    it('does not follow a link to a folder of it', async () => {
      renameSync(join(folder, 'policy'), join(folder, 'elsewhere'));
      symlinkSync(join(folder, 'elsewhere'), join(folder, 'policy'));
      await expect(check({ receipt })).rejects.toMatchObject({ code: 'PACK_FILE_MISMATCH' });
    });

    it('is signed by a key that came along where nobody named one, also by a later one than the receipt', async () => {
      const later = await sampleSigner();
      const facts = { ...(await sampleFacts(signer)), packKey: later.publicKeyPem };
      const { files } = await readArchive(await samplePack(later, facts));
      for (const [path, content] of files) put(path, content);
      const bundle = Buffer.from(facts.receipt.bundle);
      const own = verifyReceipt({ bundle, key: signer.publicKeyPem });
      expect((await check({ receipt: own, isKeyGiven: false })).packFiles).toBe(files.size);
      expect((await check({ receipt: own })).packFiles).toBe(0);
    });

    it('is refused where it is of another run', async () => {
      await expect(check()).rejects.toMatchObject({ code: 'RUN_MISMATCH' });
    });

    it('is of nobody who is trusted where another key signed it', async () => {
      const other = { publicKeyPem: (await sampleSigner()).publicKeyPem };
      const { packFiles, others } = await check({ receipt, key: [other] });
      expect([packFiles, others]).toEqual([0, expect.arrayContaining([SUMS_BUNDLE_NAME, 'policy/']) as string[]]);
    });
  });
});
