import { type RunFacts } from '../../../src/provenance/facts.ts';
import { buildReceipt } from '../../../src/provenance/receipt.ts';
import type { Signer } from '../../../src/provenance/signer.ts';
import { verifyReceipt } from '../../../src/provenance/verify.ts';
import { codeOf } from './refusal.ts';
import { bundleOf } from './sample-run.ts';

/** Facts, but everything can be changed. */
export type Draft<T> = { -readonly [K in keyof T]: T[K] extends string | number | boolean | null ? T[K] : Draft<T[K]> };

export function thaw<T>(value: T): Draft<T> {
  return structuredClone(value) as Draft<T>;
}

/** The answer to a receipt whose issuer holds the right key and derived everything from these facts. */
export function answerTo(facts: RunFacts, signer: Signer): Promise<string | undefined> {
  return answerToPayload(buildReceipt(facts).payload, signer);
}

/** The answer to any payload that is signed with the right key. */
export async function answerToPayload(payload: string, signer: Signer): Promise<string | undefined> {
  const bundle = await bundleOf(payload, signer);
  return codeOf(() => verifyReceipt({ bundle, key: signer.publicKeyPem }));
}
