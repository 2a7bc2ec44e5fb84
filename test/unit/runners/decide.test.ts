import { expect, it } from 'vitest';
import { decide, hopelessness } from '../../../src/runners/github-actions/decide.ts';

const LIMITS = { jobsPerClassMax: 3, stepsPerJob: 4 };
const ENOUGH = { type: 'enough' };
const jobs = (count: number) => ({ type: 'dispatch', count });
const DEMAND = {
  runId: 'r',
  class: 'linux',
  ready: 1,
  waitingJobs: 0,
  runningJobs: 0,
  lostJobs: 0,
  jobs: 0,
  isInside: false,
  waits: null,
};

it.each([
  ['one step calls for one job', { ready: 1 }, false, jobs(1)],
  ['as many steps as a job takes call for one job', { ready: 4 }, false, jobs(1)],
  ['more steps call for more jobs', { ready: 9 }, false, jobs(3)],
  ['but not for more than the class may have', { ready: 100 }, false, jobs(3)],
  ['a job that has not started covers what it will take', { ready: 4, waitingJobs: 1 }, false, ENOUGH],
  ['what it will not take calls for another', { ready: 5, waitingJobs: 1 }, false, jobs(1)],
  ['a running job is given the time to take them', { ready: 9, runningJobs: 1 }, false, ENOUGH],
  ['what it does not take calls for others', { ready: 8, runningJobs: 1 }, true, jobs(2)],
  ['a lost job is replaced', { ready: 1, lostJobs: 2 }, false, jobs(1)],
  ['the third lost job is the last', { ready: 1, lostJobs: 3 }, false, { type: 'give-up' }],
  ['jobs that do nothing are not sent for ever', { ready: 1, jobs: 100 }, false, { type: 'give-up' }],
  ['unless another one still runs', { ready: 9, lostJobs: 3, runningJobs: 1 }, true, ENOUGH],
])('%s', (_title, change, isLasting, decision) => {
  expect(decide({ ...DEMAND, ...change }, LIMITS, isLasting)).toEqual(decision);
});

it('what is given up says whether its jobs were lost, or came and left', () => {
  const demand = { ...DEMAND, jobs: 100 };
  expect(hopelessness({ ...demand, lostJobs: 3 })).toMatch(/no job for class linux .* 100 were lost/);
  expect(hopelessness({ ...demand, lostJobs: 0 })).toMatch(/100 jobs for class linux came, and left/);
});
