import type { ProtectionRules } from '../../protocol/protection.ts';
import { isRunFinal } from '../../protocol/run.ts';
import type { TellRun } from '../report/reporter.ts';
import { DEPLOYMENT_TRIGGER } from './deployment-trigger.ts';
import { type GivenAnswer, reviewOf } from './review-of.ts';

/** What people said to the gates of a run that has ended. */
export type ReadAnswers = (runId: string) => Promise<readonly GivenAnswer[]>;

/** Puts on the board what GitHub should hear of jobs that wait for the App. */
export function openReviewTeller(rules: ProtectionRules, readAnswers: ReadAnswers): TellRun {
  return async ({ place, run, version }) => {
    if (run.trigger.type !== DEPLOYMENT_TRIGGER) return;
    const request = await rules.find(run.id);
    if (!request) return;
    const answers = isRunFinal(run.status) ? await readAnswers(run.id) : [];
    const spec = reviewOf(run, request, answers, place.checkName);
    if (spec) await rules.putReview(place, spec, version);
  };
}
