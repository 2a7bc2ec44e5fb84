import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { openPromotionSource } from '../../../../src/github/deployments/promotion-source.ts';
import { refOfDecision } from '../../../../src/github/protection/deployment-decision.ts';
import type { PromotionAsk, PromotionFindings } from '../../../../src/protocol/promotion-facts.ts';
import type { Database } from '../../../../src/store/database.ts';
import { openGitHubRuns } from '../../../../src/store/github-runs.ts';
import { migrate } from '../../../../src/store/migrate.ts';
import { openProtectionRules } from '../../../../src/store/protection-rules.ts';
import { githubRun } from '../../../fakes/github-runs.ts';
import { freshDatabase } from '../../../fresh-database.ts';
import { openPromotingWorld, type PromotingWorld } from './promoting-world.ts';

const DEPLOY = `on: workflow_dispatch
jobs:
  deploy:
    environment: prod
    runs-on: [self-hosted, tiny]
    steps:
      - run: echo out
`;

const ASK: Omit<PromotionAsk, 'commit'> = { runId: 'r1', wantsChecks: true, environments: [] };

describe('what GitHub knows of a promotion', () => {
  let db: Database;
  let drop = async (): Promise<void> => {};
  let world: PromotingWorld;
  let sha = '';
  beforeAll(async () => {
    const fresh = await freshDatabase(undefined);
    db = await fresh.open();
    drop = fresh.drop;
    await migrate(db);
  });
  afterAll(async () => {
    await db.close();
    await drop();
  });
  beforeEach(async () => {
    world = await openPromotingWorld({ 'a.ts': 'a', '.github/workflows/deploy.yml': DEPLOY });
    sha = await world.sha();
    await add('r1');
  });
  afterEach(async () => {
    for (const table of ['github_run', 'protection_request']) await db.query('', `delete from ${table}`, []);
    await world.close();
  });

  async function add(runId: string, ref = 'refs/heads/main', checkName = 'maestro / ship'): Promise<void> {
    const { installationId, repositoryId } = world;
    await openGitHubRuns(db).add(githubRun({ runId, installationId, repositoryId, headSha: sha, ref, checkName }));
  }
  const source = () =>
    openPromotionSource({
      access: world.access,
      runs: openGitHubRuns(db),
      rules: openProtectionRules(db),
      appId: world.app.id,
    });
  const ask = async (change: Partial<PromotionAsk> = {}): Promise<PromotionFindings> => {
    const facts = await source().facts({ ...ASK, commit: sha, ...change });
    if (!facts) throw new Error('the run is not known');
    return facts;
  };
  const named = ({ checks }: PromotionFindings) =>
    checks?.map(({ name, conclusion }) => `${name}: ${conclusion}`).toSorted();
  const check = async (octokit: PromotingWorld['octokit'], name: string, change: object = {}): Promise<number> =>
    (await octokit.rest.checks.create({ ...world.place, name, head_sha: sha, ...change })).data.id;

  it('is not asked of GitHub where nothing depends on it', async () => {
    const before = world.sandbox.calls().length;
    expect(await ask({ wantsChecks: false })).toEqual({ checks: null, deployments: [] });
    expect(
      world.sandbox
        .calls()
        .slice(before)
        .filter(({ path }) => path.includes('/commits/')),
    ).toEqual([]);
  });

  it('is the newest check of each name and app, and the newest status of each context', async () => {
    const { octokit } = await world.install('Builder');
    await check(octokit, 'build', { conclusion: 'failure' });
    await check(octokit, 'build', { conclusion: 'success' });
    await check(octokit, 'test', { status: 'in_progress' });
    await check((await world.install('Other')).octokit, 'build', { conclusion: 'neutral' });
    const status = (context: string, state: 'success' | 'error' | 'pending') =>
      octokit.rest.repos.createCommitStatus({ ...world.place, sha, context, state });
    await status('ci/old', 'error');
    await status('ci/old', 'success');
    await status('ci/slow', 'pending');
    await status('ci/bad', 'error');
    expect(named(await ask())).toEqual([
      'build: neutral',
      'build: success',
      'ci/bad: failure',
      'ci/old: success',
      'ci/slow: null',
      'test: null',
    ]);
  });

  it('is nothing of the run that asks, which would wait for itself', async () => {
    await check(world.octokit, 'maestro / ship', { external_id: 'r1' });
    await check(world.octokit, 'maestro / ship / promote', {
      external_id: 'r1/promote',
      conclusion: 'action_required',
    });
    await check(world.octokit, 'another name', { external_id: 'r1/deploy' });
    await check(world.octokit, 'maestro / ci', { external_id: 'r0', conclusion: 'success' });
    await check(world.octokit, 'maestro / shipping', { external_id: 'r9', conclusion: 'success' });
    expect(named(await ask())).toEqual(['maestro / ci: success', 'maestro / shipping: success']);
  });

  it('is a check of another app that has our name or id', async () => {
    const { octokit } = await world.install('Builder');
    await check(octokit, 'maestro / ship', { external_id: 'r1', conclusion: 'failure' });
    expect(named(await ask())).toEqual(['maestro / ship: failure']);
  });

  it('is neither the job that waits for the decision nor any other decision', async () => {
    const { ada, place, sandbox } = world;
    sandbox.protectEnvironment(place.owner, place.repo, 'prod', world.app.id);
    const wanted = { ...place, workflow_id: 'deploy.yml', ref: 'main', return_run_details: true };
    const { data } = await ada.rest.actions.createWorkflowDispatch(wanted);
    const { workflow_run_id: workflowRunId } = data as unknown as { workflow_run_id: number };
    await add('d1', refOfDecision('prod'), 'maestro / deployment to prod');
    await add('d2', refOfDecision('staging'), 'maestro / deployment to staging');
    const request = { runId: 'd1', repositoryId: world.repositoryId, workflowRunId, attempt: 1, environment: 'prod' };
    await openProtectionRules(db).add(request);
    await check(world.octokit, 'maestro / deployment to staging', { external_id: 'd2', conclusion: 'action_required' });
    await check(world.octokit, 'maestro / ci', { external_id: 'r0', conclusion: 'success' });
    expect(named(await ask({ runId: 'd1' }))).toEqual(['maestro / ci: success']);
    // To everybody else the job is one that has not ended.
    expect(named(await ask())).toEqual(['deploy: null', 'maestro / ci: success']);
  });

  it('is all checks, however many pages they are', async () => {
    for (const name of ['Builder', 'Tester']) {
      const { octokit } = await world.install(name);
      for (let at = 0; at < 55; at++) await check(octokit, `check ${at}`, { conclusion: 'success' });
    }
    expect((await ask()).checks).toHaveLength(110);
  }, 60_000);

  it('is nothing of a commit that is not there, and not known of a run before that belongs to a repository', async () => {
    expect(await ask({ commit: 'f'.repeat(40) })).toEqual({ checks: null, deployments: [] });
    expect(await source().facts({ ...ASK, commit: sha, runId: 'elsewhere' })).toBeUndefined();
  });

  it('fails where GitHub does, so that it is asked again', async () => {
    const answer = { type: 'status', status: 502 } as const;
    world.sandbox.misbehave({ kind: 'answer', call: /check-runs/, answer, times: 1 });
    await expect(ask()).rejects.toMatchObject({ status: 502 });
  });

  describe('of deployments upstream', () => {
    const deploy = async (
      octokit: PromotingWorld['octokit'],
      environment: string,
      states: readonly string[],
      log_url = '',
    ) => {
      const body = { ref: sha, environment, required_contexts: [], auto_merge: false };
      const { data } = await octokit.rest.repos.createDeployment({ ...world.place, ...body });
      const id = 'id' in data ? data.id : 0;
      for (const state of states)
        await octokit.rest.repos.createDeploymentStatus({
          ...world.place,
          deployment_id: id,
          state: state as 'success',
          log_url,
        });
    };

    it.each([
      ['succeeded', ['queued', 'success'], 1],
      ['was replaced since', ['success', 'inactive'], 1],
      ['failed after all', ['success', 'failure'], 0],
      ['is under way', ['in_progress'], 0],
      ['came to nothing', ['inactive'], 0],
      ['nobody told of', [], 0],
    ])('counts one of somebody else that %s: %s', async (_, states, count) => {
      await deploy((await world.install('Deployer')).octokit, 'staging', states);
      const { deployments } = await ask({ environments: ['staging'] });
      expect(deployments).toHaveLength(count);
      expect(deployments.every((one) => one.environment === 'staging' && one.sha === sha)).toBe(true);
      expect(deployments.every(({ succeededAt }) => Date.parse(succeededAt) <= Date.now())).toBe(true);
    });

    it('counts none of our own, none of another environment, and none of another commit', async () => {
      const { octokit } = await world.install('Deployer');
      await deploy(world.octokit, 'staging', ['success']);
      await deploy(octokit, 'test', ['success']);
      expect((await ask({ environments: ['staging'] })).deployments).toEqual([]);
      expect((await ask({ environments: ['test'], commit: 'f'.repeat(40) })).deployments).toEqual([]);
    });

    it('counts for a job, where that deploys, nothing but what its own workflow run has brought there', async () => {
      await add('d1', refOfDecision('prod'), 'maestro / deployment to prod');
      const request = {
        runId: 'd1',
        repositoryId: world.repositoryId,
        workflowRunId: 70,
        attempt: 2,
        environment: 'prod',
      };
      await openProtectionRules(db).add(request);
      const { octokit } = await world.install('Deployer');
      const at = (run: number) => `https://github.test/octo/app/actions/runs/${run}/job/1`;
      const found = async (environment: string, runId = 'd1') =>
        (await ask({ runId, environments: [environment] })).deployments.length;
      await deploy(octokit, 'prod', ['success'], at(7));
      await deploy(octokit, 'prod', ['success'], at(701));
      await deploy(octokit, 'prod', ['failure'], at(70));
      expect([await found('prod'), await found('prod', 'r1')]).toEqual([0, 1]);
      await deploy(octokit, 'staging', ['success'], at(7));
      expect(await found('staging')).toBe(1);
      await deploy(octokit, 'prod', ['success'], at(70));
      expect(await found('prod')).toBe(1);
    });

    it('counts the newest that succeeded where a later one did not', async () => {
      const { octokit } = await world.install('Deployer');
      await deploy(octokit, 'staging', ['success']);
      await deploy(octokit, 'staging', ['failure']);
      expect((await ask({ environments: ['staging'] })).deployments).toHaveLength(1);
    });
  });
});
