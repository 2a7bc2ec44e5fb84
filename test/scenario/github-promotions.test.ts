import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { eventually, type GitHubWorld, openGitHubWorld } from './github-world.ts';

const POLICY = `environments:
  staging: { order: 1, url: "https://staging.shop.test" }
  prod: { order: 2, protected: true, approvals: 1, checks: [audit], url: "https://shop.test" }
  live: { order: 2, protected: true, approvals: 1 }
`;
const SHIP = `name: ship
kind: ci
purpose: deploy
on:
  push: { branches: ["release/**"] }
defaults: { runner: ubuntu-latest, timeout: 2m }
steps:
  - id: staging
    environment: staging
    run: if [ -f broken ]; then exit 3; fi; echo to staging
  - id: promote
    needs: [staging]
    uses: gate.promote
    with: { environment: prod }
  - id: prod
    needs: [promote]
    environment: prod
    run: echo to prod
`;
const LIVE = `name: Live
on: workflow_dispatch
jobs:
  deploy:
    environment: live
    runs-on: ubuntu-latest
    steps:
      - run: echo live
`;
const SHIP_CHECK = 'maestro / ship';
const LIVE_CHECK = 'maestro / deployment to live';

interface Shown {
  readonly environment: string;
  readonly sha: string;
  readonly task: string;
  readonly state: string | null;
}

interface Snapshot {
  readonly deployments: readonly Shown[];
}

describe('promotions on GitHub', () => {
  let world: GitHubWorld;
  beforeAll(async () => {
    const files = { '.maestro/policy.yaml': POLICY, '.maestro/ship.yaml': SHIP, '.github/workflows/live.yml': LIVE };
    world = await openGitHubWorld({ files });
    world.sandbox.protectEnvironment('acme', 'app', 'live', world.appId);
  });
  afterAll(() => world.close());

  interface SeenDeployment {
    readonly id: number;
    readonly environment: string;
    readonly payload: unknown;
    /** Oldest first. */
    readonly states: readonly string[];
    readonly newest: { readonly description: string; readonly environment_url?: string | undefined };
  }

  /** Ours, of a commit. */
  async function deployments(sha: string): Promise<readonly SeenDeployment[]> {
    const { octokit } = world.ada;
    const place = { ...world.repository, task: 'deploy:maestro', sha };
    const { data } = await octokit.rest.repos.listDeployments(place);
    return Promise.all(
      data.map(async ({ id, environment, payload }) => {
        const ask = { ...world.repository, deployment_id: id, per_page: 100 };
        const statuses = (await octokit.rest.repos.listDeploymentStatuses(ask)).data;
        const [newest = { description: '' }] = statuses;
        return { id, environment, payload, states: statuses.map(({ state }) => state).toReversed(), newest };
      }),
    );
  }

  /** The sandbox's own view is asked again and again: GitHub would turn away who asked it so often. */
  async function deployed(sha: string, environment: string, state: string): Promise<SeenDeployment> {
    const shown = (): readonly Shown[] => {
      const { deployments: all } = (world.sandbox.snapshot() as unknown as Readonly<Record<string, Snapshot>>)[
        'acme/app'
      ] ?? {
        deployments: [],
      };
      return all.filter((one) => one.sha === sha && one.task === 'deploy:maestro');
    };
    await eventually(
      `the deployment to ${environment} to be ${state}`,
      () => shown().some((one) => one.environment === environment && one.state === state),
      async () => ({ deployments: shown(), checks: await world.checks(sha) }),
    );
    const found = (await deployments(sha)).find((one) => one.environment === environment);
    if (!found) throw new Error(`${environment} is gone`);
    return found;
  }

  const release = (name: string, files: Readonly<Record<string, string>> = {}): Promise<string> =>
    world.ada.push(world.repository, `release/${name}`, {
      message: `feat: ${name}`,
      files: { [name]: name, ...files },
    });
  const audit = async (sha: string, state: 'success' | 'pending'): Promise<void> => {
    const status = { ...world.repository, sha, state, context: 'audit' };
    await world.ada.octokit.rest.repos.createCommitStatus(status);
  };
  /** Its newest word and answer, of the job that was asked for last. */
  async function live(ref: string): Promise<number> {
    const wanted = { ...world.repository, workflow_id: 'live.yml', ref, return_run_details: true };
    const { data } = await world.ada.octokit.rest.actions.createWorkflowDispatch(wanted);
    return (data as unknown as { workflow_run_id: number }).workflow_run_id;
  }
  const jobOf = (workflowRunId: number) => world.sandbox.jobs().findLast(({ runId }) => runId === workflowRunId);
  const jobIs = (workflowRunId: number, conclusion: string) =>
    eventually(
      `the job to be a ${conclusion}`,
      () => jobOf(workflowRunId)?.conclusion === conclusion,
      () => jobOf(workflowRunId),
    );
  /** What the rule said of the newest job. */
  async function words(): Promise<{ readonly state: string; readonly words: readonly string[] }> {
    const response = await fetch(`${world.sandbox.url}/_sandbox/repos/acme/app/gates`, {
      headers: { authorization: `token ${await tokenOf('ada')}` },
    });
    const gates = (await response.json()) as { state: string; words: { comment: string }[] }[];
    const { state = '', words = [] } = gates.at(-1) ?? {};
    return { state, words: words.map(({ comment }) => comment) };
  }
  async function tokenOf(login: string): Promise<string> {
    const users = await (await fetch(`${world.sandbox.url}/_sandbox/users`)).json();
    return (users as { login: string; token: string }[]).find((one) => one.login === login)?.token ?? '';
  }

  const gateSays = (sha: string, words: RegExp) =>
    eventually(
      `the gate to say ${words}`,
      async () =>
        (await world.checks(sha)).find(({ name, title }) => name === `${SHIP_CHECK} / promote` && words.test(title)),
      () => world.checks(sha),
    );

  it('tell how far a commit has come, wait for a check of somebody else, and for people', async () => {
    const sha = await release('one');
    const staging = await deployed(sha, 'staging', 'success');
    expect(staging.newest.environment_url).toBe('https://staging.shop.test/');
    await deployed(sha, 'prod', 'queued');
    await gateSays(sha, /audit/);
    await audit(sha, 'pending');
    // The check is green: the gate hears of it by webhook and waits for people alone.
    await audit(sha, 'success');
    const gate = await gateSays(sha, /approval: 0 of 1 approvals$/);
    expect(gate.summary).not.toMatch(/is denied/);
    await world.press(world.grace, gate.id, 'approve');
    const prod = await deployed(sha, 'prod', 'success');
    expect(prod.newest.environment_url).toBe('https://shop.test/');
    expect(prod.states.at(0)).toBe('queued');
    const { externalId } = await world.check(sha, SHIP_CHECK, 'success');
    expect(prod.payload).toMatchObject({ run: externalId });
    expect(await deployments(sha)).toHaveLength(2);
  });

  it('replace what was there before', async () => {
    const [before] = await deployments((await latest('release/one')).sha);
    const sha = await release('two');
    await deployed(sha, 'staging', 'success');
    await audit(sha, 'success');
    const gate = await world.check(sha, `${SHIP_CHECK} / promote`, 'action_required');
    await world.press(world.grace, gate.id, 'approve');
    await deployed(sha, 'prod', 'success');
    const first = (await latest('release/one')).sha;
    expect((await deployed(first, 'prod', 'inactive')).states.at(-2)).toBe('success');
    await deployed(first, 'staging', 'inactive');
    expect(before).toBeDefined();
  });

  it('end where a step fails, and come to no environment behind it', async () => {
    const sha = await release('three', { broken: '' });
    const { newest } = await deployed(sha, 'staging', 'failure');
    expect(newest.description).toMatch(/Failed/);
    await world.check(sha, SHIP_CHECK, 'failure');
    expect((await deployments(sha)).map(({ environment }) => environment)).toEqual(['staging']);
  });

  it('decide for jobs of Actions: what was never upstream is refused at once', async () => {
    const sha = await world.ada.push(world.repository, 'unknown', { message: 'feat: x', files: { x: 'x' } });
    const workflowRunId = await live('unknown');
    await jobIs(workflowRunId, 'failure');
    expect(await words()).toMatchObject({ state: 'rejected', words: [expect.stringMatching(/staging/)] });
    await world.check(sha, LIVE_CHECK, 'failure');
  });

  it('decide for jobs of Actions: people are asked, also by a server that was killed meanwhile', async () => {
    const { sha } = await latest('release/two');
    const workflowRunId = await live('release/two');
    await world.check(sha, `${LIVE_CHECK} / promote`, 'action_required');
    await eventually(
      'a word',
      async () => (await words()).words.some((word) => word.includes('0 of 1 approvals')),
      words,
    );
    await world.server.kill();
    await world.server.restart();
    const gate = await world.check(sha, `${LIVE_CHECK} / promote`, 'action_required');
    expect(jobOf(workflowRunId)).toMatchObject({ status: 'waiting' });
    await world.press(world.grace, gate.id, 'approve');
    await jobIs(workflowRunId, 'success');
    const said = await words();
    expect(said.state).toBe('approved');
    expect(said.words.filter((word) => word.startsWith('Approved'))).toEqual([expect.stringContaining('grace')]);
    await world.check(sha, LIVE_CHECK, 'success');
  });

  it('decide for jobs of Actions: a refusal fails the job, and says whose it was', async () => {
    const { sha } = await latest('release/two');
    const workflowRunId = await live('release/two');
    const before = (await world.checks(sha)).find(({ name }) => name === `${LIVE_CHECK} / promote`)?.externalId;
    const gate = await eventually('the gate of this job', async () =>
      (await world.checks(sha)).find(
        ({ name, conclusion, externalId }) =>
          name === `${LIVE_CHECK} / promote` && conclusion === 'action_required' && externalId !== before,
      ),
    );
    await world.press(world.grace, gate.id, 'deny');
    await jobIs(workflowRunId, 'failure');
    expect(await words()).toMatchObject({
      state: 'rejected',
      words: expect.arrayContaining([expect.stringMatching(/denied by grace/)]),
    });
  });

  it('decide for no job that was cancelled', async () => {
    const { sha } = await latest('release/two');
    // That of the job before may still be told.
    const before = (await world.checks(sha)).find(({ name }) => name === LIVE_CHECK)?.externalId;
    const workflowRunId = await live('release/two');
    await eventually('the decision to be open', async () =>
      (await world.checks(sha)).find(
        ({ name, status, externalId }) => name === LIVE_CHECK && status !== 'completed' && externalId !== before,
      ),
    );
    await world.ada.octokit.rest.actions.cancelWorkflowRun({ ...world.repository, run_id: workflowRunId });
    await world.check(sha, LIVE_CHECK, 'cancelled');
    expect(await words()).toMatchObject({ state: 'unanswered' });
  });

  async function latest(branch: string): Promise<{ readonly sha: string }> {
    const { data } = await world.ada.octokit.rest.git.getRef({ ...world.repository, ref: `heads/${branch}` });
    return data.object;
  }
});
