import { digestBytes } from '../../../../src/base/digest.ts';
import type { JsonObject } from '../../../../src/base/json.ts';
import { gateStatements } from '../../../../src/provenance/attestations/gate-statements.ts';
import { PREDICATE_TYPES, type StatementKind } from '../../../../src/provenance/attestations/predicate-types.ts';
import { verifyAttestation } from '../../../../src/provenance/attestations/verify-attestation.ts';
import { signPayload } from '../../../../src/provenance/envelope.ts';
import { type GateQuestion, judgeRelease } from '../../../../src/provenance/release-gate.ts';
import type { Signer } from '../../../../src/provenance/signer.ts';
import { ARTIFACT, FINISHED_ON, gateQuestion, ISSUER, signed } from '../attestations/samples.ts';
import { type Group, type Item, refusalOf } from './item.ts';
import { ground } from './receipts.ts';

const OTHER = { name: 'other.tgz', digest: digestBytes('other') };

/** A run of one artifact with all its papers, of which the gate is asked; its first reason. */
function gateItem(
  name: string,
  code: string,
  change: (question: GateQuestion, signer: Signer) => Promise<Partial<GateQuestion>>,
): Item {
  const answer = async (isTampered: boolean): Promise<string | undefined> => {
    const { signer } = await ground();
    const question = await gateQuestion(signer);
    const asked = isTampered ? { ...question, ...(await change(question, signer)) } : question;
    return judgeRelease(asked).reasons[0]?.code;
  };
  return { name, code, answer };
}

function missing(name: string, code: string, kind: StatementKind): Item {
  return gateItem(name, code, async ({ attestations }) => ({ attestations: without(kind, attestations) }));
}

function elsewhere(name: string, kind: StatementKind): Item {
  return gateItem(name, 'ATTESTATION_FOR_OTHER_DIGEST', async ({ attestations }, signer) => ({
    attestations: [...without(kind, attestations), await signed(kind, signer, { digest: OTHER.digest })],
  }));
}

function without(kind: StatementKind, attestations: GateQuestion['attestations']): GateQuestion['attestations'] {
  return attestations.filter(({ predicateType }) => predicateType !== PREDICATE_TYPES[kind]);
}

/** An SBOM by the right key. */
function predicateItem(name: string, predicate: JsonObject): Item {
  const answer = async (isTampered: boolean): Promise<string | undefined> => {
    const { signer } = await ground();
    const { bundle, predicateType } = await signed('sbom', signer, isTampered ? { predicate } : {});
    const request = { bundle: Buffer.from(bundle), key: signer.publicKeyPem, predicateType };
    return refusalOf(() => verifyAttestation({ ...request, subjectDigest: ARTIFACT.digest }));
  };
  return { name, code: 'PREDICATE_INVALID', answer };
}

/** A file, and what the gate has signed of it. */
function assetItem(name: string, code: string, kind: 'result' | 'summary', content: string): Item {
  const answer = async (isTampered: boolean): Promise<string | undefined> => {
    const { signer } = await ground();
    const verdict = judgeRelease(await gateQuestion(signer));
    const run = {
      recordDigest: digestBytes('run'),
      resourceUri: 'git+https://example.org/acme/app',
      packDigests: [],
      finishedOn: FINISHED_ON,
      issuer: ISSUER,
    };
    const statement = gateStatements(verdict, run)[kind];
    const predicateType = PREDICATE_TYPES[kind === 'result' ? 'gate-result' : 'verification-summary'];
    const subjectDigest = isTampered ? digestBytes(content) : ARTIFACT.digest;
    const bundle = Buffer.from(await signPayload(statement.payload, signer));
    return refusalOf(() => verifyAttestation({ bundle, key: signer.publicKeyPem, predicateType, subjectDigest }));
  };
  return { name, code, answer };
}

export const GATE: Group = {
  title: 'The release gate',
  items: [
    missing('no SBOM', 'SBOM_MISSING', 'sbom'),
    missing('no provenance', 'PROVENANCE_MISSING', 'provenance'),
    missing('no assessment of the risk', 'RISK_MISSING', 'vulnerabilities'),
    elsewhere('an SBOM of another digest', 'sbom'),
    elsewhere('provenance of another digest', 'provenance'),
    elsewhere('an assessment of another digest', 'vulnerabilities'),
    gateItem('papers that are about different artifacts', 'PAPERS_SPREAD', async ({ attestations }, signer) => ({
      artifacts: [ARTIFACT, OTHER],
      attestations: [...without('sbom', attestations), await signed('sbom', signer, { digest: OTHER.digest })],
    })),
    gateItem(
      'a statement by a stranger, beside those that would do',
      'ATTESTATION_INVALID',
      async ({ attestations }) => ({
        attestations: [...attestations, await signed('sbom', (await ground()).stranger)],
      }),
    ),
    predicateItem('an SBOM that is none', { spdxVersion: 'SPDX-2.3' }),
    gateItem('a run that left nothing', 'NO_ARTIFACT', async () => ({ artifacts: [], attestations: [] })),
    gateItem('a run that did not succeed', 'RUN_NOT_SUCCEEDED', async () => ({ hasSucceeded: false })),
    gateItem('an artifact built anew after its papers', 'ATTESTATION_FOR_OTHER_DIGEST', async () => ({
      artifacts: [{ ...ARTIFACT, digest: digestBytes('the artifact, rebuilt') }],
    })),
    assetItem(
      'an asset that was changed after the gate, by its result',
      'SUBJECT_MISMATCH',
      'result',
      'the asset, replaced',
    ),
    assetItem(
      'an asset that was changed after the gate, by the summary',
      'SUBJECT_MISMATCH',
      'summary',
      'the asset, replaced',
    ),
  ],
};
