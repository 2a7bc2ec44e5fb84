import { spawnSync } from 'node:child_process';
import { createPublicKey } from 'node:crypto';
import { cpSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { bundleFromJSON } from '@sigstore/bundle';
import { toSignedEntity, toTrustMaterial, Verifier } from '@sigstore/verify';
import { beforeAll, describe, expect, it } from 'vitest';
import { EMPTY_ROOT } from '../../../src/provenance/disclosure/verify-text.ts';
import { signPayload } from '../../../src/provenance/envelope.ts';
import type { RunFacts } from '../../../src/provenance/facts.ts';
import { buildReceipt } from '../../../src/provenance/receipt.ts';
import { RECEIPT_PREDICATE_TYPE } from '../../../src/provenance/receipt-schema.ts';
import { VERIFICATION_CODES } from '../../../src/provenance/verification-error.ts';
import { describeWith } from '../../real-parts.ts';
import { promotionRun } from './sample-promotion.ts';
import { sampleRun, sampleSigner, scratchDirectory } from './sample-run.ts';

const VERSION_1 = join(import.meta.dirname, 'fixtures/receipt-v1');
const KEY_AND_BUNDLE = ['--key', 'maestro.pub', '--bundle', 'receipt.sigstore.json', '--insecure-ignore-tlog'];
const OLD_CLIENT = ['--new-bundle-format', '--trusted-root', 'empty-root.json'];
const TYPE = ['--type', RECEIPT_PREDICATE_TYPE];

const CLIENTS = [
  { part: 'cosign2', title: 'stock cosign 2.5', extra: OLD_CLIENT },
  { part: 'cosign3', title: 'stock cosign 3', extra: [] },
] as const;

/** A folder as `maestro receipt RUN -o DIR` writes it, and an artifact of the run. */
async function exportReceipt(facts: RunFacts): Promise<string> {
  const directory = scratchDirectory();
  const signer = await sampleSigner();
  const { payload, runRecord } = buildReceipt(facts);
  writeFileSync(join(directory, 'run.json'), runRecord);
  writeFileSync(join(directory, 'receipt.sigstore.json'), await signPayload(payload, signer));
  writeFileSync(join(directory, 'maestro.pub'), signer.publicKeyPem);
  writeFileSync(join(directory, 'empty-root.json'), EMPTY_ROOT);
  writeFileSync(join(directory, 'app-1.tgz'), 'artifact 1');
  return directory;
}

const GUIDE = readFileSync(resolve(import.meta.dirname, '../../../docs/guides/verify.md'), 'utf8').replace(
  / \\\n +/g,
  ' ',
);

describe('the guide for strangers', () => {
  it.each(CLIENTS)('shows the command that is tested for $title', ({ extra }) => {
    const command = ['cosign', 'verify-blob-attestation', ...KEY_AND_BUNDLE, ...extra, ...TYPE, 'run.json'].join(' ');
    expect(GUIDE).toContain(`${command}\n`);
    expect(GUIDE).toContain(`echo '${EMPTY_ROOT.trimEnd()}' > empty-root.json\n`);
  });

  it('explains every code with which a receipt is refused, and no other', () => {
    expect([...GUIDE.matchAll(/^\| `([A-Z_\d]+)`/gm)].map(([, code]) => code)).toEqual([...VERIFICATION_CODES]);
  });
});

for (const { part, title, extra } of CLIENTS) {
  describeWith(part, title, (program) => {
    let directory: string;
    const run = (...args: readonly string[]) => {
      // No network and no home: it must work offline and without an earlier `cosign initialize`.
      const env = {
        HOME: directory,
        TUF_ROOT: join(directory, 'none'),
        HTTPS_PROXY: 'http://127.0.0.1:9',
        HTTP_PROXY: 'http://127.0.0.1:9',
      };
      return spawnSync(program, args, { cwd: directory, encoding: 'utf8', env });
    };
    const attestation = (file: string) => run('verify-blob-attestation', ...KEY_AND_BUNDLE, ...extra, ...TYPE, file);
    const blob = (file: string) => run('verify-blob', ...KEY_AND_BUNDLE, ...extra, file);

    beforeAll(async () => {
      directory = await exportReceipt(promotionRun());
    });

    it.each(['run.json', 'app-1.tgz'])('verifies a receipt against %s', (file) => {
      expect(attestation(file)).toMatchObject({ status: 0, stderr: expect.stringContaining('Verified OK') as string });
      expect(blob(file)).toMatchObject({ status: 0, stderr: expect.stringContaining('Verified OK') as string });
    });

    it('refuses another file', () => {
      writeFileSync(join(directory, 'other.json'), '{}');
      expect(attestation('other.json').status).not.toBe(0);
      expect(blob('other.json').status).not.toBe(0);
    });

    it('refuses a receipt of which one bit changed', () => {
      const text = readFileSync(join(directory, 'receipt.sigstore.json'), 'utf8');
      const bundle = JSON.parse(text) as { dsseEnvelope: { payload: string } };
      const bytes = Buffer.from(bundle.dsseEnvelope.payload, 'base64');
      const index = bytes.indexOf('"attempts":1') + '"attempts":'.length;
      bytes.writeUInt8(bytes.readUInt8(index) ^ 2, index);
      bundle.dsseEnvelope.payload = bytes.toString('base64');
      writeFileSync(join(directory, 'flipped.json'), JSON.stringify(bundle));
      const args = KEY_AND_BUNDLE.map((arg) => (arg === 'receipt.sigstore.json' ? 'flipped.json' : arg));
      expect(run('verify-blob-attestation', ...args, ...extra, ...TYPE, 'run.json').status).not.toBe(0);
      expect(run('verify-blob', ...args, ...extra, 'run.json').status).not.toBe(0);
    });

    it('refuses another key', async () => {
      writeFileSync(join(directory, 'other.pub'), (await sampleSigner()).publicKeyPem);
      const args = KEY_AND_BUNDLE.map((arg) => (arg === 'maestro.pub' ? 'other.pub' : arg));
      expect(run('verify-blob-attestation', ...args, ...extra, ...TYPE, 'run.json').status).not.toBe(0);
    });

    it('verifies a receipt of version 1, as it did when that was written', () => {
      cpSync(VERSION_1, join(directory, 'v1'), { recursive: true });
      const args = KEY_AND_BUNDLE.map((arg) => (arg.startsWith('--') ? arg : `v1/${arg}`));
      expect(run('verify-blob-attestation', ...args, ...extra, ...TYPE, 'v1/run.json').status).toBe(0);
    });

    it('verifies a receipt of 1,000 steps', async () => {
      directory = await exportReceipt(sampleRun(1000));
      expect(attestation('run.json').status).toBe(0);
    });
  });
}

describe('sigstore-js', () => {
  it('verifies a receipt, and refuses it under another key', async () => {
    const signer = await sampleSigner();
    const bundle = bundleFromJSON(JSON.parse(await signPayload(buildReceipt(sampleRun(3)).payload, signer)));
    const check = (publicKey: string) => {
      const trust = { mediaType: '', tlogs: [], certificateAuthorities: [], ctlogs: [], timestampAuthorities: [] };
      const key = createPublicKey(publicKey);
      const material = toTrustMaterial(trust, () => ({ publicKey: key, validFor: () => true }));
      return () =>
        new Verifier(material, { tlogThreshold: 0, ctlogThreshold: 0, timestampThreshold: 0 }).verify(
          toSignedEntity(bundle),
        );
    };
    expect(check(signer.publicKeyPem)).not.toThrow();
    expect(check((await sampleSigner()).publicKeyPem)).toThrow(expect.objectContaining({ code: 'SIGNATURE_ERROR' }));
  });
});
