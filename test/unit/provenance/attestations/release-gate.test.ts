import { beforeAll, describe, expect, it } from 'vitest';
import { digestBytes } from '../../../../src/base/digest.ts';
import type { JsonObject } from '../../../../src/base/json.ts';
import { provenancePredicate } from '../../../../src/provenance/attestations/build-provenance.ts';
import { type GatedRun, gateStatements } from '../../../../src/provenance/attestations/gate-statements.ts';
import { PREDICATE_TYPES } from '../../../../src/provenance/attestations/predicate-types.ts';
import { buildStatement } from '../../../../src/provenance/attestations/statement.ts';
import { signPayload } from '../../../../src/provenance/envelope.ts';
import { type GateQuestion, type GateVerdict, judgeRelease } from '../../../../src/provenance/release-gate.ts';
import { manifestText, type RunRecordLink, releaseManifest } from '../../../../src/provenance/release-manifest.ts';
import type { Signer } from '../../../../src/provenance/signer.ts';
import { sampleSigner } from '../sample-run.ts';
import { ARTIFACT, BUILD, FINISHED_ON, gateQuestion, ISSUER, RUN_ID, signed } from './samples.ts';

const OTHER = { name: 'other.tgz', digest: digestBytes('other') };

describe('the release gate', () => {
  let signer: Signer;
  let question: GateQuestion;
  beforeAll(async () => {
    signer = await sampleSigner();
    question = await gateQuestion(signer);
  });
  const codes = (change: Partial<GateQuestion>): readonly string[] => codesOf(judgeRelease({ ...question, ...change }));
  const without = (kind: 'sbom' | 'provenance' | 'vulnerabilities') =>
    question.attestations.filter(({ predicateType }) => predicateType !== PREDICATE_TYPES[kind]);

  it('lets pass what carries an SBOM, provenance and an assessment of its risk', () => {
    const verdict = judgeRelease(question);
    expect(verdict).toMatchObject({ isPassed: true, reasons: [] });
    const [papers] = verdict.artifacts;
    expect(papers).toMatchObject({ ...ARTIFACT, attestations: { length: 3 } });
    for (const paper of ['sbom', 'provenance', 'riskAssessment'] as const) expect(papers?.[paper]).toHaveLength(1);
  });

  it('takes VEX for an assessment of the risk as well', async () => {
    const attestations = [...without('vulnerabilities'), await signed('vex', signer)];
    expect(codes({ attestations })).toEqual([]);
  });

  it.each([
    ['sbom', 'SBOM_MISSING'],
    ['provenance', 'PROVENANCE_MISSING'],
    ['vulnerabilities', 'RISK_MISSING'],
  ] as const)('refuses a run without %s, and one whose %s is of another content', async (kind, code) => {
    expect(codes({ attestations: without(kind) })).toEqual([code]);
    const stray = await signed(kind, signer, { digest: OTHER.digest });
    const attestations = [...without(kind), stray];
    expect(codes({ attestations })).toEqual(['ATTESTATION_FOR_OTHER_DIGEST', code]);
    expect(codes({ attestations, artifacts: [ARTIFACT, OTHER] })).toEqual(['PAPERS_SPREAD']);
  });

  it('refuses a run that did not succeed, or made nothing', () => {
    expect(codes({ hasSucceeded: false })).toEqual(['RUN_NOT_SUCCEEDED']);
    expect(codes({ artifacts: [], attestations: [] })).toEqual(['NO_ARTIFACT']);
  });

  it('refuses what was changed after it was attested: another content has no papers', () => {
    const changed = { ...ARTIFACT, digest: digestBytes('the artifact, rebuilt') };
    expect(codes({ artifacts: [changed] })).toContain('ATTESTATION_FOR_OTHER_DIGEST');
    expect(codes({ artifacts: [changed] })).toContain('SBOM_MISSING');
  });

  it.each([
    ['by another key', async () => signed('sbom', await sampleSigner())],
    ['as another type', async () => ({ ...(await signed('vex', signer)), predicateType: PREDICATE_TYPES.sbom })],
    ['of an unknown type', async () => ({ ...(await signed('vex', signer)), predicateType: 'https://example.org/x' })],
    ['as no bundle', async () => ({ bundle: '{}', predicateType: PREDICATE_TYPES.sbom })],
    ['as no JSON', async () => ({ bundle: 'sbom', predicateType: PREDICATE_TYPES.sbom })],
    [
      'by another builder',
      () => signed('provenance', signer, { predicate: builtBy('https://example.org/builders/app2') }),
    ],
    [
      'in another run',
      () => signed('provenance', signer, { predicate: provenancePredicate({ ...BUILD, runId: 'other' }) }),
    ],
  ])('refuses a statement %s, even where others would do', async (_what, make) => {
    const attestations = [...question.attestations, await make()];
    expect(codes({ attestations })).toEqual(['ATTESTATION_INVALID']);
  });

  it('does not weigh what a gate said before', async () => {
    const attestations = [...question.attestations, await signed('gate-result', await sampleSigner())];
    expect(codes({ attestations })).toEqual([]);
  });

  it('reads every subject of a statement', async () => {
    const about = async (...contents: readonly (typeof ARTIFACT)[]) => {
      const { payload } = buildStatement('signature', contents, {});
      return [
        ...question.attestations,
        { bundle: await signPayload(payload, signer), predicateType: PREDICATE_TYPES.signature },
      ];
    };
    expect(codes({ attestations: await about(ARTIFACT, OTHER) })).toEqual(['ATTESTATION_FOR_OTHER_DIGEST']);
    expect(codes({ attestations: await about(ARTIFACT, OTHER), artifacts: [ARTIFACT, OTHER] })).toEqual([]);
  });
});

describe('what the gate states', () => {
  const run: GatedRun = {
    recordDigest: digestBytes('run.json'),
    resourceUri: 'git+https://example.org/acme/app',
    packDigests: [digestBytes('pack')],
    finishedOn: FINISHED_ON,
    issuer: ISSUER,
  };
  const stated = (verdict: GateVerdict, change: Partial<GatedRun> = {}) => {
    const { result, summary } = gateStatements(verdict, { ...run, ...change });
    return [result, summary].map(({ payload }) => JSON.parse(payload) as Record<string, JsonObject>);
  };

  it('is about what may be released, with what holds of it', async () => {
    const question = await gateQuestion(await sampleSigner(), { artifacts: [OTHER, ARTIFACT] });
    const [result, summary] = stated(judgeRelease(question));
    for (const statement of [result, summary]) expect(statement?.['subject']).toMatchObject([{ name: ARTIFACT.name }]);
    expect(result?.['predicate']).toMatchObject({
      verifier: { id: 'https://example.org/builders/app/release-gate/v1' },
      timeCreated: FINISHED_ON,
      properties: ['MAESTRO_RELEASE_GATE', 'MAESTRO_SBOM', 'MAESTRO_PROVENANCE', 'MAESTRO_RISK_ASSESSMENT'],
    });
    expect(summary?.['predicate']).toMatchObject({
      verificationResult: 'PASSED',
      verifiedLevels: ['SLSA_BUILD_LEVEL_2'],
      inputAttestations: { length: 3 },
    });
  });

  it('claims level 1 where steps could reach the key', async () => {
    const question = await gateQuestion(await sampleSigner());
    const [, summary] = stated(judgeRelease(question), { issuer: { ...ISSUER, keyReachableBySteps: true } });
    expect(summary?.['predicate']).toMatchObject({ verifiedLevels: ['SLSA_BUILD_LEVEL_1'] });
  });

  it('says of what does not pass only what holds, and no level', async () => {
    const question = await gateQuestion(await sampleSigner());
    const [result, summary] = stated(judgeRelease({ ...question, attestations: question.attestations.slice(0, 2) }));
    expect(result?.['predicate']).toMatchObject({ properties: ['MAESTRO_SBOM', 'MAESTRO_PROVENANCE'] });
    expect(summary?.['predicate']).toMatchObject({ verificationResult: 'FAILED', verifiedLevels: [] });
    const [nothing] = stated(judgeRelease({ ...question, attestations: [] }));
    expect(nothing).toMatchObject({ subject: [{ name: 'run.json' }], predicate: { properties: [] } });
  });
});

describe('the manifest of a release', () => {
  it('derives the papers of each artifact, and has the same bytes every time', async () => {
    const run: RunRecordLink = {
      id: RUN_ID,
      attempt: 1,
      pipeline: 'release',
      purpose: 'release',
      source: { uri: 'git+https://example.org/acme/app', gitCommit: 'a'.repeat(40) },
      status: 'succeeded',
      finishedOn: FINISHED_ON,
      receiptSha256: 'b'.repeat(64),
      decisions: ['1'],
      approvals: [],
      relations: [],
      entities: [{ type: 'pull-request', uri: 'https://example.org/acme/app/pull/7' }],
    };
    const verdict = judgeRelease(await gateQuestion(await sampleSigner(), { artifacts: [ARTIFACT, OTHER] }));
    const manifest = releaseManifest(run, verdict, null);
    expect(manifest.artifacts.map(({ name, isReleasable }) => [name, isReleasable])).toEqual([
      [ARTIFACT.name, true],
      [OTHER.name, false],
    ]);
    expect(manifest.disclosurePack).toMatchObject({ attestations: { length: 3 }, digest: null });
    expect(manifestText(manifest)).toEqual(manifestText(releaseManifest({ ...run }, verdict, null)));
  });
});

function codesOf(verdict: GateVerdict): readonly string[] {
  expect(verdict.isPassed).toBe(verdict.reasons.length === 0);
  return verdict.reasons.map(({ code }) => code);
}

function builtBy(builderId: string): JsonObject {
  return provenancePredicate({ ...BUILD, issuer: { ...ISSUER, builderId } });
}
