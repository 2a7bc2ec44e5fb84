import { ProbotOctokit } from 'probot';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { openSandbox, type Sandbox } from '../../../../sandbox/sandbox.ts';
import type { Octokit } from '../../../../src/github/octokit.ts';
import type { Annotation } from '../../../../src/protocol/outcome.ts';
import { Reporting } from './reporting.ts';
import { placeOf, runView, stepView } from './views.ts';

const QUIET = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };
const HOSTILE = '@octo/admins <img src=x> ![](https://evil.test/a.png) | #1 \u202e```\u001b[31m';

let at: Reporting;
let sandbox: Sandbox;
beforeAll(async () => {
  [at, sandbox] = await Promise.all([Reporting.open(), openSandbox()]);
});
afterAll(async () => {
  await at.close();
  await sandbox.close();
});

const octokitWith = (auth: ConstructorParameters<typeof ProbotOctokit>[0]): Octokit =>
  new ProbotOctokit({ baseUrl: sandbox.apiUrl, throttle: { enabled: false }, log: QUIET, ...auth });

/** A pull request of a repository that has the App installed. */
async function openPull(octokit: Octokit): Promise<{ readonly number: number; readonly headSha: string }> {
  const place = { owner: 'octo', repo: 'app' };
  const { data: main } = await octokit.rest.git.getRef({ ...place, ref: 'heads/main' });
  await octokit.rest.git.createRef({ ...place, ref: 'refs/heads/change', sha: main.object.sha });
  await octokit.rest.repos.createOrUpdateFileContents({
    ...place,
    path: 'b.ts',
    branch: 'change',
    message: 'change',
    content: Buffer.from('b').toString('base64'),
  });
  const { data } = await octokit.rest.pulls.create({ ...place, title: 'Change', head: 'change', base: 'main' });
  return { number: data.number, headSha: data.head.sha };
}

it('GitHub’s own schema and limits take a failure with 175 annotations, hostile texts, a gate and the comment', async () => {
  const octo = sandbox.createUser('octo');
  const repository = await sandbox.createRepository({ owner: 'octo', name: 'app', files: { 'a.ts': 'a' } });
  const { appId, privateKey, slug } = sandbox.registerApp({
    name: 'Maestro',
    permissions: { checks: 'write', issues: 'write', pull_requests: 'write' },
    events: [],
    webhookUrl: 'http://127.0.0.1:9/',
    webhookSecret: 'secret',
  });
  const installationId = sandbox.install(appId, 'octo', ['app']);
  const pull = await openPull(octokitWith({ auth: { token: octo.token } }));
  const octokit = octokitWith({ auth: { appId, privateKey, installationId } });
  const place = placeOf('r1', {
    installationId,
    repositoryId: repository.id,
    headSha: pull.headSha,
    pullNumber: pull.number,
  });
  const annotations = Array.from(
    { length: 175 },
    (_, index): Annotation => ({
      level: 'failure',
      message: HOSTILE,
      title: HOSTILE,
      path: 'b.ts',
      startLine: index + 1,
    }),
  );
  const failed = stepView('test', { status: 'failed', reason: HOSTILE, annotations });
  const hold = { kind: 'gate', reason: HOSTILE, dueAt: null } as const;
  const gate = stepView('deploy', { kind: 'gate', status: 'held', hold, finishedAt: null });
  await at.show(place, runView('r1', { steps: [failed, gate] }));
  const reporter = at.reporter({ access: { installation: async () => octokit }, app: { id: appId, slug } });
  await reporter.turn();
  at.clock.ms += 60_000;
  await at.show(place, runView('r1', { status: 'failed', steps: [failed, stepView('deploy', { kind: 'gate' })] }));
  await reporter.turn();
  await reporter.turn();
  expect(at.errors).toEqual([]);
  expect(sandbox.violations()).toEqual([]);

  const { data } = await octokit.rest.checks.listForRef({ owner: 'octo', repo: 'app', ref: pull.headSha });
  expect(
    data.check_runs
      .map((one) => [one.name, one.conclusion, one.output.annotations_count])
      .toSorted((a, b) => String(a[0]).localeCompare(String(b[0]))),
  ).toEqual([
    ['maestro / ci', 'failure', 0],
    ['maestro / ci / deploy', 'success', 0],
    ['maestro / ci / test', 'failure', 175],
  ]);
  const comments = await octokit.rest.issues.listComments({ owner: 'octo', repo: 'app', issue_number: pull.number });
  expect(comments.data.map((one) => one.user?.login)).toEqual([`${slug}[bot]`]);
  expect(comments.data[0]?.body).toContain('❌ failure');
  expect(await at.runs.open(10)).toEqual([]);
});

it('one check stands after an answer that was lost, a secondary limit and an error of the server', async () => {
  const octokit = octokitWith({ auth: { token: sandbox.createUser('other').token } });
  const repository = await sandbox.createRepository({ owner: 'other', name: 'app', files: { 'a.ts': 'a' } });
  const { appId, privateKey, slug } = sandbox.registerApp({
    name: 'Other',
    permissions: { checks: 'write', contents: 'read' },
    events: [],
    webhookUrl: 'http://127.0.0.1:9/',
    webhookSecret: 'secret',
  });
  const installationId = sandbox.install(appId, 'other', ['app']);
  const { data: main } = await octokit.rest.git.getRef({ owner: 'other', repo: 'app', ref: 'heads/main' });
  const headSha = main.object.sha;
  await at.show(
    placeOf('r2', { installationId, repositoryId: repository.id, owner: 'other', headSha }),
    runView('r2', { status: 'succeeded' }),
  );
  const app = octokitWith({ auth: { appId, privateKey, installationId } });
  const reporter = at.reporter({ access: { installation: async () => app }, app: { id: appId, slug } });
  const call = /^(POST|PATCH) .*check-runs/;
  for (const answer of [
    { type: 'lost-answer' },
    { type: 'secondary-limit', retryAfterSeconds: 30 },
    { type: 'status', status: 502 },
  ] as const) {
    sandbox.misbehave({ kind: 'answer', call, answer, times: 1 });
    await reporter.turn();
    at.clock.ms += 60_000;
  }
  await reporter.turn();
  const { data } = await app.rest.checks.listForRef({ owner: 'other', repo: 'app', ref: headSha, filter: 'all' });
  expect(data.check_runs).toMatchObject([{ external_id: 'r2', conclusion: 'success' }]);
  await reporter.turn();
  expect(await at.runs.open(10)).toEqual([]);
  expect(sandbox.violations()).toEqual([]);
});
