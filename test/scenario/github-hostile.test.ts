import { randomBytes } from 'node:crypto';
import { decodeJwt, decodeProtectedHeader, generateKeyPair, SignJWT } from 'jose';
import MarkdownIt from 'markdown-it';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { repositoryWorkflow, WORKFLOW_PATH } from '../../src/cli/repository-workflow.ts';
import { ACTION_USE, eventually, type GitHubWorld, openGitHubWorld } from './github-world.ts';

const LOUD = `name: loud
kind: ci
purpose: build
on:
  pull_request: {}
defaults: { runner: ubuntu-latest, timeout: 2m }
steps:
  - id: shout
    run: node shout.mjs
`;
/** A step of somebody who would like to speak in our name. */
const SHOUT = `const evil = '@acme/team #1 <img src=x onerror=alert(1)> | a | b | [x](javascript:1) \\u202egnp.exe\\u2066 \\u001b[31mred\\u001b[0m \\u0007';
for (let at = 1; at <= 10_000; at++)
  console.log('::error file=README.md,line=' + at + ',title=' + encodeURIComponent('@acme ' + at).replaceAll('%20', ' ') + '::' + evil + ' ' + at);
console.log('::error::' + evil + ' without a line');
console.log('\`\`\`\\n\\n# Approved by @acme/team\\n\\n| step | state |\\n|---|---|\\n| shout | ok |\\n');
process.exitCode = 3;
`;
/** Writes its own identity into its log, for whoever wants it. */
const LEAK = `
      - run: |
          node -e 'for (const audience of [process.env.SERVER, "https://elsewhere.example"]) fetch(process.env.ACTIONS_ID_TOKEN_REQUEST_URL + "&audience=" + encodeURIComponent(audience), { headers: { authorization: "Bearer " + process.env.ACTIONS_ID_TOKEN_REQUEST_TOKEN } }).then((answer) => answer.json()).then(({ value }) => console.log("stolen", audience, value))'
`;

describe('what must not get through', () => {
  let world: GitHubWorld;
  let skewMs = 0;
  beforeAll(async () => {
    world = await openGitHubWorld({
      nowMs: () => Date.now() + skewMs,
      files: { '.maestro/loud.yaml': LOUD, 'shout.mjs': SHOUT },
    });
  });
  afterAll(() => world.close());

  it('shows ten thousand remarks of a step as text, in batches, and counts the rest', async () => {
    const { ada, repository, sandbox } = world;
    const { sha } = await world.propose('loud', { 'README.md': 'Loud.\n' });
    const step = await world.check(sha, 'maestro / loud / shout', 'failure');
    const whole = await world.check(sha, 'maestro / loud', 'failure');
    const annotations = await ada.octokit.paginate(ada.octokit.rest.checks.listAnnotations, {
      ...repository,
      check_run_id: step.id,
      per_page: 100,
    });
    expect(annotations.length).toBeGreaterThanOrEqual(50);
    expect(annotations.length).toBeLessThanOrEqual(1000);
    const unseen = /[\p{Cf}\p{Cc}]/u;
    for (const { message, title } of annotations) {
      expect(message).not.toMatch(unseen);
      expect(title).not.toMatch(unseen);
    }
    expect(step.summary).toMatch(/9002 more annotations are in the log only/);
    for (const text of [step.summary, whole.summary]) expectHarmless(text);
    const writes = sandbox
      .calls()
      .filter(({ operation, path }) => operation === 'checks/update' && path.endsWith(`/${step.id}`));
    // Fifty go with each request, by GitHub's rule, which the sandbox enforces.
    expect(writes.length + 1).toBeGreaterThanOrEqual(annotations.length / 50);
    expect(sandbox.violations()).toEqual([]);
  });

  it('takes no identity but that of the job that it asked for, once', { timeout: 180_000 }, async () => {
    const { server, sandbox, repository, ada } = world;
    const leak = `    env: { SERVER: ${server.url} }\n    steps:${LEAK}`;
    const leaking = repositoryWorkflow(server.url, ACTION_USE).replace('    steps:\n', leak);
    await ada.push(repository, 'main', { message: 'ci: leak', files: { [WORKFLOW_PATH]: leaking } });
    const { sha } = await world.propose('awaited', { 'shout.mjs': '' });
    await world.check(sha, 'maestro / loud', 'success');
    await sandbox.settled();
    const job = sandbox.jobs().findLast(({ repository: name }) => name === 'acme/app');
    const ours = tokenFor(server.url, job?.log ?? []);
    const elsewhere = tokenFor('https://elsewhere.example', job?.log ?? []);
    const { data } = await ada.octokit.rest.actions.listWorkflowRunsForRepo({
      ...repository,
      event: 'workflow_dispatch',
    });
    const dispatchId = data.workflow_runs[0]?.display_title.replace('maestro ', '') ?? '';
    const register = (token: string, id = dispatchId): Promise<[number, unknown]> => knock(server.url, token, id);

    expect(await register(ours)).toEqual([409, 'CONFLICT']);
    expect(await register(elsewhere)).toEqual([401, 'UNAUTHENTICATED']);
    const { privateKey } = await generateKeyPair('RS256');
    const forged = await new SignJWT(decodeJwt(ours))
      .setProtectedHeader({ ...decodeProtectedHeader(ours), alg: 'RS256' })
      .sign(privateKey);
    expect(await register(forged)).toEqual([401, 'UNAUTHENTICATED']);
    expect(await register(`${ours.split('.').slice(0, 2).join('.')}.`)).toEqual([401, 'UNAUTHENTICATED']);

    // A job of another repository, with a token that GitHub itself signed for this server.
    await sandbox.createRepository({
      owner: 'acme',
      name: 'other',
      files: { 'README.md': 'Other.\n' },
      collaborators: { ada: 'write' },
    });
    const other = { owner: 'acme', repo: 'other' };
    const workflow = `on: push\npermissions: { id-token: write }\njobs:\n  work:\n    runs-on: ubuntu-latest\n${leak}`;
    await ada.push(other, 'main', { message: 'ci: leak', files: { '.github/workflows/leak.yml': workflow } });
    const tokens = (): readonly string[] =>
      sandbox
        .jobs()
        .filter(({ repository: name, status }) => name === 'acme/other' && status === 'completed')
        .map(({ log }) => tokenFor(server.url, log));
    const foreign = await eventually('the job of the other repository', () => tokens()[0]);
    expect(await register(foreign)).toEqual([403, 'JOB_REFUSED']);
    expect(await register(foreign, '01arz3ndektsv4rrffq69g5fav')).toEqual([403, 'JOB_REFUSED']);

    skewMs = -2 * 3_600_000;
    await ada.push(other, 'main', { message: 'ci: late', files: { 'README.md': 'Late.\n' } });
    const expired = await eventually('a token of two hours ago', () => tokens()[1]);
    skewMs = 0;
    expect(await register(expired)).toEqual([401, 'UNAUTHENTICATED']);
  });
});

function tokenFor(audience: string, log: readonly string[]): string {
  return log.flatMap((line) => (line.startsWith(`stolen ${audience} `) ? (line.split(' ')[2] ?? '') : []))[0] ?? '';
}

async function knock(server: string, token: string, dispatchId: string): Promise<[number, unknown]> {
  const response = await fetch(`${server}/api/v1/workers:register`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${token}` },
    body: JSON.stringify({
      dispatchId,
      name: 'impostor',
      capacity: 1,
      isolation: 'none',
      key: randomBytes(32).toString('hex'),
    }),
  });
  const { code } = (await response.json()) as { readonly code?: string };
  return [response.status, code];
}

/** As GitHub would render it: nothing of theirs but text, and no name that it would tell somebody of. */
function expectHarmless(markdown: string): void {
  const tokens = new MarkdownIt({ html: true, linkify: true }).parse(markdown, {});
  const parts = tokens.flatMap((token) => [token, ...(token.children ?? [])]);
  const foreign = ['html_block', 'html_inline', 'image', 'link_open', 'heading_open'];
  const jobPage = /^http:\/\/127\.0\.0\.1:\d+\/acme\/app\/actions\/runs\/\d+$/;
  // Maestro's own links lead to the jobs of the run.
  expect(parts.filter((part) => foreign.includes(part.type) && !jobPage.test(part.attrGet('href') ?? ''))).toEqual([]);
  const texts = parts.filter(({ type }) => type === 'text').map(({ content }) => content);
  expect(texts.filter((text) => /@\w|#\d|\p{Bidi_Control}/u.test(text))).toEqual([]);
  expect(texts).not.toContain('shout | ok');
}
