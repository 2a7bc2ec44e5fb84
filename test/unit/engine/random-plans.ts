import * as fc from 'fast-check';
import type { PlanStep } from '../../../src/pipeline/plan.ts';
import { planStep } from '../../fakes/plans.ts';

const CONDITIONS = [undefined, 'always()', 'failure()', '!cancelled()', 'false', 'success() || failure()'] as const;
export type Condition = (typeof CONDITIONS)[number];

const UNDO: NonNullable<PlanStep['compensate']> = {
  uses: 'shell',
  code: { uri: 'maestro:step/shell' },
  with: { run: 'undo', shell: 'bash' },
  env: {},
  timeoutMs: 1000,
};

interface Traits {
  /** Bit i: needs the i-th step before it. */
  readonly needs: number;
  readonly condition: Condition;
  readonly kind: PlanStep['kind'];
  readonly continueOnError: boolean;
  readonly retries: number;
  readonly hasLoop: boolean;
  readonly isCompensated: boolean;
  readonly isIdempotent: boolean;
}

const traits: fc.Arbitrary<Traits> = fc.record({
  needs: fc.nat(255),
  condition: fc.oneof(
    { weight: 4, arbitrary: fc.constant(undefined) },
    { weight: 3, arbitrary: fc.constantFrom(...CONDITIONS) },
  ),
  kind: fc.oneof(
    { weight: 8, arbitrary: fc.constant('work' as const) },
    { weight: 1, arbitrary: fc.constantFrom('wait' as const, 'gate' as const) },
  ),
  continueOnError: fc.oneof({ weight: 4, arbitrary: fc.constant(false) }, fc.constant(true)),
  retries: fc.oneof({ weight: 2, arbitrary: fc.constant(0) }, fc.constantFrom(1, 2)),
  hasLoop: fc.oneof({ weight: 6, arbitrary: fc.constant(false) }, fc.constant(true)),
  isCompensated: fc.oneof({ weight: 3, arbitrary: fc.constant(false) }, fc.constant(true)),
  isIdempotent: fc.oneof({ weight: 6, arbitrary: fc.constant(true) }, fc.constant(false)),
});

/** Steps of any shape: joins as of a matrix, loops, retries, gates, waits, conditions, compensations. */
export const randomSteps: fc.Arbitrary<readonly PlanStep[]> = fc
  .array(traits, { minLength: 1, maxLength: 9 })
  .map((all) => all.map(toStep));

function toStep(trait: Traits, idx: number): PlanStep {
  const id = `s${idx}`;
  const isWork = trait.kind === 'work';
  return planStep(id, {
    kind: trait.kind,
    uses: isWork ? 'shell' : trait.kind,
    ...(isWork ? {} : { with: trait.kind === 'wait' ? { for: '1ms' } : { message: 'go on?' } }),
    needs: Array.from({ length: idx }, (_, i) => i)
      .filter((i) => ((trait.needs >> (i % 8)) & 1) === 1)
      .map((i) => `s${i}`),
    ...(trait.condition === undefined ? {} : { if: trait.condition }),
    continueOnError: trait.continueOnError,
    retry: {
      max: trait.retries,
      on: ['step', 'infra'],
      backoff: { initialMs: 1, factor: 1, maxMs: 1, jitter: 'none' },
    },
    ...(isWork && trait.hasLoop ? { loop: { until: `steps.${id}.outputs.done == 'yes'`, max: 3 } } : {}),
    ...(isWork && trait.isCompensated ? { compensate: UNDO } : {}),
    isIdempotent: trait.isIdempotent,
  });
}
