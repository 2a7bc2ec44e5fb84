import { ProbotOctokit } from 'probot';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type AnswerCallTools, openAnswerCalls } from '../../../../src/github/commands/answer-call.ts';
import type { Octokit } from '../../../../src/github/octokit.ts';
import type { AnswerCall } from '../../../../src/protocol/person-call.ts';
import { verifyDisclosure } from '../../../../src/provenance/disclosure/verify-disclosure.ts';
import { openGitHubRuns } from '../../../../src/store/github-runs.ts';
import { githubRun } from '../../../fakes/github-runs.ts';
import { planOf, planStep, TRIGGER } from '../../../fakes/plans.ts';
import { openStage, type Stage } from '../../sandbox/client.ts';
import { sharedWorld } from './shared-world.ts';

const world = sharedWorld();
let stage: Stage;
let tools: AnswerCallTools;
let installationId = 0;
let repositoryId = 0;
/** Reviewers, who wrote nothing: others for each test. */
let bo: Stage['ada'];
let cleo: Stage['ada'];

beforeAll(async () => {
  stage = await openStage();
  const { sandbox } = stage;
  const { appId, privateKey } = sandbox.registerApp({
    name: 'Answers',
    permissions: { contents: 'read', members: 'read', pull_requests: 'read' },
    events: [],
    webhookUrl: 'http://127.0.0.1:9/',
    webhookSecret: 'x',
  });
  const { id } = await sandbox.createRepository({
    owner: 'acme',
    name: 'vault',
    isPrivate: true,
    files: { 'README.md': 'x' },
    collaborators: { ada: 'maintain' },
  });
  repositoryId = id;
  installationId = sandbox.install(appId, 'acme', ['vault']);
  const client = (auth: object): Octokit =>
    new ProbotOctokit({
      baseUrl: sandbox.apiUrl,
      auth,
      throttle: { enabled: false },
      retry: { enabled: false },
      log: { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} },
    });
  tools = {
    access: {
      app: client({ appId, privateKey }),
      installation: async (one) => client({ appId, privateKey, installationId: one }),
    },
    engine: world().engine,
    runs: openGitHubRuns(world().db),
    github: { apiUrl: sandbox.apiUrl, fetch },
  };
});
afterAll(async () => await stage.close());

let people = 0;
beforeEach(() => {
  people += 1;
  [bo, cleo] = [reviewer('bo'), reviewer('cleo')];
});
afterEach(async () => await world().tidy());

function reviewer(name: string): Stage['ada'] {
  const user = stage.sandbox.createUser(`${name}-${people}`);
  stage.sandbox.setRole('acme', 'vault', user.login, 'write');
  return user;
}

/** A run of ada's pull request, or of main, that waits at the gate `prod`. */
async function waiting(
  gate: Record<string, boolean | number | readonly string[]> = {},
  change: { readonly pullNumber?: number | null; readonly headSha?: string } = {},
): Promise<{ run: number; id: string }> {
  const plan = planOf([planStep('prod', { kind: 'gate', uses: 'gate', with: gate })], { name: 'ship' });
  const actor = { provider: 'github', id: 'ada' };
  const run = await world().start(plan, { trigger: { ...TRIGGER, type: 'pull_request', actor } });
  await world().until(run, 'prod', 'held');
  const { id } = await world().engine.readRun(run);
  const headSha = change.headSha ?? (await headOf('main'));
  const row = { runId: id, installationId, repositoryId, owner: 'acme', repo: 'vault', headSha };
  await tools.runs.add(githubRun({ ...row, pullNumber: change.pullNumber ?? null }));
  return { run, id };
}

const headOf = async (branch: string): Promise<string> =>
  (await stage.call(stage.ada.token, 'GET', `/repos/acme/vault/git/ref/heads/${branch}`)).body.object.sha;

type Change = Partial<AnswerCall>;
const call = async (token: string, run: string, change: Change = {}) =>
  (await openAnswerCalls(tools)(token)).answer({ run, decision: 'approve', gate: 'prod', reason: '', ...change });
const codeOf = (answered: Promise<unknown>): Promise<unknown> =>
  answered.then(
    () => 'done',
    (error: { code?: string; message: string }) => error.code ?? error.message,
  );
const statusOf = async (run: number) => (await world().step(run, 'prod')).status;

describe('an answer over HTTP', () => {
  it('counts as that of the person whose token it is', async () => {
    const { run, id } = await waiting();
    const answered = await call(bo.token, id, { gate: 'prod', reason: 'fine' });
    expect(answered).toMatchObject({ run: id, gate: 'prod', decision: 'approve', person: bo.login, isWaiting: false });
    await world().until(run, 'prod', 'succeeded');
  });

  it('names its gate where it approves, and may leave it out where it denies the only one that waits', async () => {
    const { id } = await waiting();
    const person = await openAnswerCalls(tools)(bo.token);
    expect(await codeOf(person.answer({ run: id, decision: 'approve', reason: '' }))).toBe('GATE_NOT_OPEN');
    expect(await person.answer({ run: id, decision: 'deny', reason: '' })).toMatchObject({
      gate: 'prod',
      decision: 'deny',
    });
    expect(await codeOf(call(bo.token, id))).toBe('GATE_NOT_OPEN');
    expect(await codeOf(call(bo.token, id, { gate: null }))).toBe('GATE_NOT_OPEN');
  });

  it('of one person counts once, whatever they are called by then', async () => {
    const { run, id } = await waiting({ approvals: 2 });
    expect(await call(bo.token, id)).toMatchObject({ isWaiting: true });
    await call(bo.token, id);
    stage.sandbox.renameUser(bo.login, `${bo.login}-married`);
    expect(await call(bo.token, id)).toMatchObject({ person: `${bo.login}-married`, isWaiting: true });
    expect(await statusOf(run)).toBe('held');
    expect(await call(cleo.token, id)).toMatchObject({ isWaiting: false });
    await world().until(run, 'prod', 'succeeded');
  });

  it('can be taken back while the gate waits, by who gave it', async () => {
    const { run, id } = await waiting({ approvals: 2 });
    await call(bo.token, id);
    expect(await codeOf(call(cleo.token, id, { decision: 'revoke' }))).toBe('APPROVAL_NOT_ALLOWED');
    expect(await call(bo.token, id, { decision: 'revoke' })).toMatchObject({ decision: 'revoke', isWaiting: true });
    expect(await call(cleo.token, id)).toMatchObject({ isWaiting: true });
    expect(await statusOf(run)).toBe('held');
    await call(bo.token, id);
    await world().until(run, 'prod', 'succeeded');
    expect(await codeOf(call(bo.token, id, { decision: 'revoke' }))).toBe('GATE_NOT_OPEN');
  });

  it('says nothing to who may not read the repository, as if there were no run', async () => {
    const { run, id } = await waiting();
    expect(await codeOf(call(stage.stranger.token, id))).toBe('RUN_NOT_FOUND');
    expect(await codeOf(call(stage.stranger.token, '01nosuchrun'))).toBe('RUN_NOT_FOUND');
    const weak = stage.sandbox.issueUserToken(bo.login, 'gho_', ['read:user']);
    expect(await codeOf(call(weak, id))).toBe('RUN_NOT_FOUND');
    expect(await statusOf(run)).toBe('held');
  });

  it('of a member who was removed since counts no more', async () => {
    const { run, id } = await waiting({ approvals: 2 });
    await call(bo.token, id);
    stage.sandbox.setRole('acme', 'vault', cleo.login, null);
    expect(await codeOf(call(cleo.token, id))).toBe('RUN_NOT_FOUND');
    stage.sandbox.setRole('acme', 'vault', cleo.login, 'read');
    expect(await codeOf(call(cleo.token, id))).toBe('APPROVAL_NOT_ALLOWED');
    expect(await statusOf(run)).toBe('held');
  });

  it('of an installation is refused', async () => {
    const { id } = await waiting();
    expect(await codeOf(call(await stage.token(), id))).toBe('UNAUTHENTICATED');
    expect(await codeOf(call(stage.sandbox.issueUserToken(bo.login, 'ghu_'), id))).toBe('UNAUTHENTICATED');
  });

  it('is bound to the plan that was looked at', async () => {
    const { run, id } = await waiting();
    const { planDigest } = await world().engine.readRun(run);
    expect(await codeOf(call(bo.token, id, { planDigest: `sha256:${'0'.repeat(64)}` }))).toBe('CONFLICT');
    expect(await statusOf(run)).toBe('held');
    expect(await codeOf(call(bo.token, id, { planDigest }))).toBe('done');
  });

  it('wants somebody of whom the gate names: a team is asked about', async () => {
    const { run, id } = await waiting({ from: ['acme/release-managers'] });
    expect(await codeOf(call(bo.token, id))).toBe('APPROVAL_NOT_ALLOWED');
    stage.sandbox.setTeamMember('acme', 'release-managers', bo.login, 'pending');
    expect(await codeOf(call(bo.token, id))).toBe('APPROVAL_NOT_ALLOWED');
    stage.sandbox.setTeamMember('acme', 'release-managers', bo.login, 'active');
    expect(await codeOf(call(bo.token, id))).toBe('done');
    await world().until(run, 'prod', 'succeeded');
  });

  it('goes on after the repository was renamed, and not in another one of its old name', async () => {
    const { run, id } = await waiting();
    const owner = stage.sandbox.createUser(`owner-${people}`);
    stage.sandbox.setRole('acme', 'vault', owner.login, 'admin');
    const rename = (from: string, name: string) => stage.call(owner.token, 'PATCH', `/repos/acme/${from}`, { name });
    expect((await rename('vault', 'safe')).status).toBe(200);
    expect(await call(bo.token, id)).toMatchObject({ isWaiting: false });
    await world().until(run, 'prod', 'succeeded');
    const { id: second } = await waiting();
    await stage.sandbox.createRepository({ owner: 'acme', name: 'vault', files: { a: 'a' } });
    expect(await codeOf(call(bo.token, second))).toBe('RUN_NOT_FOUND');
    stage.sandbox.setRole('acme', 'vault', owner.login, 'admin');
    await rename('vault', 'decoy');
    await rename('safe', 'vault');
  });

  it('is not taken where the App was uninstalled', async () => {
    const { id } = await waiting();
    const row = await tools.runs.find(id);
    const gone = { ...tools, runs: { ...tools.runs, find: async () => row && { ...row, installationId: 1 } } };
    const person = await openAnswerCalls(gone)(bo.token);
    expect(await codeOf(person.answer({ run: id, decision: 'approve', reason: '' }))).toBe('RUN_NOT_FOUND');
  });

  describe('to a run of a pull request', () => {
    async function proposed(): Promise<{ readonly pullNumber: number; readonly headSha: string }> {
      const branch = `topic-${people}`;
      const base = '/repos/acme/vault';
      await stage.call(stage.ada.token, 'POST', `${base}/git/refs`, {
        ref: `refs/heads/${branch}`,
        sha: await headOf('main'),
      });
      await push(branch, 'one');
      const body = { title: branch, head: branch, base: 'main' };
      const { body: pull } = await stage.call(stage.ada.token, 'POST', `${base}/pulls`, body);
      return { pullNumber: pull.number, headSha: pull.head.sha };
    }
    const push = (branch: string, file: string) =>
      stage.call(stage.ada.token, 'PUT', `/repos/acme/vault/contents/${file}-${people}`, {
        message: file,
        content: 'eA==',
        branch,
      });

    it('is not for who wrote it, unless the gate says so; they may deny it', async () => {
      const pull = await proposed();
      const { run, id } = await waiting({}, pull);
      expect(await codeOf(call(stage.ada.token, id))).toBe('APPROVAL_NOT_ALLOWED');
      expect(await call(stage.ada.token, id, { decision: 'deny' })).toMatchObject({ person: 'ada' });
      await world().until(run, 'prod', 'denied');
    });

    it('is refused once there is a newer commit, but it may be denied', async () => {
      const pull = await proposed();
      const { run, id } = await waiting({}, pull);
      await push(`topic-${people}`, 'two');
      expect(await codeOf(call(bo.token, id))).toBe('CONFLICT');
      expect(await statusOf(run)).toBe('held');
      expect(await codeOf(call(bo.token, id, { decision: 'deny' }))).toBe('done');
    });
  });

  it('leaves GitHub nothing to complain about', () => {
    expect(stage.sandbox.violations()).toEqual([]);
  });
});

describe('what is told of a release over HTTP', () => {
  const readers = async (token: string, run: string) => {
    const person = await openAnswerCalls(tools)(token);
    return [() => person.readReleaseGate(run), () => person.readManifest(run), () => person.readDisclosure(run)];
  };

  it('is told to who may read the repository, once the run has ended', async () => {
    const { run, id } = await waiting();
    for (const read of await readers(bo.token, id)) expect(await codeOf(read())).toBe('RUN_NOT_FINISHED');
    await call(bo.token, id);
    await world().end(run);
    const [gate, manifest, pack] = await readers(bo.token, id);
    expect(await gate?.()).toMatchObject({ run: id, isPassed: false });
    expect(await manifest?.()).toMatchObject({ run: { id }, gate: { isPassed: false } });
    const archive = (await pack?.()) as Uint8Array;
    const { publicKey } = await world().engine.readReceipt(run);
    const { manifest: held } = await verifyDisclosure({ archive, key: publicKey });
    // Nothing that is not for everybody who may read the repository.
    expect(held.policy.decisions.every(({ question }) => question === null)).toBe(true);
  });

  it('is not told to others, nor that there is such a run', async () => {
    const { id } = await waiting();
    const stranger = stage.sandbox.createUser(`stranger-${people}`);
    for (const [token, run] of [
      [stranger.token, id],
      [bo.token, '01unknown'],
    ] as const)
      for (const read of await readers(token, run)) expect(await codeOf(read())).toBe('RUN_NOT_FOUND');
  });
});
