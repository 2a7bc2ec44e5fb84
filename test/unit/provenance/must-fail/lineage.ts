import type { RunFacts } from '../../../../src/provenance/facts.ts';
import { buildReceipt } from '../../../../src/provenance/receipt.ts';
import { verifyReceipt } from '../../../../src/provenance/verify.ts';
import { type LinkedReceipt, verifyLineage } from '../../../../src/provenance/verify-lineage.ts';
import { type Draft, thaw } from '../draft.ts';
import { promotionRun } from '../sample-promotion.ts';
import { bundleOf, sampleArtifact, sampleRun, sampleSubject } from '../sample-run.ts';
import { at } from './at.ts';
import { type Item, refusalOf } from './item.ts';
import { ground } from './receipts.ts';

export type Facts = Draft<RunFacts>;
type Relation = Facts['relations'][number];

/** Without a gate, so that nobody's approval names the run. */
const STEPS = 9;
/** What only the staging run has made. */
const STAGED = sampleArtifact(77);

/** Receipts that are verified one by one, and then held against each other. The order is that of the list. */
export function lineageItem(
  name: string,
  code: string,
  family: (isTampered: boolean) => Promise<readonly LinkedReceipt[]>,
): Item {
  return { name, code, answer: async (isTampered) => refusalOf(async () => verifyLineage(await family(isTampered))) };
}

/** A receipt of such facts, signed and verified. */
export async function receiptOf(facts: Facts): Promise<LinkedReceipt> {
  const { signer } = await ground();
  const bundle = await bundleOf(buildReceipt(facts).payload, signer);
  return verifyReceipt({ bundle, key: signer.publicKeyPem });
}

export function runOf(id: string, relations: Relation[] = []): Facts {
  const facts = thaw(sampleRun(STEPS));
  facts.run.id = id;
  facts.relations = relations;
  return facts;
}

export function relation(type: Relation['type'], runId: string, payloadSha256: string | null = null): Relation {
  return { type, runId, payloadSha256, logIndex: null };
}

/** The second attempt at a run of that receipt, of which it keeps the first step. */
export function retryOf(first: LinkedReceipt): Facts {
  const { id } = first.statement.predicate.run;
  const facts = runOf('second', [relation('retryOf', id, first.payloadSha256)]);
  facts.run.attempt = 2;
  Object.assign(at(facts.steps, 0), { carriedFrom: id, attempts: 0 });
  return facts;
}

/** A run that promotes what the run of that receipt has made. */
export function promotionOf(staging: LinkedReceipt): Facts {
  const facts = thaw(promotionRun());
  facts.relations = [relation('promotes', staging.statement.predicate.run.id, staging.payloadSha256)];
  at(facts.promotions, 0).artifacts = [STAGED.digest];
  const gate = promotionRun().steps.find(({ id }) => id === 'to-prod');
  for (const one of facts.approvals)
    if (gate && one.gate === gate.id) one.subjectDigest = sampleSubject(gate, [STAGED.digest]);
  return facts;
}

export function stagingRun(isTampered: boolean): Facts {
  const facts = runOf('staging');
  if (!isTampered) at(facts.steps, 3).outputs = [thaw(STAGED)];
  return facts;
}
