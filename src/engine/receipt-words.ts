import { isMaestroError } from '../base/errors.ts';
import type { RunFacts } from '../provenance/facts.ts';
import { buildReceipt, PAYLOAD_BYTES_MAX, type Receipt } from '../provenance/receipt.ts';
import { cutToBytes, jsonBytes } from './cut-text.ts';

/**
 * The receipt of a run that is over: every run gets one. Where it would be too large for what was said of the steps, the
 * longest texts are cut, all to the same length. Pure, so it can be made again at any time.
 * @throws FILE_TOO_LARGE where it would be too large without a word
 */
export function receiptOf(facts: RunFacts): Receipt {
  return wholeReceipt(facts) ?? cutReceipt(facts);
}

function wholeReceipt(facts: RunFacts): Receipt | undefined {
  if (textsOf(facts).reduce((sum, { length }) => sum + length, 0) > PAYLOAD_BYTES_MAX) return undefined;
  try {
    return buildReceipt(facts);
  } catch (error) {
    if (isMaestroError(error, 'FILE_TOO_LARGE')) return undefined;
    throw error;
  }
}

function cutReceipt(facts: RunFacts): Receipt {
  const silent = buildReceipt(withTexts(facts, () => ''));
  const room = PAYLOAD_BYTES_MAX - Buffer.byteLength(silent.payload);
  const bytesMax = longestThatFit(textsOf(facts).map(jsonBytes), room);
  return buildReceipt(withTexts(facts, (text) => cutToBytes(text, bytesMax)));
}

/** Bytes that each text may take, so that all of them fit. Each needs a comma as well. */
function longestThatFit(sizes: readonly number[], room: number): number {
  let [fits, tooMuch] = [0, room + 1];
  while (tooMuch - fits > 1) {
    const bytes = Math.floor((fits + tooMuch) / 2);
    const taken = sizes.reduce((sum, size) => sum + Math.min(size, bytes) + 1, 0);
    if (taken <= room) fits = bytes;
    else tooMuch = bytes;
  }
  return fits;
}

/** What a receipt says in words that a run can do without. */
function textsOf({ run, steps, policy, approvals }: RunFacts): readonly string[] {
  return [
    ...[run, ...steps, ...approvals].flatMap(({ reason }) => reason ?? []),
    ...policy.flatMap(({ reasons }) => reasons),
  ];
}

function withTexts(facts: RunFacts, change: (text: string) => string): RunFacts {
  const reasonOf = ({ reason }: { readonly reason: string | null }): string | null =>
    (reason === null ? '' : change(reason)) || null;
  return {
    ...facts,
    run: { ...facts.run, reason: reasonOf(facts.run) },
    steps: facts.steps.map((step) => ({ ...step, reason: reasonOf(step) })),
    policy: facts.policy.map((decision) => ({
      ...decision,
      reasons: decision.reasons.map(change).filter((reason) => reason !== ''),
    })),
    approvals: facts.approvals.map((approval) => ({ ...approval, reason: change(approval.reason) })),
  };
}
