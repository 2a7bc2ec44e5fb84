import { describe, expect, it } from 'vitest';
import { type AwaitedJob, admitDispatchedJob } from '../../../src/auth/job-admission.ts';
import { type JobIdentity, readJobIdentity } from '../../../src/auth/job-identity.ts';
import { digestBytes } from '../../../src/base/digest.ts';
import { CLAIMS } from './issuer.ts';

const JOB: AwaitedJob = {
  runId: '01run',
  class: 'linux',
  repositoryId: 74,
  owner: 'Ada',
  repo: 'engine',
  ref: 'main',
  workflowRunId: null,
};
const IDENTITY = readJobIdentity(CLAIMS);

async function admit(change: Partial<JobIdentity>, awaited: Partial<AwaitedJob> = {}, dispatchId = 'one') {
  const registered: unknown[] = [];
  const jobs = {
    find: async (id: string) => (id === 'one' ? { ...JOB, ...awaited } : undefined),
    register: async (id: string, job: object) => registered.push({ id, ...job }),
  };
  const answer = admitDispatchedJob(jobs, { ...IDENTITY, ...change }, dispatchId, 'key');
  return { answer: await answer.catch((error: unknown) => error), registered };
}

describe('a job that wants to register', () => {
  it('is admitted where it is the one that was dispatched, and uses the dispatch up', async () => {
    const { answer, registered } = await admit({});
    expect(answer).toMatchObject({ runId: '01run', class: 'linux' });
    const keyDigest = digestBytes('key');
    expect(registered).toEqual([{ id: 'one', repositoryId: 74, workflowRunId: 30_433_642, runAttempt: 1, keyDigest }]);
  });

  it.each<[string, Partial<JobIdentity>, Partial<AwaitedJob>, string?]>([
    ['names a dispatch that is not there', {}, {}, 'two'],
    ['is of a foreign repository', { repositoryId: 75 }, {}],
    ['began by another event', { eventName: 'pull_request_target' }, {}],
    [
      'is defined on another branch',
      { jobWorkflowRef: CLAIMS.job_workflow_ref.replace('heads/main', 'heads/evil') },
      {},
    ],
    ['is defined on a branch in another case', { jobWorkflowRef: CLAIMS.job_workflow_ref.replace('main', 'Main') }, {}],
    ['is defined on a tag', { jobWorkflowRef: CLAIMS.job_workflow_ref.replace('refs/heads', 'refs/tags') }, {}],
    ['is of another workflow file', { jobWorkflowRef: CLAIMS.job_workflow_ref.replace('maestro.yml', 'ci.yml') }, {}],
    ['is of a reusable workflow elsewhere', { jobWorkflowRef: CLAIMS.job_workflow_ref.replace('ada/', 'eve/') }, {}],
    ['is of another workflow run', {}, { workflowRunId: 1 }],
  ])('is refused where it %s, and nothing is used up', async (_case, change, awaited, dispatchId) => {
    const { answer, registered } = await admit(change, awaited, dispatchId);
    expect(answer).toMatchObject({ code: 'JOB_REFUSED' });
    expect(registered).toEqual([]);
  });

  it('learns no more of a dispatch of another repository than of one that is not there', async () => {
    const [foreign, unknown] = [await admit({ repositoryId: 75 }), await admit({}, {}, 'two')];
    expect(String(foreign.answer).replace('one', 'two')).toBe(String(unknown.answer));
  });
});
