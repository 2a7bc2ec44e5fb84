import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { hexOf } from '../../../../src/base/digest.ts';
import { gateStatements, gateVerifierId } from '../../../../src/provenance/attestations/gate-statements.ts';
import { PREDICATE_TYPES, type StatementKind } from '../../../../src/provenance/attestations/predicate-types.ts';
import { EMPTY_ROOT } from '../../../../src/provenance/disclosure/verify-text.ts';
import { bundleOf, envelopeIn, signatureOf } from '../../../../src/provenance/envelope.ts';
import { GATE_CODES, judgeRelease } from '../../../../src/provenance/release-gate.ts';
import type { Signer } from '../../../../src/provenance/signer.ts';
import { describeWith } from '../../../real-parts.ts';
import { sampleSigner, scratchDirectory } from '../sample-run.ts';
import { ARTIFACT, CONTENT, FINISHED_ON, gateQuestion, ISSUER, KINDS, signed } from './samples.ts';

const SOURCE = 'git+https://example.org/acme/app';

/** What both tools are given: a content, its statements, and a key. */
async function folderOf(signer: Signer): Promise<string> {
  const folder = scratchDirectory();
  writeFileSync(join(folder, ARTIFACT.name), CONTENT);
  writeFileSync(join(folder, 'other'), 'something else');
  writeFileSync(join(folder, 'maestro.pub'), signer.publicKeyPem);
  writeFileSync(join(folder, 'other.pub'), (await sampleSigner()).publicKeyPem);
  writeFileSync(join(folder, 'empty-root.json'), EMPTY_ROOT);
  for (const kind of KINDS) writeFileSync(join(folder, `${kind}.json`), (await signed(kind, signer)).bundle);
  return folder;
}

function run(folder: string, program: string, args: readonly string[]) {
  // No network and no home: it must work offline.
  const env = { HOME: folder, TUF_ROOT: join(folder, 'none'), HTTPS_PROXY: 'http://127.0.0.1:9' };
  return spawnSync(program, args, { cwd: folder, encoding: 'utf8', env });
}

for (const [part, extra] of [
  ['cosign2', ['--new-bundle-format', '--trusted-root', 'empty-root.json']],
  ['cosign3', []],
] as const) {
  describeWith(part, `stock ${part}`, (program) => {
    let folder: string;
    beforeAll(async () => {
      folder = await folderOf(await sampleSigner());
    });
    const verify = (kind: StatementKind, file = ARTIFACT.name, key = 'maestro.pub', type: StatementKind = kind) => {
      const given = ['--key', key, '--bundle', `${kind}.json`, '--insecure-ignore-tlog', ...extra];
      return run(folder, program, ['verify-blob-attestation', ...given, '--type', PREDICATE_TYPES[type], file]);
    };

    it.each(KINDS)('verifies a statement of %s, and refuses it for another file and under another key', (kind) => {
      expect(verify(kind)).toMatchObject({ status: 0, stderr: expect.stringContaining('Verified OK') as string });
      expect(verify(kind, 'other').status).not.toBe(0);
      expect(verify(kind, ARTIFACT.name, 'other.pub').status).not.toBe(0);
      // cosign 2.5 does not hold bundles to the type.
      const other = kind === 'sbom' ? 'vex' : 'sbom';
      expect(verify(kind, ARTIFACT.name, 'maestro.pub', other).status === 0).toBe(part === 'cosign2');
    });
  });
}

describeWith('slsa-verifier', 'stock slsa-verifier', (program) => {
  let folder: string;
  beforeAll(async () => {
    const signer = await sampleSigner();
    folder = await folderOf(signer);
    const question = await gateQuestion(signer);
    for (const [name, hasSucceeded] of [
      ['vsa.json', true],
      ['failed.json', false],
    ] as const) {
      const { summary } = gateStatements(judgeRelease({ ...question, hasSucceeded }), {
        recordDigest: ARTIFACT.digest,
        resourceUri: SOURCE,
        packDigests: [],
        finishedOn: FINISHED_ON,
        issuer: ISSUER,
      });
      writeFileSync(
        join(folder, name),
        envelopeIn(bundleOf(summary.payload, await signatureOf(summary.payload, signer), signer.keyHint)),
      );
    }
  });
  const verify = (change: Readonly<Record<string, string>> = {}) => {
    const given = {
      'subject-digest': ARTIFACT.digest as string,
      'attestation-path': 'vsa.json',
      'verifier-id': gateVerifierId(ISSUER),
      'resource-uri': SOURCE,
      'verified-level': 'SLSA_BUILD_LEVEL_2',
      'public-key-path': 'maestro.pub',
      ...change,
    };
    return run(folder, program, [
      'verify-vsa',
      ...Object.entries(given).flatMap(([name, value]) => [`--${name}`, value]),
    ]);
  };

  it('verifies the summary of a release that passed', () => {
    expect(verify()).toMatchObject({ status: 0, stderr: expect.stringContaining('PASSED') as string });
  });

  it.each([
    ['another content', { 'subject-digest': `sha256:${hexOf(ARTIFACT.digest).replace(/^./, 'x')}` }],
    ['another resource', { 'resource-uri': `${SOURCE}-evil` }],
    ['another verifier', { 'verifier-id': `${gateVerifierId(ISSUER)}-evil` }],
    ['a higher level', { 'verified-level': 'SLSA_BUILD_LEVEL_3' }],
    ['another key', { 'public-key-path': 'other.pub' }],
    ['one that did not pass', { 'attestation-path': 'failed.json' }],
  ])('refuses it for %s', (_what, change) => {
    expect(verify(change).status).not.toBe(0);
  });
});

describe('the guide to attestations', () => {
  const guide = readFileSync(resolve(import.meta.dirname, '../../../../docs/guides/attestations.md'), 'utf8');

  it('explains every code with which the gate refuses, and names every type', () => {
    expect([...guide.matchAll(/^\| `([A-Z_\d]+)`/gm)].map(([, code]) => code)).toEqual([...GATE_CODES]);
    for (const type of Object.values(PREDICATE_TYPES)) expect(guide).toContain(`\`${type}\``);
  });
});
