import type { Engine } from '../../engine/engine.ts';
import { textAt } from '../intake/payload.ts';
import type { GivenAnswer } from './review-of.ts';
import type { ReadAnswers } from './tell-reviews.ts';

const DECISIONS: readonly GivenAnswer['decision'][] = ['approve', 'deny', 'revoke'];
/** A run that has ended has a last event: nobody is waited for. */
const READ_MS_MAX = 10_000;

/** What people said to a run that has ended, read from its events. */
export function openGivenAnswers(engine: Pick<Engine, 'resolve' | 'followRun'>): ReadAnswers {
  return async (runId) => {
    const answers: GivenAnswer[] = [];
    const run = await engine.resolve(runId);
    for await (const { type, data } of engine.followRun(run, 0, AbortSignal.timeout(READ_MS_MAX))) {
      const decision = DECISIONS.find((one) => one === data.decision);
      if (type !== 'approval.answered' || decision === undefined) continue;
      answers.push({ decision, by: (textAt(data, 'principal') ?? '').replace(/^[^:]*:/, '') });
    }
    return answers;
  };
}
