import { canonicalJson } from '../../../../src/base/canonical-json.ts';
import { type Digest, digestBytes } from '../../../../src/base/digest.ts';
import type { JsonObject } from '../../../../src/base/json.ts';
import { draftDisclosure, sealDisclosure } from '../../../../src/provenance/disclosure/disclosure.ts';
import type { DisclosureFacts, PolicyRules } from '../../../../src/provenance/disclosure/disclosure-facts.ts';
import {
  type DisclosurePredicate,
  disclosurePayload,
  SUMS_NAME,
} from '../../../../src/provenance/disclosure/disclosure-statement.ts';
import { sumsOf } from '../../../../src/provenance/disclosure/pack-files.ts';
import { signatureOf, signPayload } from '../../../../src/provenance/envelope.ts';
import type { RunFacts } from '../../../../src/provenance/facts.ts';
import { buildReceipt } from '../../../../src/provenance/receipt.ts';
import type { Signer } from '../../../../src/provenance/signer.ts';
import { sampleRun } from '../sample-run.ts';

const RULES: PolicyRules = {
  revision: digestBytes('rules'),
  entrypoint: 'maestro/decision',
  wasm: Buffer.from('a module'),
  sources: new Map([['main.rego', 'package maestro\n']]),
};
const DATA: JsonObject = { tags: {} };
const PACK: Digest = digestBytes(Buffer.concat([RULES.wasm, Buffer.from(canonicalJson(DATA))]));

export const logOf = (seq: number): string => `log ${seq}`;

/** What is disclosed of the sample run: the log of each step is kept, and so is each question. */
export async function sampleFacts(
  signer: Signer,
  change: (run: RunFacts) => RunFacts = (run) => run,
): Promise<DisclosureFacts> {
  const run = sampleRun(12);
  const questions = run.policy.map(({ id }) => canonicalJson({ about: id }));
  const policy = run.policy.map((decision, i) => ({
    ...decision,
    bundle: { digest: PACK, revision: RULES.revision },
    input: { digest: digestBytes(questions[i] ?? '') },
  }));
  const { payload, runRecord } = buildReceipt(change({ ...run, policy }));
  return {
    packKey: signer.publicKeyPem,
    receipt: { bundle: await signPayload(payload, signer), runRecord, publicKey: signer.publicKeyPem },
    policy: {
      rules: RULES,
      data: new Map([[PACK, DATA]]),
      questions: new Map(questions.map((text) => [digestBytes(text), text])),
    },
    logs: run.steps
      .filter(({ kind }) => kind === 'work')
      .map(({ id, seq }) => ({ stepId: id, text: logOf(seq), bytesBefore: 0 })),
    attestations: [],
    register: null,
  };
}

export async function samplePack(signer: Signer, facts: DisclosureFacts): Promise<Uint8Array> {
  const draft = await draftDisclosure(facts);
  const signature = await signatureOf(draft.payload, signer);
  return sealDisclosure(draft, { signature, publicKey: signer.publicKeyPem });
}

/** A pack with other files in it, by somebody who has the key: the list of digests is true, and signed. */
export async function forgedPack(
  signer: Signer,
  facts: DisclosureFacts,
  change: (files: Map<string, Uint8Array>) => unknown,
  claim: Partial<DisclosurePredicate> = {},
): Promise<Uint8Array> {
  const draft = await draftDisclosure(facts);
  const files = new Map([...draft.files].filter(([path]) => path !== SUMS_NAME));
  change(files);
  const sums = sumsOf(files);
  const { predicate } = JSON.parse(draft.payload) as { readonly predicate: DisclosurePredicate };
  const payload = disclosurePayload(sums, { ...predicate, ...claim });
  files.set(SUMS_NAME, Buffer.from(sums));
  const signature = await signatureOf(payload, signer);
  return sealDisclosure({ ...draft, files, payload }, { signature, publicKey: signer.publicKeyPem });
}
