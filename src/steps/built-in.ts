import type { StepDefinition } from './define.ts';
import { shellStep } from './shell/shell.ts';

const DEFINITIONS: readonly StepDefinition[] = [shellStep];

/** The steps that Maestro brings along, by the name that `uses` gives. */
export const BUILT_IN_STEPS: ReadonlyMap<string, StepDefinition> = new Map(
  DEFINITIONS.map((step) => [step.name, step]),
);
