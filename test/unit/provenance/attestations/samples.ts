import { type Digest, digestBytes } from '../../../../src/base/digest.ts';
import type { JsonObject } from '../../../../src/base/json.ts';
import { type BuildFacts, provenancePredicate } from '../../../../src/provenance/attestations/build-provenance.ts';
import { PREDICATE_TYPES, type StatementKind } from '../../../../src/provenance/attestations/predicate-types.ts';
import { buildStatement } from '../../../../src/provenance/attestations/statement.ts';
import { signPayload } from '../../../../src/provenance/envelope.ts';
import type { GateQuestion, KeptAttestation } from '../../../../src/provenance/release-gate.ts';
import type { Signer } from '../../../../src/provenance/signer.ts';

export const RUN_ID = '01jd4z8f3k5q7r9t0v2w4x6y8z';
export const ISSUER = { builderId: 'https://example.org/builders/app', version: '0.1.0', keyReachableBySteps: false };
export const CONTENT = 'the artifact';
export const ARTIFACT = { name: 'app-1.tgz', digest: digestBytes(CONTENT) };
export const FINISHED_ON = '2026-11-20T12:10:00.000Z';

export const BUILD: BuildFacts = {
  runId: RUN_ID,
  attempt: 1,
  pipeline: {
    name: 'release',
    uri: 'git+https://example.org/acme/app',
    path: '.maestro/release.yaml',
    digest: digestBytes('yaml'),
  },
  params: { version: '1.0.0' },
  triggerType: 'manual',
  source: { uri: 'git+https://example.org/acme/app', ref: 'refs/heads/main', gitCommit: 'a'.repeat(40) },
  planDigest: digestBytes('plan'),
  steps: [
    { id: 'build', code: { uri: 'maestro:step/shell', digest: digestBytes('code') }, logDigest: digestBytes('log') },
    { id: 'sign', code: { uri: 'maestro:step/supplychain.sign', digest: null }, logDigest: null },
  ],
  startedOn: '2026-11-20T12:00:00.000Z',
  finishedOn: FINISHED_ON,
  issuer: ISSUER,
};

/** A predicate of each kind that the real tools write, as short as it may be. */
export const PREDICATES: Readonly<Record<StatementKind, JsonObject>> = {
  provenance: provenancePredicate(BUILD),
  signature: {},
  sbom: {
    bomFormat: 'CycloneDX',
    specVersion: '1.6',
    version: 1,
    components: [{ type: 'library', name: 'left-pad', version: '1.3.0', purl: 'pkg:npm/left-pad@1.3.0' }],
  },
  vulnerabilities: {
    scanner: {
      uri: 'pkg:golang/github.com/google/osv-scanner@2.0.0',
      version: '2.0.0',
      result: [{ id: 'GHSA-fxph-q3j8-mv87', severity: [{ method: 'nvd', score: 'medium' }] }],
    },
    metadata: { scanStartedOn: '2026-11-20T12:01:00Z', scanFinishedOn: '2026-11-20T12:02:00Z' },
  },
  vex: {
    '@context': 'https://openvex.dev/ns/v0.2.0',
    '@id': 'https://example.org/vex/1',
    author: 'Ada',
    timestamp: '2026-11-20T12:02:00Z',
    version: 1,
    statements: [
      {
        vulnerability: { name: 'CVE-2026-1' },
        products: [{ '@id': 'pkg:generic/app@1' }],
        status: 'not_affected',
        justification: 'component_not_present',
      },
    ],
  },
  'test-result': { result: 'PASSED', configuration: [{ name: 'ci.yaml' }], passedTests: ['a'], failedTests: [] },
  'gate-result': {
    verifier: { id: 'https://example.org/gate', policies: [] },
    timeCreated: FINISHED_ON,
    properties: ['MAESTRO_RELEASE_GATE'],
  },
  'verification-summary': {
    verifier: { id: 'https://example.org/gate' },
    timeVerified: FINISHED_ON,
    resourceUri: 'git+https://example.org/acme/app',
    policy: { uri: 'https://example.org/policy' },
    verificationResult: 'PASSED',
    verifiedLevels: ['SLSA_BUILD_LEVEL_2'],
  },
};

export const KINDS = Object.keys(PREDICATES) as StatementKind[];

export async function signed(
  kind: StatementKind,
  signer: Signer,
  { digest = ARTIFACT.digest, predicate = PREDICATES[kind] }: { digest?: Digest; predicate?: JsonObject } = {},
): Promise<KeptAttestation> {
  const { payload } = buildStatement(kind, [{ name: ARTIFACT.name, digest }], predicate);
  return { bundle: await signPayload(payload, signer), predicateType: PREDICATE_TYPES[kind] };
}

/** A run whose one artifact has all papers. */
export async function gateQuestion(signer: Signer, change: Partial<GateQuestion> = {}): Promise<GateQuestion> {
  return {
    runIds: [RUN_ID],
    hasSucceeded: true,
    artifacts: [ARTIFACT],
    attestations: await Promise.all(
      (['sbom', 'provenance', 'vulnerabilities'] as const).map((kind) => signed(kind, signer)),
    ),
    keys: [{ publicKeyPem: signer.publicKeyPem }],
    finishedOn: FINISHED_ON,
    builderId: ISSUER.builderId,
    ...change,
  };
}
