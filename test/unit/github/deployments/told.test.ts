import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { EnvironmentFacts } from '../../../../src/github/deployments/deployments-of.ts';
import { openDeploymentTeller } from '../../../../src/github/deployments/tell-deployments.ts';
import type { Reporter } from '../../../../src/github/report/reporter.ts';
import type { RunView, StepView } from '../../../../src/protocol/run.ts';
import { openDeploymentBoard } from '../../../../src/store/deployment-board.ts';
import { Reporting } from '../report/reporting.ts';
import { placeOf, runView, stepView } from '../report/views.ts';
import { openPromotingWorld, type PromotingWorld } from './promoting-world.ts';

const PENDING = { status: 'pending', attempts: 0 } as const;
const STEPS = { waits: 'waits', works: 'works', done: 'done', denied: 'denied' } as const;

/** A gate before an environment and the step that deploys to it, as they are one after the other. */
function steps(environment: string, at: keyof typeof STEPS): readonly StepView[] {
  const gate = (change: Partial<StepView>) =>
    stepView(`promote-${environment}`, { kind: 'gate', environment, attempts: 0, ...change });
  const work = (change: Partial<StepView>) => stepView(`deploy-${environment}`, { environment, ...change });
  const hold = { kind: 'gate', reason: '1 of 2 approvals', dueAt: null } as const;
  if (at === 'waits') return [gate({ status: 'held', hold }), work(PENDING)];
  if (at === 'works') return [gate({}), work({ status: 'running' })];
  if (at === 'done') return [gate({}), work({})];
  return [gate({ status: 'denied', reason: 'frozen' }), work({ ...PENDING, status: 'skipped' })];
}

describe('deployments on GitHub', () => {
  let at: Reporting;
  let world: PromotingWorld;
  let headSha = '';
  beforeAll(async () => {
    at = await Reporting.open();
  });
  afterAll(() => at.close());
  afterEach(async () => {
    await world.close();
    await at.empty();
  });

  const known = new Map<string, EnvironmentFacts>([
    ['prod', { url: 'https://shop.test/', isProduction: true }],
    ['staging', { url: null, isProduction: false }],
  ]);

  async function open(): Promise<void> {
    world = await openPromotingWorld();
    headSha = await world.sha();
  }
  const show = (runId: string, change: Partial<RunView>): Promise<void> =>
    at.show(
      placeOf(runId, { installationId: world.installationId, repositoryId: world.repositoryId, headSha }),
      runView(runId, { status: 'running', ...change }),
    );
  /** A process of its own. */
  const reporter = (): Reporter =>
    at.reporter({
      access: world.access,
      app: world.app,
      tellers: [openDeploymentTeller(openDeploymentBoard(at.db), async () => known)],
    });
  const statesOf = async (environment: string): Promise<readonly (readonly string[])[]> =>
    (await world.deployments()).filter((one) => one.environment === environment).map(({ states }) => states);
  const say = async (
    runId: string,
    environment: string,
    state: keyof typeof STEPS,
    told = reporter(),
  ): Promise<void> => {
    const status = state === 'done' ? 'succeeded' : state === 'denied' ? 'failed' : 'running';
    await show(runId, { status, steps: steps(environment, state) });
    await told.turn();
    at.clock.ms += 60_000;
  };

  it('are made once and told how they stand, with log and address', async () => {
    await open();
    const told = reporter();
    await say('r1', 'prod', 'waits', told);
    await say('r1', 'prod', 'works', told);
    await say('r1', 'prod', 'done', told);
    await told.turn();
    expect(await statesOf('prod')).toEqual([['queued', 'in_progress', 'success']]);
    const [deployment] = (await world.ada.rest.repos.listDeployments(world.place)).data;
    expect(deployment).toMatchObject({
      sha: headSha,
      task: 'deploy:maestro',
      payload: { run: 'r1', plan: expect.stringMatching(/^sha256:/) },
      production_environment: true,
      transient_environment: false,
    });
    const ask = { ...world.place, deployment_id: deployment?.id ?? 0 };
    const [status, , queued] = (await world.ada.rest.repos.listDeploymentStatuses(ask)).data;
    expect(status).toMatchObject({ environment_url: 'https://shop.test/' });
    expect(queued).toMatchObject({ description: 'Waits: 1 of 2 approvals' });
    expect(at.errors).toEqual([]);
    // Everything of the run stands on GitHub.
    expect(await at.runs.open(10)).toEqual([]);
  });

  it('say nothing twice, whoever looks', async () => {
    await open();
    await say('r1', 'staging', 'waits');
    await say('r1', 'staging', 'waits');
    expect(await statesOf('staging')).toEqual([['queued']]);
  });

  it('say at once that it was denied', async () => {
    await open();
    await say('r1', 'prod', 'waits');
    await say('r1', 'prod', 'denied');
    expect(await statesOf('prod')).toEqual([['queued', 'error']]);
  });

  it.each([
    ['the answer that it was made', /^POST .*\/deployments$/],
    ['the answer that it was told', /^POST .*\/statuses$/],
  ])('are made once and told once also where %s was lost', async (_, call) => {
    await open();
    world.sandbox.misbehave({ kind: 'answer', call, answer: { type: 'lost-answer' }, times: 1 });
    await say('r1', 'staging', 'waits');
    await reporter().turn();
    expect(await statesOf('staging')).toEqual([['queued']]);
  });

  it('are not those of somebody who copies what we write into them', async () => {
    await open();
    const body = { ref: headSha, environment: 'staging', task: 'deploy:maestro', required_contexts: [] };
    await world.ada.rest.repos.createDeployment({ ...world.place, ...body, payload: { run: 'r1' } });
    world.sandbox.misbehave({
      kind: 'answer',
      call: /^POST .*\/deployments$/,
      answer: { type: 'status', status: 502 },
      times: 1,
    });
    await say('r1', 'staging', 'waits');
    await reporter().turn();
    expect(await statesOf('staging')).toEqual([['queued'], []]);
  });

  it('are made while the own check of the run is not green', async () => {
    await open();
    await say('r1', 'staging', 'waits');
    const { data } = await world.ada.rest.checks.listForRef({ ...world.place, ref: headSha });
    expect(data.check_runs.map(({ status, conclusion }) => conclusion ?? status)).toContain('action_required');
    expect(await statesOf('staging')).toHaveLength(1);
  });

  it.each(['staging', 'prod'])('are inactive when another one of %s takes their place', async (environment) => {
    await open();
    await say('r1', environment, 'done');
    await say('r2', environment, 'done');
    await reporter().turn();
    expect(await statesOf(environment)).toEqual([['success'], ['success', 'inactive']]);
    // Nobody says anything more of it.
    await show('r1', { status: 'succeeded', steps: steps(environment, 'done') });
    await reporter().turn();
    expect(await statesOf(environment)).toEqual([['success'], ['success', 'inactive']]);
  });

  it('that somebody deleted are not made again', async () => {
    await open();
    await say('r1', 'staging', 'waits');
    world.sandbox.misbehave({
      kind: 'answer',
      call: /^POST .*\/statuses$/,
      answer: { type: 'status', status: 404 },
      times: 1,
    });
    await say('r1', 'staging', 'works');
    await say('r1', 'staging', 'done');
    expect(await statesOf('staging')).toEqual([['queued', 'success']]);
  });
});
