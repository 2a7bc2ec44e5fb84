import { isFreezeGate, isPromoteGate } from './gate-kinds.ts';
import type { PlanStep } from './plan.ts';
import { hasExpression } from './template.ts';

/** Artifacts that one gate may promote: each stands in the receipt. */
export const PROMOTED_ARTIFACTS_MAX = 1000;

/** One step without its id, needs, code, runner class and environment, and without artifacts and reasons. Measured. */
const STEP_BYTES = 743;
/** One decision of policy about a step, without the words of its reasons, and obliging to nothing. Measured. */
export const DECISION_BYTES = 582;
/** The same about something else. */
export const OTHER_DECISION_BYTES = DECISION_BYTES + 'promotion'.length - 'step'.length;
/** One release of secrets without their names and the step's id. Measured. */
const SECRET_BYTES = 80;
/** One promotion without its artifacts, environment and the gate's id. Measured. */
const PROMOTION_BYTES = 192;
/** What one decision obliges a gate to: how many people, and who may not be among them; how long it waits. */
const DUTIES_BYTES = 512;
/** The name of an environment that is known when the run is there: 100 characters, however they are written. */
const ENVIRONMENT_BYTES_MAX = 602;
const DIGEST_BYTES = 73;
const NULL_BYTES = 4;
const COMPENSATE_BYTES = ':compensate'.length;

type CountedStep = Pick<
  PlanStep,
  'id' | 'kind' | 'code' | 'runner' | 'environment' | 'secrets' | 'with' | 'compensate'
>;

/**
 * What a step takes of its run's receipt, whatever becomes of it and of what undoes it: all but `needs`, the artifacts and
 * the words. Counted, because thousands of whole ones would have to be made to be measured.
 */
export function stepBytes(step: CountedStep): number {
  const id = idBytes(step.id);
  const placed = textBytes(step.runner) + environmentBytes(step);
  const shared = STEP_BYTES + DECISION_BYTES + placed + 2 * id + secretBytes(step, id);
  const own = shared + codeBytes(step.code) + gateBytes(step, id);
  if (!step.compensate) return own;
  const longer = step.secrets.length > 0 ? 2 * COMPENSATE_BYTES : COMPENSATE_BYTES;
  return own + shared + codeBytes(step.compensate.code) + longer;
}

/** What an id takes in a list of ids. */
export function idBytes(id: string): number {
  return textBytes(id) + 1;
}

/** One release, the last, and the decision that let it happen. */
function secretBytes({ secrets }: CountedStep, id: number): number {
  if (secrets.length === 0) return 0;
  const names = secrets.reduce((sum, name) => sum + idBytes(name), 0);
  return SECRET_BYTES + OTHER_DECISION_BYTES + names + id;
}

/** What a gate is obliged to. What it promotes, and the decision that let it pass; of `gate.freeze`, that decision. */
function gateBytes(step: CountedStep, id: number): number {
  if (step.kind !== 'gate') return 0;
  const isPromote = isPromoteGate(step);
  if (!isPromote && !isFreezeGate(step)) return DUTIES_BYTES;
  const passage = OTHER_DECISION_BYTES + 2 * DUTIES_BYTES;
  const artifacts = PROMOTED_ARTIFACTS_MAX * (DIGEST_BYTES + 1);
  return isPromote ? passage + PROMOTION_BYTES + artifacts + environmentBytes(step) + id : passage;
}

function environmentBytes({ kind, environment, with: input }: CountedStep): number {
  const named = environment ?? (kind === 'gate' ? input['environment'] : undefined);
  if (typeof named !== 'string') return NULL_BYTES;
  return hasExpression(named) ? ENVIRONMENT_BYTES_MAX : textBytes(named);
}

function codeBytes({ uri, digest }: PlanStep['code']): number {
  return textBytes(uri) + (digest === undefined ? NULL_BYTES : DIGEST_BYTES);
}

function textBytes(text: string): number {
  return Buffer.byteLength(JSON.stringify(text));
}
