import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { JsonObject } from '../../../../src/base/json.ts';
import type { Engine } from '../../../../src/engine/engine.ts';
import type { CodeEvent } from '../../../../src/github/code-event.ts';
import { codeHandlers } from '../../../../src/github/intake/code-handlers.ts';
import { openStarter } from '../../../../src/github/matching/start-matching.ts';
import type { GitHubAccess } from '../../../../src/github/octokit.ts';
import { compilePipeline } from '../../../../src/pipeline/compile.ts';
import type { CheckBoard, CheckSpec } from '../../../../src/protocol/check.ts';
import type { GitHubRuns } from '../../../../src/protocol/github-run.ts';
import { STEP_CATALOG } from '../../../../src/steps/catalog.ts';
import type { Database } from '../../../../src/store/database.ts';
import { openGitHubRuns } from '../../../../src/store/github-runs.ts';
import { onEveryDatabase } from '../../../every-database.ts';
import { freshDatabase, openTestEngine } from '../../../fakes/engine.ts';
import { FarEnd } from './far-end.ts';
import { BASE, codeEvent, pullFacts } from './sample-events.ts';

const pipeline = (on: string, name = 'tests'): string =>
  `name: ${name}\non: ${on}\nsteps:\n  - id: test\n    run: npm test\n`;
const REPO = '/repos/octo/app';
let count = 0;

onEveryDatabase('starting', (url) => {
  const far = new FarEnd();
  let fresh: Awaited<ReturnType<typeof freshDatabase>>;
  let db: Database;
  let engine: Engine;
  let runs: GitHubRuns;
  let access: GitHubAccess;
  let starter: ReturnType<typeof openStarter>;
  let trusted = false;
  const checks: CheckSpec[] = [];
  const board: CheckBoard = {
    put: async (_target, spec) => {
      checks.push(spec);
    },
  };
  beforeAll(async () => {
    fresh = await freshDatabase(url);
    db = await fresh.open();
    engine = await openTestEngine(db);
    runs = openGitHubRuns(db);
    access = await far.open();
    starter = openStarter({
      access,
      engine,
      runs,
      board,
      compile: (request) => compilePipeline({ ...request, catalog: STEP_CATALOG }),
      isTrusted: async () => trusted,
    });
  });
  afterEach(() => {
    far.reset();
    checks.length = 0;
    trusted = false;
  });
  afterAll(async () => {
    await far.close();
    await engine.close();
    await db.close();
    await fresh.drop();
  });

  /** A commit that no other test has. */
  function commit(files: Readonly<Record<string, string | Uint8Array>>, message = 'feat: x'): string {
    const sha = (++count).toString(16).padStart(40, 'c');
    far.commits.set(sha, files);
    far.answers.set(`GET ${REPO}/commits/${sha}`, { sha, commit: { message } });
    return sha;
  }

  const pushed = (headSha: string, branch = 'feature'): CodeEvent =>
    codeEvent({ headSha, definitionsSha: headSha, branch, ref: `refs/heads/${branch}` });
  const opened = (headSha: string, change: Partial<CodeEvent> = {}): CodeEvent =>
    codeEvent({
      type: 'pull_request',
      action: 'opened',
      headSha,
      definitionsSha: headSha,
      ref: 'refs/pull/7/head',
      pull: pullFacts({ headSha }),
      ...change,
    });
  const forked = (headSha: string): CodeEvent =>
    opened(headSha, { definitionsSha: BASE, pull: pullFacts({ headSha, isFork: true }) });

  it('starts what matches, and says where it belongs', async () => {
    const sha = commit({ '.maestro/ci.yaml': pipeline('push'), '.maestro/other.yml': pipeline('release', 'other') });
    const { started, ...rest } = await starter.start(pushed(sha));
    expect(rest).toEqual({ skipped: [], broken: [], held: [] });
    expect(started).toEqual([{ runId: expect.any(String), pipeline: 'tests' }]);
    const runId = started[0]!.runId;
    expect(await runs.find(runId)).toMatchObject({
      headSha: sha,
      ref: 'refs/heads/feature',
      pullNumber: null,
      pipelinePath: '.maestro/ci.yaml',
      checkName: 'maestro / tests',
    });
    expect(checks).toMatchObject([{ externalId: runId, name: 'maestro / tests', status: 'queued', conclusion: null }]);
    const trigger = await engine.readTrigger(await engine.resolve(runId));
    expect(trigger).toMatchObject({
      type: 'push',
      actor: { provider: 'github', id: 'mona' },
      source: { gitCommit: sha },
    });
    expect(trigger.github).toMatchObject({ event_name: 'push', sha, ref_name: 'feature', repository: 'octo/app' });
  });

  it('starts once, however often the event is handled and whoever comes first, push or pull request', async () => {
    const sha = commit({ '.maestro/ci.yaml': pipeline('[push, pull_request]') });
    const reports = await Promise.all([
      starter.start(pushed(sha)),
      starter.start(opened(sha)),
      starter.start(pushed(sha)),
    ]);
    reports.push(await starter.start(opened(sha)));
    expect(new Set(reports.map(({ started }) => started[0]?.runId)).size).toBe(1);
    expect(await runs.ofCommit(11, sha)).toHaveLength(1);
    expect(checks).toHaveLength(1);
  });

  it('starts anew for an occasion of its own: another branch, a label, a command', async () => {
    const sha = commit({ '.maestro/ci.yaml': pipeline('{ push: {}, pull_request: { types: [opened, labeled] } }') });
    await starter.start(pushed(sha));
    await starter.start(pushed(sha, 'main'));
    await starter.start(opened(sha, { action: 'labeled', deliveryId: 'label-1' }));
    await starter.start(opened(sha, { action: 'labeled', deliveryId: 'label-1' }));
    await starter.start(opened(sha), { occasion: 'comment/1' });
    expect(await runs.ofCommit(11, sha)).toHaveLength(4);
  });

  it('finishes what a crash left half done, without a second run', async () => {
    const sha = commit({ '.maestro/ci.yaml': pipeline('push') });
    const dies = openStarter({
      access,
      engine,
      runs,
      board: { put: () => Promise.reject(new Error('killed')) },
      compile: (request) => compilePipeline({ ...request, catalog: STEP_CATALOG }),
      isTrusted: async () => false,
    });
    await expect(dies.start(pushed(sha))).rejects.toThrow('killed');
    expect(await runs.ofCommit(11, sha)).toEqual([]);
    const { started } = await starter.start(pushed(sha));
    expect(checks).toHaveLength(1);
    expect((await runs.ofCommit(11, sha)).map(({ runId }) => runId)).toEqual([started[0]?.runId]);
  });

  it('reports a pull request that the paths leave out as skipped, and asks for its files once', async () => {
    const on = '{ pull_request: { paths: ["src/**"] } }';
    const sha = commit({ '.maestro/a.yaml': pipeline(on, 'first'), '.maestro/b.yaml': pipeline(on, 'second') });
    far.answers.set(`GET ${REPO}/pulls/7/files`, [{ filename: 'README.md' }]);
    expect(await starter.start(opened(sha))).toMatchObject({ started: [], skipped: ['first', 'second'] });
    expect(checks).toMatchObject([
      { externalId: `notice/${sha}/.maestro/a.yaml`, name: 'maestro / first', conclusion: 'skipped' },
      { name: 'maestro / second', conclusion: 'skipped' },
    ]);
    expect(far.calls.filter((call) => call.endsWith('/files'))).toHaveLength(1);
  });

  it('starts where the old name of a renamed file matches', async () => {
    const sha = commit({ '.maestro/ci.yaml': pipeline('{ pull_request: { paths: ["src/**"] } }') });
    far.answers.set(`GET ${REPO}/pulls/7/files`, [{ filename: 'lib/a.ts', previous_filename: 'src/a.ts' }]);
    expect((await starter.start(opened(sha))).started).toHaveLength(1);
  });

  it('never puts "skipped" over a run of the same commit', async () => {
    const sha = commit({ '.maestro/ci.yaml': pipeline('{ push: {}, pull_request: { branches: [release] } }') });
    await starter.start(pushed(sha));
    expect(await starter.start(opened(sha))).toMatchObject({ started: [], skipped: [] });
    expect(checks.map(({ conclusion }) => conclusion)).toEqual([null]);
  });

  it('leaves the verdict on a filtered push to the pull request, where the pipeline waits for both', async () => {
    const on = '{ push: { paths: ["src/**"] }, pull_request: {} }';
    const sha = commit({ '.maestro/ci.yaml': pipeline(on) });
    far.answers.set(`GET ${REPO}/compare/${BASE}...${sha}`, { files: [{ filename: 'README.md' }] });
    expect(await starter.start(pushed(sha))).toMatchObject({ started: [], skipped: [] });
    expect((await starter.start(opened(sha))).started).toHaveLength(1);
  });

  it('reports a filtered push as skipped where nothing else would, but not branches that are left out', async () => {
    const paths = pipeline('{ push: { paths: ["src/**"] } }', 'paths');
    const branches = pipeline('{ push: { branches: [main] } }', 'branches');
    const sha = commit({ '.maestro/a.yaml': paths, '.maestro/b.yaml': branches });
    far.answers.set(`GET ${REPO}/compare/${BASE}...${sha}`, { files: [{ filename: 'README.md' }] });
    expect(await starter.start(pushed(sha))).toMatchObject({ started: [], skipped: ['paths'] });
  });

  it('starts where the commit before a push is gone, or a comparison is cut off', async () => {
    const file = pipeline('{ push: { paths: ["src/**"] } }');
    expect((await starter.start(pushed(commit({ '.maestro/ci.yaml': file })))).started).toHaveLength(1);
    const sha = commit({ '.maestro/ci.yaml': file });
    const files = Array.from({ length: 300 }, (_, i) => ({ filename: `docs/${i}` }));
    far.answers.set(`GET ${REPO}/compare/${BASE}...${sha}`, { files });
    expect((await starter.start(pushed(sha))).started).toHaveLength(1);
  });

  it('does nothing, and reports nothing, for a commit that asks to skip', async () => {
    const sha = commit({ '.maestro/ci.yaml': pipeline('[push, pull_request]') }, 'docs [skip ci]');
    await starter.start({ ...pushed(sha), commitMessage: 'docs [skip ci]' });
    await starter.start(opened(sha));
    expect(checks).toEqual([]);
    expect((await starter.start(opened(sha), { occasion: 'comment/2' })).started).toHaveLength(1);
  });

  it('shows the errors of a pipeline on their lines', async () => {
    const text = 'name: tests\non: push\nsteps:\n  - id: test\n    uses: shel\n  - id: test\n    run: x\n';
    const sha = commit({ '.maestro/ci.yaml': text, '.maestro/ok.yaml': pipeline('push', 'okay') });
    expect(await starter.start(pushed(sha))).toMatchObject({ broken: ['tests'], started: [{ pipeline: 'okay' }] });
    const [broken] = checks;
    expect(broken).toMatchObject({ name: 'maestro / tests', status: 'completed', conclusion: 'failure' });
    expect(broken?.annotations).toMatchObject([
      { path: '.maestro/ci.yaml', startLine: 5, level: 'failure', title: 'uses-unknown' },
      { path: '.maestro/ci.yaml', startLine: 6, level: 'failure' },
    ]);
  });

  it.each([
    ['is no YAML', 'name: [', 'ci'],
    ['is empty', '', 'ci'],
    ['is binary', new Uint8Array([0xff, 0xfe, 0, 1]), 'ci'],
    ['is too large', `# ${'x'.repeat(1_100_000)}`, 'ci'],
  ])('reports a file that %s', async (_name, content, name) => {
    const sha = commit({ '.maestro/ci.yaml': content });
    expect(await starter.start(pushed(sha))).toMatchObject({ broken: [name], started: [] });
  });

  it('reads tasks of the repository, at the commit', async () => {
    const text = 'name: tests\non: push\nsteps:\n  - id: test\n    uses: ./tasks/lint\n';
    const manifest = JSON.stringify({ name: 'lint', main: ['node', 'main.js'], files: ['main.js'] });
    const sha = commit({
      '.maestro/ci.yaml': text,
      'tasks/lint/maestro.task.json': manifest,
      'tasks/lint/main.js': '1',
    });
    expect((await starter.start(pushed(sha))).started).toHaveLength(1);
    const without = commit({ '.maestro/ci.yaml': text, 'tasks/lint/maestro.task.json': manifest });
    expect(await starter.start(pushed(without))).toMatchObject({ broken: ['tests'] });
    expect(checks.at(-1)?.annotations).toMatchObject([{ title: 'task-invalid' }]);
  });

  it("holds a fork's commit until somebody vouched for it, and reads its pipelines from the base", async () => {
    far.commits.set(BASE, { '.maestro/ci.yaml': pipeline('pull_request') });
    const sha = commit({ '.maestro/ci.yaml': pipeline('pull_request', 'evil') });
    expect(await starter.start(forked(sha))).toMatchObject({ held: ['tests'], started: [] });
    expect(checks).toMatchObject([{ name: 'maestro / tests', conclusion: 'action_required' }]);
    expect(checks[0]?.summary).toContain(`/maestro ok-to-test ${sha}`);
    expect((await starter.start(forked(sha), { isTrusted: true })).started).toHaveLength(1);
    expect(await runs.ofCommit(11, sha)).toMatchObject([{ isFork: true, pullNumber: 7 }]);
  });

  it("takes a run under one base branch for no run under another, which would be the fork's choice of pipelines", async () => {
    const legacy = '1'.repeat(40);
    far.commits.set(BASE, { '.maestro/ci.yaml': pipeline('pull_request') });
    far.commits.set(legacy, { '.maestro/ci.yaml': pipeline('pull_request').replace('npm test', 'echo ok') });
    const sha = commit({});
    const onto = (baseRef: string, definitionsSha: string, deliveryId: string): CodeEvent => ({
      ...forked(sha),
      deliveryId,
      definitionsSha,
      pull: pullFacts({ headSha: sha, isFork: true, baseRef, baseSha: definitionsSha }),
    });
    const weak = await starter.start(onto('legacy', legacy, 'd1'), { isTrusted: true });
    expect(await starter.start(onto('main', BASE, 'delivery/d2'))).toMatchObject({ held: ['tests'], started: [] });
    // A check of its own: GitHub would go by the run's, which is newer than an earlier notice.
    expect(checks.at(-1)).toMatchObject({
      conclusion: 'action_required',
      externalId: `notice/${sha}@delivery-d2/.maestro/ci.yaml`,
    });
    const strong = await starter.start(onto('main', BASE, 'd3'), { isTrusted: true });
    expect(strong.started[0]?.runId).not.toBe(weak.started[0]?.runId);
  });

  it('starts a pipeline by name though its triggers do not match, with its parameters', async () => {
    const params = 'params:\n  where: { type: string, required: true }\n';
    const text = pipeline('release').replace('run: npm test', 'run: echo "$W"\n    env: { W: "${{ params.where }}" }');
    const sha = commit({ '.maestro/ci.yaml': text.replace('steps:', `${params}steps:`) });
    const choice = { pipeline: 'tests', params: { where: 'staging' }, occasion: 'comment/3' };
    const { started } = await starter.start(opened(sha), choice);
    expect((await engine.readPlan(await engine.resolve(started[0]!.runId))).params).toEqual({ where: 'staging' });
    expect(await starter.start(opened(sha), { pipeline: 'nothing' })).toMatchObject({ started: [], broken: [] });
  });

  it('leaves a pipeline alone that only people start, though it lacks a parameter now', async () => {
    const text = pipeline('dispatch').replace('steps:', 'params:\n  where: { type: string, required: true }\nsteps:');
    const sha = commit({ '.maestro/ci.yaml': text, '.maestro/manual.yaml': text.replace('on: dispatch\n', '') });
    expect(await starter.start(pushed(sha))).toMatchObject({ broken: [], started: [] });
  });

  it('finds nothing in a commit that is gone, and in one without pipelines', async () => {
    const nothing = { started: [], skipped: [], broken: [], held: [] };
    expect(await starter.start(pushed('d'.repeat(40)))).toEqual(nothing);
    expect(await starter.start(pushed(commit({ 'README.md': 'x', '.maestro/policy.yaml': 'x' })))).toEqual(nothing);
  });

  it('tells what an event would start, and the commands that are declared, and starts nothing', async () => {
    const command = pipeline('{ command: { name: deploy, permission: admin } }', 'deploy');
    const sha = commit({ '.maestro/a.yaml': pipeline('push', 'first'), '.maestro/b.yaml': command });
    expect(await starter.commands(pushed(sha))).toEqual([{ name: 'deploy', pipeline: 'deploy', permission: 'admin' }]);
    expect(await starter.intents(pushed(sha))).toMatchObject([{ pipeline: 'first', reason: null, request: {} }]);
    expect(await runs.ofCommit(11, sha)).toEqual([]);
  });

  describe('by webhook', () => {
    const send = (event: string, payload: JsonObject): Promise<string> => {
      const action = typeof payload['action'] === 'string' ? payload['action'] : null;
      const repository = { id: 11, name: 'app', owner: { login: 'octo' }, default_branch: 'main', html_url: '' };
      const handler = codeHandlers({ access, starter, engine, runs })[event]!;
      const whole = { repository, sender: { login: 'mona' }, ...payload };
      return handler({ id: `d-${++count}`, event, action, installationId: 3, payload: whole, receivedAt: '' });
    };
    const pull = (sha: string, change: JsonObject = {}): JsonObject => ({
      number: 7000 + count,
      head: { sha, ref: 'feature', repo: { id: 11 } },
      base: { sha: BASE, ref: 'main', repo: { id: 11 } },
      user: { login: 'mona' },
      merged: false,
      ...change,
    });

    it('cancels the runs of a pull request that is closed, and not of one that is merged; opening it again runs again', async () => {
      const sha = commit({ '.maestro/ci.yaml': pipeline('pull_request') });
      const pull_request = pull(sha);
      expect(await send('pull_request', { action: 'opened', pull_request })).toMatch(/^started tests \(/);
      const [first] = await runs.ofCommit(11, sha);
      const status = async (): Promise<string> => (await engine.readRun(await engine.resolve(first!.runId))).status;
      await send('pull_request', { action: 'closed', pull_request: { ...pull_request, merged: true } });
      expect(await status()).toBe('running');
      expect(await send('pull_request', { action: 'closed', pull_request })).toBe(`cancelled ${first!.runId}`);
      expect(await status()).toBe('cancelled');
      await send('pull_request', { action: 'reopened', pull_request });
      expect(await runs.ofCommit(11, sha)).toHaveLength(2);
    });

    it('cancels what a merge queue gave up', async () => {
      const sha = commit({ '.maestro/ci.yaml': pipeline('merge_group') });
      const merge_group = {
        head_sha: sha,
        head_ref: 'refs/heads/gh-readonly-queue/main/pr-1',
        base_sha: BASE,
        base_ref: 'refs/heads/main',
      };
      expect(await send('merge_group', { action: 'checks_requested', merge_group })).toMatch(/^started/);
      expect(await send('merge_group', { action: 'destroyed', reason: 'merged', merge_group })).toBe('nothing to do');
      expect(await send('merge_group', { action: 'destroyed', reason: 'dequeued', merge_group })).toMatch(/^cancelled/);
    });

    it('finds the commit of a release by its tag, and nothing for a draft without one', async () => {
      const sha = commit({ '.maestro/ci.yaml': pipeline('release') });
      const release = { tag_name: 'v1' };
      expect(await send('release', { action: 'published', release })).toBe('nothing to do');
      far.answers.set(`GET ${REPO}/commits/tags/v1`, { sha, commit: { message: 'x' } });
      expect(await send('release', { action: 'published', release })).toMatch(/^started tests/);
    });

    it('does nothing for payloads that lack what it needs', async () => {
      for (const event of ['push', 'release', 'pull_request', 'merge_group'])
        for (const payload of [{}, { action: 'closed' }, { action: 'destroyed', repository: null }])
          expect(await send(event, payload)).toMatch(/^(?:nothing to do|its push says the same)$/);
    });
  });
});
