import { createRemoteJWKSet, jwtVerify } from 'jose';
import { afterEach, describe, expect, it } from 'vitest';
import { closeClean, openStage, type Stage } from './client.ts';

const DISPATCHES = '/repos/acme/app/actions/workflows/work.yml/dispatches';
const TINY = { labels: ['self-hosted', 'tiny'], count: 1 };
const TOKEN_WORKFLOW = `on: workflow_dispatch
permissions: { id-token: write }
jobs:
  work:
    runs-on: [self-hosted, tiny]
    steps:
      - run: |
          node -e 'fetch(process.env.ACTIONS_ID_TOKEN_REQUEST_URL + "&audience=https://maestro.test", { headers: { authorization: "bearer " + process.env.ACTIONS_ID_TOKEN_REQUEST_TOKEN } }).then((answer) => answer.json()).then(({ value }) => console.log("token:" + Buffer.from(value).toString("hex")))'
`;

describe('workflow runs in the sandbox', () => {
  let stage: Stage;
  afterEach(async () => await closeClean(stage));

  const inputs = { subject: 'this' };
  const dispatch = async (body: object, version = '2022-11-28'): ReturnType<Stage['call']> =>
    await stage.call(
      await stage.token(),
      'POST',
      DISPATCHES,
      { ref: 'main', inputs, ...body },
      { 'x-github-api-version': version },
    );

  it('are named in the answer of the new API version, and of the old one where it is asked to', async () => {
    stage = await openStage();
    expect(await dispatch({})).toMatchObject({ status: 204 });
    expect(await dispatch({ return_run_details: true })).toMatchObject({ status: 200 });
    const { status, body } = await dispatch({}, '2026-03-10');
    expect(status).toBe(200);
    const run = await stage.call(await stage.token(), 'GET', `/repos/acme/app/actions/runs/${body.workflow_run_id}`);
    expect(run.body).toMatchObject({
      display_title: 'work this',
      event: 'workflow_dispatch',
      head_branch: 'main',
      status: 'queued',
    });
    expect((await dispatch({}, '2020-01-01')).status).toBe(400);
  });

  it('are not named by an enterprise server, which refuses the question', async () => {
    stage = await openStage({ isEnterprise: true });
    expect((await dispatch({ return_run_details: true })).status).toBe(422);
    expect(await dispatch({})).toMatchObject({ status: 204 });
    const { body } = await stage.call(
      await stage.token(),
      'GET',
      '/repos/acme/app/actions/runs?event=workflow_dispatch',
    );
    expect(body.workflow_runs).toMatchObject([{ display_title: 'work this' }]);
  });

  it.each([
    ['a commit as ref', async () => ({ ref: await stage.sha() })],
    ['an input that is not declared', () => ({ inputs: { ...inputs, other: 'x' } })],
    ['a required input that is missing', () => ({ inputs: {} })],
    ['26 inputs', () => ({ inputs: Object.fromEntries(Array.from({ length: 26 }, (_, index) => [`i${index}`, ''])) })],
  ])('do not come of %s', async (_, change) => {
    stage = await openStage();
    expect((await dispatch(await change())).status).toBe(422);
  });

  it('run on a machine with their labels, and keep log and conclusion', async () => {
    stage = await openStage({ runners: [TINY] });
    const { body } = await dispatch({ return_run_details: true });
    await stage.sandbox.settled();
    const token = await stage.token();
    const jobs = await stage.call(token, 'GET', `/repos/acme/app/actions/runs/${body.workflow_run_id}/jobs`);
    expect(jobs.body.jobs).toMatchObject([
      { status: 'completed', conclusion: 'success', labels: ['self-hosted', 'tiny'] },
    ]);
    const log = await stage.call(token, 'GET', `/repos/acme/app/actions/jobs/${jobs.body.jobs[0].id}/logs`);
    expect(log.body).toContain('on this');
  });

  it('stay queued where no machine has their labels, until they are cancelled or one comes', async () => {
    stage = await openStage({ runners: [{ labels: ['self-hosted'], count: 5 }] });
    const first = await dispatch({ return_run_details: true });
    await dispatch({});
    await stage.sandbox.settled();
    expect(stage.sandbox.jobs()).toMatchObject([{ status: 'queued' }, { status: 'queued' }]);
    const path = `/repos/acme/app/actions/runs/${first.body.workflow_run_id}/cancel`;
    expect((await stage.call(await stage.token(), 'POST', path)).status).toBe(202);
    expect((await stage.call(await stage.token(), 'POST', path)).status).toBe(409);
    stage.sandbox.setRunners([TINY]);
    await stage.sandbox.settled();
    expect(stage.sandbox.jobs().map(({ conclusion }) => conclusion)).toEqual(['cancelled', 'success']);
  });

  it('fail when their machine dies, and run again on request', async () => {
    const slow =
      'on: workflow_dispatch\njobs:\n  work:\n    runs-on: [self-hosted, tiny]\n    steps:\n      - run: test -e "$HOME/../no" || sleep 600\n';
    stage = await openStage({ runners: [TINY] }, { '.github/workflows/work.yml': slow });
    const started = new Promise<void>((resolve) => {
      const looks = setInterval(() => {
        if (stage.sandbox.jobs().some(({ log }) => log.length > 3)) {
          clearInterval(looks);
          resolve();
        }
      }, 20);
    });
    await dispatch({ inputs: {}, return_run_details: true });
    await started;
    await stage.sandbox.killRunner(stage.sandbox.jobs()[0]!.id);
    expect(stage.sandbox.jobs()).toMatchObject([{ attempt: 1, conclusion: 'failure' }]);
    stage.sandbox.setRunners([]);
    const { runId } = stage.sandbox.jobs()[0]!;
    expect((await stage.call(await stage.token(), 'POST', `/repos/acme/app/actions/runs/${runId}/rerun`)).status).toBe(
      201,
    );
    expect(stage.sandbox.jobs()).toMatchObject([{ attempt: 1 }, { attempt: 2, status: 'queued' }]);
  });

  it("prove who they are by a token that the issuer's published keys verify", async () => {
    stage = await openStage({ runners: [TINY] }, { '.github/workflows/work.yml': TOKEN_WORKFLOW });
    const { body } = await dispatch({ inputs: {}, return_run_details: true });
    await stage.sandbox.settled();
    const line = stage.sandbox.jobs()[0]!.log.find((text) => text.startsWith('token:'));
    const jwt = Buffer.from(line!.slice('token:'.length), 'hex').toString();
    const issuer = `${stage.sandbox.url}/_services/token`;
    const { body: discovery } = await stage.call(null, 'GET', `${issuer}/.well-known/openid-configuration`);
    const { payload } = await jwtVerify(jwt, createRemoteJWKSet(new URL(discovery.jwks_uri)), {
      issuer,
      audience: 'https://maestro.test',
    });
    const job = 'acme/app/.github/workflows/work.yml@refs/heads/main';
    expect(payload).toMatchObject({
      repository: 'acme/app',
      run_id: String(body.workflow_run_id),
      run_attempt: '1',
      event_name: 'workflow_dispatch',
      job_workflow_ref: job,
      check_run_id: String(stage.sandbox.jobs()[0]!.id),
      runner_environment: 'self-hosted',
    });
    const stolen = `${issuer}/jobs/${stage.sandbox.jobs()[0]!.id}/idtoken?audience=x`;
    expect((await stage.call('guessed', 'GET', stolen)).status).toBe(401);
  });

  it('wait for the app that protects their environment', async () => {
    const deploy =
      'on: workflow_dispatch\njobs:\n  work:\n    environment: production\n    runs-on: [self-hosted, tiny]\n    steps:\n      - run: echo out\n';
    stage = await openStage({ runners: [TINY] }, { '.github/workflows/work.yml': deploy });
    const { appId } = stage.sandbox.registerApp({
      name: 'Gate',
      permissions: { deployments: 'write', actions: 'write' },
      events: ['deployment_protection_rule'],
      webhookUrl: 'http://127.0.0.1:1/',
      webhookSecret: 'x',
    });
    stage.sandbox.install(appId, 'acme', ['app']);
    stage.sandbox.protectEnvironment('acme', 'app', 'production', appId);
    await dispatch({ inputs: {} });
    await stage.sandbox.settled();
    expect(stage.sandbox.jobs()).toMatchObject([{ status: 'waiting' }]);
    const asked = stage.sandbox.deliveries().find(({ event }) => event === 'deployment_protection_rule');
    expect(asked?.payload).toMatchObject({ environment: 'production', event: 'workflow_dispatch' });
  });
});
