import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { JobIdentity } from '../../../src/auth/job-identity.ts';
import type { CodeEvent } from '../../../src/github/code-event.ts';
import { openJobStarter } from '../../../src/github/job-starter.ts';
import { FarEnd } from './matching/far-end.ts';
import { HEAD } from './matching/sample-events.ts';

const far = new FarEnd();
const started: CodeEvent[] = [];
let start: ReturnType<typeof openJobStarter>;

beforeAll(async () => {
  start = openJobStarter({
    access: await far.open(),
    starter: {
      start: async (event) => {
        started.push(event);
        return { started: [{ runId: 'r1', pipeline: 'ci' }], skipped: [], broken: [], held: [] };
      },
    },
    dispatches: { adopt: async () => undefined as never },
    newId: () => 'd1',
  });
});
afterAll(() => far.close());
beforeEach(() => {
  far.reset();
  started.length = 0;
  far.answers.set('GET /repos/octo/app/installation', { id: 3 });
  far.answers.set('GET /repos/octo/app', {
    id: 11,
    name: 'app',
    owner: { login: 'octo' },
    default_branch: 'main',
    html_url: 'https://github.com/octo/app',
  });
});

const identity = (change: Partial<JobIdentity> = {}): JobIdentity => ({
  repositoryId: 11,
  repository: 'octo/app',
  workflowRunId: 100,
  runAttempt: 1,
  eventName: 'push',
  jobWorkflowRef: 'octo/app/.github/workflows/ci.yml@refs/heads/main',
  ref: 'refs/heads/main',
  sha: HEAD,
  actor: 'mona',
  ...change,
});
const ask = (change: Partial<JobIdentity> = {}) => start(identity(change), { pipeline: 'ci', params: {} }, 'key');
const pullFrom = (headRepositoryId: number | null): void => {
  const repo = headRepositoryId === null ? null : { id: headRepositoryId };
  far.answers.set('GET /repos/octo/app/pulls/7', { number: 7, head: { sha: HEAD, repo }, base: { repo: { id: 11 } } });
};
const PULL = { eventName: 'pull_request', ref: 'refs/pull/7/merge' };

describe("a job of a user's own workflow", () => {
  it('starts a pipeline at its commit', async () => {
    expect(await ask()).toMatchObject({ run: 'r1', checkout: { sha: HEAD } });
    expect(started).toMatchObject([{ type: 'dispatch', headSha: HEAD, pull: null }]);
  });

  it('of a pull request from a branch of the repository does so too', async () => {
    pullFrom(11);
    await ask(PULL);
    expect(started).toHaveLength(1);
  });

  it.each([99, null])("of a fork's pull request starts nothing (head repository %s)", async (head) => {
    pullFrom(head);
    await expect(ask(PULL)).rejects.toMatchObject({ code: 'JOB_REFUSED' });
    expect(started).toEqual([]);
  });

  it.each([
    'octo/app/.github/workflows/maestro.yml@refs/heads/main',
    'Octo/App/.github/workflows/maestro.yml@refs/heads/topic',
  ])('that Maestro dispatched starts nothing with its identity: %s', async (jobWorkflowRef) => {
    const stolen = ask({ eventName: 'workflow_dispatch', jobWorkflowRef });
    await expect(stolen).rejects.toMatchObject({ code: 'JOB_REFUSED' });
    expect(started).toEqual([]);
  });

  it('starts nothing where its name belongs to another repository by now', async () => {
    await expect(ask({ repositoryId: 12 })).rejects.toMatchObject({ code: 'JOB_REFUSED' });
  });
});
