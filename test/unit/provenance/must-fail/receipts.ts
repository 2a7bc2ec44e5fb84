import { canonicalJson } from '../../../../src/base/canonical-json.ts';
import type { Json } from '../../../../src/base/json.ts';
import type { RunFacts } from '../../../../src/provenance/facts.ts';
import { buildReceipt, type Receipt } from '../../../../src/provenance/receipt.ts';
import type { Signer } from '../../../../src/provenance/signer.ts';
import { type VerifyRequest, verifyReceipt } from '../../../../src/provenance/verify.ts';
import { type Draft, thaw } from '../draft.ts';
import { promotionRun } from '../sample-promotion.ts';
import { bundleOf, sampleCall, sampleSigner } from '../sample-run.ts';
import { type Item, once, refusalOf } from './item.ts';

/** A receipt by a key, and a key that is another. */
export interface Ground {
  readonly signer: Signer;
  readonly stranger: Signer;
  readonly receipt: Receipt;
  readonly bundle: Uint8Array;
}

export const ground = once<Ground>(async () => {
  const [signer, stranger] = [await sampleSigner(), await sampleSigner()];
  const receipt = buildReceipt(genuineFacts());
  return { signer, stranger, receipt, bundle: await bundleOf(receipt.payload, signer) };
});

/** A run of fifteen steps that asked a model three times and promoted what it made, as two people approved. */
export function genuineFacts(): RunFacts {
  return { ...promotionRun(), llm: [sampleCall(0), sampleCall(1), sampleCall(2)], cost: { microUsd: '30' } };
}

/** A bundle, but everything can be changed. */
export interface LooseBundle {
  mediaType: string;
  verificationMaterial: Record<string, Json>;
  dsseEnvelope: { payload: string; payloadType: string; signatures: { sig: string }[] };
}

/** By somebody who cannot sign: the bundle as a document. */
export function bundleItem(name: string, code: string, change: (bundle: LooseBundle, ground: Ground) => unknown): Item {
  return bytesItem(name, code, (text, given) => {
    const copy = JSON.parse(text) as LooseBundle;
    change(copy, given);
    return canonicalJson(copy as unknown as Json);
  });
}

/** By somebody who cannot sign: the bundle as text. */
export function bytesItem(name: string, code: string, change: (text: string, ground: Ground) => string): Item {
  return requestItem(name, code, (given) => {
    const text = Buffer.from(given.bundle).toString();
    const changed = change(text, given);
    if (changed === text) throw new Error(`nothing was changed: ${name}`);
    return { bundle: Buffer.from(changed) };
  });
}

/** The bundle is genuine, and something else is asked of it. */
export function requestItem(
  name: string,
  code: string,
  change: (ground: Ground) => Partial<VerifyRequest> | Promise<Partial<VerifyRequest>>,
): Item {
  const answer = async (isTampered: boolean): Promise<string | undefined> => {
    const given = await ground();
    const { signer, receipt, bundle } = given;
    const genuine = { bundle, key: signer.publicKeyPem, runRecord: Buffer.from(receipt.runRecord) };
    return refusalOf(async () => verifyReceipt({ ...genuine, ...(isTampered ? await change(given) : {}) }));
  };
  return { name, code, answer };
}

/** By an issuer who has the right key: what was signed, as text. */
export function payloadItem(name: string, code: string, change: (payload: string) => string): Item {
  return signedItem(name, code, () => {
    const { payload } = buildReceipt(genuineFacts());
    const changed = change(payload);
    if (changed === payload) throw new Error(`nothing was changed: ${name}`);
    return { genuine: payload, changed };
  });
}

type LooseStatement = Draft<Receipt['statement']>;

/** By an issuer who has the right key: a part of the statement, of which nothing else was derived again. */
export function statementItem(name: string, code: string, change: (statement: LooseStatement) => unknown): Item {
  return payloadItem(name, code, (payload) => {
    const copy = JSON.parse(payload) as LooseStatement;
    change(copy);
    return canonicalJson(copy);
  });
}

/** By an issuer who has the right key, and derives everything from the lie. */
export function factsItem(
  name: string,
  code: string,
  lie: (facts: Draft<RunFacts>) => unknown,
  told: () => RunFacts = genuineFacts,
): Item {
  return signedItem(name, code, () => {
    const changed = thaw(told());
    lie(changed);
    return { genuine: buildReceipt(told()).payload, changed: buildReceipt(changed).payload };
  });
}

function signedItem(
  name: string,
  code: string,
  payloads: () => { readonly genuine: string; readonly changed: string },
): Item {
  const answer = async (isTampered: boolean): Promise<string | undefined> => {
    const { signer } = await ground();
    const { genuine, changed } = payloads();
    const bundle = await bundleOf(isTampered ? changed : genuine, signer);
    return refusalOf(() => verifyReceipt({ bundle, key: signer.publicKeyPem }));
  };
  return { name, code, answer };
}
