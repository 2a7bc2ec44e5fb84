import type { ClassDemand } from '../../protocol/demand.ts';

/** Jobs of one class of one run that may be lost before its ready steps fail. */
const LOST_JOBS_MAX = 3;
/** Jobs of one class of one run: the end of jobs that come, take nothing and leave content. */
const JOBS_MAX = 100;

export interface JobLimits {
  /** Live jobs of one class of one run. */
  readonly jobsPerClassMax: number;
  /** Steps that one job is expected to take: more ready steps than that call for another job. */
  readonly stepsPerJob: number;
}

export type DemandDecision =
  | { readonly type: 'enough' }
  | { readonly type: 'dispatch'; readonly count: number }
  | { readonly type: 'give-up' };

/** Why a class of a run gets no more jobs. */
export function hopelessness({ jobs, lostJobs, class: runnerClass }: ClassDemand): string {
  return lostJobs >= LOST_JOBS_MAX
    ? `no job for class ${runnerClass} took the step: the last of ${jobs} were lost`
    : `${jobs} jobs for class ${runnerClass} came, and left the step: no more are asked for`;
}

/** What to do about ready steps of a class. @param isLasting whether they were ready at an earlier look already */
export function decide(demand: ClassDemand, limits: JobLimits, isLasting: boolean): DemandDecision {
  const live = demand.waitingJobs + demand.runningJobs;
  const isHopeless = demand.lostJobs >= LOST_JOBS_MAX || demand.jobs >= JOBS_MAX;
  if (isHopeless) return { type: live === 0 ? 'give-up' : 'enough' };
  // A running job takes what becomes ready within moments: only what stays is too much for it.
  if (demand.runningJobs > 0 && !isLasting) return { type: 'enough' };
  const uncovered = demand.ready - demand.waitingJobs * limits.stepsPerJob;
  const count = Math.min(limits.jobsPerClassMax - live, Math.ceil(uncovered / limits.stepsPerJob));
  return count > 0 ? { type: 'dispatch', count } : { type: 'enough' };
}
