import type { PlanStep } from './plan.ts';

/** One step without its id, needs, code and runner class, and without artifacts and reasons. Measured. */
const STEP_BYTES = 728;
/** One decision of policy, without the words of its reasons. Measured. */
export const DECISION_BYTES = 582;
const DIGEST_BYTES = 73;
const NULL_BYTES = 4;
const COMPENSATE_BYTES = ':compensate'.length;

/**
 * What a step takes of its run's receipt, whatever becomes of it and of what undoes it: all but `needs`, the artifacts and
 * the words. Counted, because thousands of whole ones would have to be made to be measured.
 */
export function stepBytes(step: Pick<PlanStep, 'id' | 'code' | 'runner' | 'compensate'>): number {
  const id = idBytes(step.id);
  const shared = STEP_BYTES + DECISION_BYTES + textBytes(step.runner) + 2 * id;
  const own = shared + codeBytes(step.code);
  return step.compensate ? own + shared + codeBytes(step.compensate.code) + COMPENSATE_BYTES : own;
}

/** What an id takes in a list of ids. */
export function idBytes(id: string): number {
  return textBytes(id) + 1;
}

function codeBytes({ uri, digest }: PlanStep['code']): number {
  return textBytes(uri) + (digest === undefined ? NULL_BYTES : DIGEST_BYTES);
}

function textBytes(text: string): number {
  return Buffer.byteLength(JSON.stringify(text));
}
