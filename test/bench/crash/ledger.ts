import { readFileSync } from 'node:fs';
import type { RunEvent } from '../../../src/protocol/event.ts';

/** One line of the file to which steps append. */
interface Effect {
  readonly launch: string;
  readonly step: string;
  readonly iteration: number;
  readonly attempt: number;
  readonly what: string;
}

export interface Judgement {
  /** A step that had succeeded began once more. Must be 0. */
  readonly completedStepsRunAgain: number;
  /** The same attempt began twice, or began after its successor. Must be 0. */
  readonly attemptsRunTwice: number;
  /** An attempt was still at work when another one of the same step had begun. Must be 0. */
  readonly overlaps: number;
  /** A step is said to have succeeded without its effect being there. Must be 0. */
  readonly effectsLost: number;
  /** Attempts that began, were lost with the process, and were made good by another. */
  readonly inFlightRepeated: number;
}

export const CLEAN: Judgement = {
  completedStepsRunAgain: 0,
  attemptsRunTwice: 0,
  overlaps: 0,
  effectsLost: 0,
  inFlightRepeated: 0,
};

export function isSound({ completedStepsRunAgain, attemptsRunTwice, overlaps, effectsLost }: Judgement): boolean {
  return completedStepsRunAgain + attemptsRunTwice + overlaps + effectsLost === 0;
}

export function addUp(one: Judgement, other: Judgement): Judgement {
  return {
    completedStepsRunAgain: one.completedStepsRunAgain + other.completedStepsRunAgain,
    attemptsRunTwice: one.attemptsRunTwice + other.attemptsRunTwice,
    overlaps: one.overlaps + other.overlaps,
    effectsLost: one.effectsLost + other.effectsLost,
    inFlightRepeated: one.inFlightRepeated + other.inFlightRepeated,
  };
}

/** Effects of one launch, in the order in which they happened. */
export function readEffects(path: string, launch: string): readonly Effect[] {
  return readFileSync(path, 'utf8')
    .split('\n')
    .filter((line) => line.startsWith(`${launch} `))
    .map((line) => {
      const [, step = '', iteration = '', attempt = '', what = ''] = line.split(' ');
      return { launch, step, iteration: Number(iteration), attempt: Number(attempt), what };
    });
}

/** Holds what steps did against what the run says that they did. */
export function judge(
  effects: readonly Effect[],
  events: readonly RunEvent[],
  isCacheHit: (step: string) => boolean,
): Judgement {
  const lost = new Set(events.filter(({ type }) => type === 'step.lost').map(({ step }) => step));
  const turns = Map.groupBy(effects, ({ step, iteration }) => `${step} ${iteration}`);
  const successes = successesOf(events);
  let total: Judgement = CLEAN;
  for (const turn of turns.values()) total = addUp(total, judgeTurn(turn, successes, lost));
  const begun = new Set(effects.map(({ step }) => step));
  const missing = [...successes.keys()].filter((step) => !begun.has(step) && !isCacheHit(step));
  return { ...total, effectsLost: total.effectsLost + missing.length };
}

/** The last attempt of each step that appends, by the facts of its run. */
function successesOf(events: readonly RunEvent[]): ReadonlyMap<string, number> {
  return new Map(
    events.flatMap(({ type, step, attempt }) =>
      type === 'step.succeeded' && step !== null && attempt !== null && attempt > 0 ? [[step, attempt] as const] : [],
    ),
  );
}

function judgeTurn(
  turn: readonly Effect[],
  successes: ReadonlyMap<string, number>,
  lost: ReadonlySet<string | null>,
): Judgement {
  const { step } = turn[0] as Effect;
  const last = Math.max(...turn.map(({ attempt }) => attempt));
  const success = successes.get(step);
  const begins = turn.filter(({ what }) => what === 'begin').map(({ attempt }) => attempt);
  const isInOrder = begins.every((attempt, at) => at === 0 || attempt > (begins[at - 1] as number));
  return {
    completedStepsRunAgain: success !== undefined && last > success ? 1 : 0,
    attemptsRunTwice: isInOrder ? 0 : 1,
    // Lines are in the order of the writes: what an attempt says after its successor began, it did beside it.
    overlaps: turn.filter((effect, at) => turn.slice(0, at).some(({ attempt }) => attempt > effect.attempt)).length,
    effectsLost: turn.some(({ attempt, what }) => attempt === last && what === 'end') ? 0 : 1,
    inFlightRepeated: lost.has(step) ? begins.length - 1 : 0,
  };
}
