import { MaestroError } from '../base/errors.ts';

/** What the worker puts into the environment of each program that it starts, and what those inherit. */
const MARKS = ['MAESTRO_ATTEMPT_TOKEN', 'MAESTRO_WORKER_TOKEN'];

/**
 * Refuses to act for a step: it would answer its own gate in the name of its user. A step that clears its environment is
 * not seen: only isolation from the user stops that.
 *
 * @throws MaestroError NOT_FROM_STEP
 */
export function refuseInsideStep(environment: (name: string) => string | undefined): void {
  if (isInsideStep(environment)) throw notFromStep();
}

export function isInsideStep(environment: (name: string) => string | undefined): boolean {
  return MARKS.some((name) => environment(name) !== undefined);
}

export function notFromStep(): MaestroError {
  return new MaestroError(
    'NOT_FROM_STEP',
    `expected a person, got a step of a run (${MARKS.join(' or ')} is set): a step starts no runs and answers, cancels and retries none`,
  );
}
