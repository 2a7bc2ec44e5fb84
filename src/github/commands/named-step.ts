import { MaestroError } from '../../base/errors.ts';

/** Whether a person means this step: by its id, or the name that all combinations of a matrix share. */
export function isStep(id: string, name: string): boolean {
  return id === name || id.startsWith(`${name}[`) || id.startsWith(`${name}(`) || id.startsWith(`${name} (`);
}

export function noStep(step: string): MaestroError {
  return new MaestroError('STEP_NOT_FOUND', `no run of the newest commit has a step ${step}; see /maestro status`);
}
