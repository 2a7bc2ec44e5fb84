import { beforeAll, describe, expect, it } from 'vitest';
import { digestBytes } from '../../../../src/base/digest.ts';
import type { JsonObject } from '../../../../src/base/json.ts';
import { BUILD_TYPE, provenancePredicate } from '../../../../src/provenance/attestations/build-provenance.ts';
import { PREDICATE_TYPES, type StatementKind } from '../../../../src/provenance/attestations/predicate-types.ts';
import { PREDICATE_BYTES_MAX, readPredicate } from '../../../../src/provenance/attestations/read-predicate.ts';
import { buildStatement } from '../../../../src/provenance/attestations/statement.ts';
import {
  type AttestationRequest,
  verifyAttestation,
} from '../../../../src/provenance/attestations/verify-attestation.ts';
import type { Signer } from '../../../../src/provenance/signer.ts';
import { codeOf } from '../refusal.ts';
import { bundleOf, sampleSigner } from '../sample-run.ts';
import { ARTIFACT, BUILD, ISSUER, KINDS, PREDICATES, RUN_ID, signed } from './samples.ts';

describe('a statement about a content', () => {
  let signer: Signer;
  beforeAll(async () => {
    signer = await sampleSigner();
  });
  const request = async (
    kind: StatementKind,
    change: Partial<AttestationRequest> = {},
  ): Promise<AttestationRequest> => ({
    bundle: Buffer.from((await signed(kind, signer)).bundle),
    key: signer.publicKeyPem,
    predicateType: PREDICATE_TYPES[kind],
    subjectDigest: ARTIFACT.digest,
    ...change,
  });
  const answer = async (kind: StatementKind, change: Partial<AttestationRequest> = {}): Promise<string | undefined> => {
    const given = await request(kind, change);
    return codeOf(() => verifyAttestation(given));
  };

  it.each(KINDS)('is verified with its predicate: %s', async (kind) => {
    const { statement, payloadSha256 } = verifyAttestation(await request(kind));
    expect(statement.predicate).toEqual(PREDICATES[kind]);
    expect(payloadSha256).toBe(buildStatement(kind, [ARTIFACT], PREDICATES[kind]).payloadSha256);
  });

  it.each(KINDS)('is refused for another content, type or key: %s', async (kind) => {
    expect(await answer(kind, { subjectDigest: digestBytes('another') })).toBe('SUBJECT_MISMATCH');
    const other = kind === 'sbom' ? 'vex' : 'sbom';
    expect(await answer(kind, { predicateType: PREDICATE_TYPES[other] })).toBe('PREDICATE_TYPE_WRONG');
    expect(await answer(kind, { predicateType: 'https://example.org/unknown' })).toBe('PREDICATE_TYPE_WRONG');
    expect(await answer(kind, { key: (await sampleSigner()).publicKeyPem })).toBe('KEY_UNKNOWN');
    const revoked = [{ publicKeyPem: signer.publicKeyPem, isRevoked: true }];
    expect(await answer(kind, { key: revoked })).toBe('KEY_REVOKED');
  });

  it.each([
    ['provenance', { ...PREDICATES.provenance, buildDefinition: {} }],
    ['signature', { anything: true }],
    ['sbom', { bomFormat: 'SPDX', specVersion: '1.6' }],
    ['sbom', { bomFormat: 'CycloneDX', specVersion: '2' }],
    ['vulnerabilities', { ...PREDICATES.vulnerabilities, scanner: { uri: 'x', result: [{ id: 'A' }] } }],
    ['vulnerabilities', { ...PREDICATES.vulnerabilities, metadata: {} }],
    ['vex', { ...PREDICATES.vex, statements: [{ vulnerability: 'CVE-1', status: 'fine' }] }],
    ['vex', { ...PREDICATES.vex, '@context': 'https://example.org' }],
    ['test-result', { result: 'MAYBE', configuration: [] }],
    ['gate-result', { ...PREDICATES['gate-result'], properties: [1] }],
    ['verification-summary', { ...PREDICATES['verification-summary'], verificationResult: 'YES' }],
  ] as readonly (readonly [StatementKind, JsonObject])[])('is refused where a %s is none', async (kind, predicate) => {
    const { bundle } = await signed(kind, signer, { predicate });
    expect(await answer(kind, { bundle: Buffer.from(bundle) })).toBe('PREDICATE_INVALID');
  });

  it.each([
    [{ ...statementOf(), extra: 1 }, 'STATEMENT_MALFORMED'],
    [{ ...statementOf(), predicate: [] }, 'PREDICATE_INVALID'],
    [{ ...statementOf(), subject: [] }, 'SUBJECT_INVALID'],
    [{ ...statementOf(), subject: [{ name: 'a', digest: { gitCommit: 'a'.repeat(40) } }] }, 'SUBJECT_INVALID'],
    [{ ...statementOf(), subject: [...subjects(), ...subjects()] }, 'SUBJECT_DUPLICATE'],
  ])('is refused where the statement is another thing: %j', async (statement, code) => {
    const bundle = await bundleOf(JSON.stringify(sorted(statement)), signer);
    expect(await answer('sbom', { bundle })).toBe(code);
  });

  it('is refused where its bytes are not canonical, changed, or signed twice', async () => {
    const loose = await bundleOf(JSON.stringify(statementOf(), null, 1), signer);
    expect(await answer('sbom', { bundle: loose })).toBe('JSON_NOT_CANONICAL');
    const { bundle } = await signed('sbom', signer);
    const envelope = JSON.parse(bundle) as { dsseEnvelope: { payload: string; signatures: { sig: string }[] } };
    const flipped = structuredClone(envelope);
    flipped.dsseEnvelope.payload = Buffer.from(
      Buffer.from(envelope.dsseEnvelope.payload, 'base64').toString().replace('left-pad', 'left-pae'),
    ).toString('base64');
    expect(await answer('sbom', { bundle: Buffer.from(JSON.stringify(flipped)) })).toBe('SIGNATURE_INVALID');
    envelope.dsseEnvelope.signatures.push(...envelope.dsseEnvelope.signatures);
    expect(await answer('sbom', { bundle: Buffer.from(JSON.stringify(envelope)) })).toBe('SIGNATURE_COUNT');
  });

  it('is held to builder and run, where it names them', async () => {
    expect(await answer('provenance', { builderId: ISSUER.builderId, runIds: ['other', RUN_ID] })).toBeUndefined();
    expect(await answer('provenance', { builderId: `${ISSUER.builderId}-evil` })).toBe('BUILDER_MISMATCH');
    expect(await answer('provenance', { runIds: ['another'] })).toBe('RUN_MISMATCH');
    expect(await answer('sbom', { runIds: ['other', RUN_ID] })).toBe('RUN_MISMATCH');
  });

  it('is held to the period of its key, by the time that the issuer states and by no time of a step', async () => {
    const until = (notAfter: string) => [{ publicKeyPem: signer.publicKeyPem, notAfter }];
    expect(await answer('provenance', { key: until('2026-11-21T00:00:00Z') })).toBeUndefined();
    expect(await answer('provenance', { key: until('2026-11-20T12:00:00Z') })).toBe('KEY_OUT_OF_DATE');
    expect(await answer('vulnerabilities', { key: until('2026-11-21T00:00:00Z') })).toBe('KEY_OUT_OF_DATE');
    const at = '2026-11-20T12:00:00Z';
    expect(await answer('vulnerabilities', { key: until('2026-11-21T00:00:00Z'), at })).toBeUndefined();
  });
});

describe('provenance', () => {
  it('names pipeline, inputs, source, code, builder and run, and claims nothing that is unknown', () => {
    expect(provenancePredicate(BUILD)).toMatchObject({
      buildDefinition: {
        buildType: BUILD_TYPE,
        externalParameters: { pipeline: { path: '.maestro/release.yaml' }, inputs: { version: '1.0.0' } },
        resolvedDependencies: [
          { uri: 'git+https://example.org/acme/app@refs/heads/main', digest: { gitCommit: 'a'.repeat(40) } },
          { uri: 'maestro:step/shell' },
        ],
      },
      runDetails: { builder: { id: ISSUER.builderId }, metadata: { invocationId: RUN_ID } },
    });
    const unknown = {
      ...BUILD,
      startedOn: null,
      finishedOn: null,
      source: { uri: 'file:///x', ref: null, gitCommit: null },
    };
    const { buildDefinition, runDetails } = provenancePredicate(unknown) as Record<string, JsonObject>;
    expect(buildDefinition?.['resolvedDependencies']).toMatchObject([{ uri: 'file:///x' }, {}]);
    expect(runDetails?.['metadata']).toEqual({ invocationId: RUN_ID });
  });
});

describe('a document that a step wrote', () => {
  const reading = (text: string) => () => readPredicate('sbom', Buffer.from(text));
  const refusal = expect.objectContaining({ code: 'INPUT_INVALID' }) as Error;

  it.each([
    ['twice the same key', '{"bomFormat":"CycloneDX","bomFormat":"CycloneDX","specVersion":"1.6"}'],
    ['a number that doubles cannot hold', '{"bomFormat":"CycloneDX","specVersion":"1.6","n":9007199254740993}'],
    ['a number that doubles cannot hold in words', '{"bomFormat":"CycloneDX","specVersion":"1.6","n":1e400}'],
    ['__proto__', '{"bomFormat":"CycloneDX","specVersion":"1.6","__proto__":{}}'],
    ['a lone surrogate', '{"bomFormat":"CycloneDX","specVersion":"1.6","n":"\\ud800"}'],
    ['NUL', '{"bomFormat":"CycloneDX","specVersion":"1.6","n":"\\u0000"}'],
    ['a byte order mark', '\ufeff{"bomFormat":"CycloneDX","specVersion":"1.6"}'],
    ['a depth of 20,000', `${'['.repeat(20_000)}${']'.repeat(20_000)}`],
    ['a list', '[]'],
    ['no JSON', 'bom'],
    ['another format', '{"spdxVersion":"SPDX-2.3"}'],
  ])('is no predicate with %s', (_what, text) => {
    expect(reading(text)).toThrow(refusal);
  });

  it('is no predicate beyond 16 MB', () => {
    expect(reading(`{"a":"${'a'.repeat(PREDICATE_BYTES_MAX)}"}`)).toThrow(refusal);
  });

  it('keeps its meaning whatever its spaces and the order of its keys', () => {
    const text = '{ "specVersion" : "1.6", "bomFormat" : "CycloneDX", "n": 1.50 }';
    const predicate = readPredicate('sbom', Buffer.from(text));
    const { payload } = buildStatement('sbom', [ARTIFACT], predicate);
    expect(payload).toContain('"predicate":{"bomFormat":"CycloneDX","n":1.5,"specVersion":"1.6"}');
  });
});

describe('subjects', () => {
  const build = (...names: readonly (readonly [string, string])[]) =>
    buildStatement(
      'signature',
      names.map(([name, text]) => ({ name, digest: digestBytes(text) })),
      {},
    );

  it('have printable names, each once', () => {
    expect(build(['a b\u202e', 'x']).payload).toContain('"name":"a%20b%E2%80%AE"');
    expect(build(['a', 'x'], ['a', 'x']).payload.match(/"name"/g)).toHaveLength(1);
    for (const names of [
      [],
      [
        ['a', 'x'],
        ['a', 'y'],
      ],
      [['', 'x']],
    ] as const)
      expect(() => build(...names)).toThrow(expect.objectContaining({ code: 'INPUT_INVALID' }));
    const many = Array.from({ length: 1025 }, (_, i) => [`${i}`, 'x'] as const);
    expect(() => build(...many)).toThrow(expect.objectContaining({ code: 'INPUT_INVALID' }));
  });
});

function subjects(): readonly JsonObject[] {
  return [{ name: ARTIFACT.name, digest: { sha256: ARTIFACT.digest.slice(7) } }];
}

function statementOf(): JsonObject {
  return {
    _type: 'https://in-toto.io/Statement/v1',
    subject: subjects(),
    predicateType: PREDICATE_TYPES.sbom,
    predicate: PREDICATES.sbom,
  };
}

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, one]) => [key, sorted(one)]),
  );
}
