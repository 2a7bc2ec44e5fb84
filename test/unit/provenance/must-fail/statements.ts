import { provenancePredicate } from '../../../../src/provenance/attestations/build-provenance.ts';
import { PREDICATE_TYPES } from '../../../../src/provenance/attestations/predicate-types.ts';
import {
  type AttestationRequest,
  verifyAttestation,
} from '../../../../src/provenance/attestations/verify-attestation.ts';
import { verifyDisclosure } from '../../../../src/provenance/disclosure/verify-disclosure.ts';
import { ARTIFACT, BUILD, ISSUER, RUN_ID, signed } from '../attestations/samples.ts';
import { samplePack } from '../disclosure/sample-disclosure.ts';
import { type Item, refusalOf } from './item.ts';
import { packGround } from './packs.ts';
import { ground } from './receipts.ts';

/** Genuine provenance of a content, of which something else is asked. */
export function statementAboutItem(name: string, code: string, change: Partial<AttestationRequest>): Item {
  const answer = async (isTampered: boolean): Promise<string | undefined> => {
    const { signer } = await ground();
    const request = {
      bundle: Buffer.from((await signed('provenance', signer)).bundle),
      key: signer.publicKeyPem,
      predicateType: PREDICATE_TYPES.provenance,
      subjectDigest: ARTIFACT.digest,
      builderId: ISSUER.builderId,
      runIds: [RUN_ID],
      ...(isTampered ? change : {}),
    };
    return refusalOf(() => verifyAttestation(request));
  };
  return { name, code, answer };
}

/** A pack with provenance by the right key, of that run. */
export function provenanceItem(name: string, code: string, runId: string): Item {
  const answer = async (isTampered: boolean): Promise<string | undefined> => {
    const { signer, facts } = await packGround();
    const predicate = provenancePredicate(isTampered ? { ...BUILD, runId } : BUILD);
    const kept = await signed('provenance', signer, { predicate });
    const attestations = [{ ...kept, subjects: [ARTIFACT], publicKey: signer.publicKeyPem }];
    const archive = await samplePack(signer, { ...facts, attestations });
    return refusalOf(() => verifyDisclosure({ archive, key: signer.publicKeyPem }));
  };
  return { name, code, answer };
}
