import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { JobIdentity } from '../../../src/auth/job-identity.ts';
import type { CodeEvent } from '../../../src/github/code-event.ts';
import { openJobStarter } from '../../../src/github/job-starter.ts';
import { FarEnd } from './matching/far-end.ts';
import { BASE, HEAD } from './matching/sample-events.ts';

const far = new FarEnd();
const started: CodeEvent[] = [];
const occasions: (string | undefined)[] = [];
let start: ReturnType<typeof openJobStarter>;

beforeAll(async () => {
  start = openJobStarter({
    access: await far.open(),
    starter: {
      start: async (event, choice) => {
        started.push(event);
        occasions.push(choice?.occasion);
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
  occasions.length = 0;
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
const NEWER = 'c'.repeat(40);
const MERGE = 'd'.repeat(40);
const pullFrom = (headRepositoryId: number | null): void => {
  const repo = headRepositoryId === null ? null : { id: headRepositoryId };
  far.answers.set('GET /repos/octo/app/pulls/7', {
    number: 7,
    user: { login: 'ada' },
    head: { sha: NEWER, ref: 'topic', repo },
    base: { sha: BASE, ref: 'main', repo: { id: 11 } },
  });
  far.answers.set(`GET /repos/octo/app/git/commits/${MERGE}`, { parents: [{ sha: BASE }, { sha: HEAD }] });
};
const PULL = { eventName: 'pull_request', ref: 'refs/pull/7/merge', sha: MERGE };

describe("a job of a user's own workflow", () => {
  it('starts a pipeline at its commit', async () => {
    expect(await ask()).toMatchObject({ run: 'r1', checkout: { sha: HEAD } });
    expect(started).toMatchObject([{ type: 'dispatch', headSha: HEAD, pull: null }]);
  });

  it('of a pull request from a branch of the repository starts it at the head that was merged, and says whose it is', async () => {
    pullFrom(11);
    expect(await ask(PULL)).toMatchObject({ checkout: { sha: HEAD } });
    expect(started).toMatchObject([
      { headSha: HEAD, definitionsSha: HEAD, pull: { number: 7, author: 'ada', headSha: HEAD, baseRef: 'main' } },
    ]);
  });

  it.each([
    [
      'a merge queue, whose commit is the one that will be on the branch',
      'refs/heads/gh-readonly-queue/main/pr-7',
      HEAD,
    ],
    ['the head of a pull request, though that is a merge', 'refs/pull/7/head', MERGE],
  ])('starts it at its own commit for %s', async (_, ref, sha) => {
    pullFrom(11);
    expect(await ask({ ref, sha })).toMatchObject({ checkout: { sha } });
    expect(started).toMatchObject([{ headSha: sha, definitionsSha: sha }]);
  });

  it('starts one run for each set of parameters, and none twice', async () => {
    for (const params of [{ os: 'linux', n: 1 }, { os: 'mac', n: 1 }, { n: 1, os: 'linux' }, {}])
      await start(identity(), { pipeline: 'ci', params }, 'key');
    expect(new Set(occasions).size).toBe(3);
    expect(occasions[2]).toBe(occasions[0]);
    await start(identity({ runAttempt: 2 }), { pipeline: 'ci', params: {} }, 'key');
    expect(new Set(occasions).size).toBe(4);
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
