import { execFileSync, spawn } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { checksOf, waitForCheck } from '../../app/demo/look.ts';
import { openStage, type Stage } from '../../app/demo/stage.ts';
import { HOUSE } from '../../app/house.ts';
import type { JobRequest, JobResult } from '../../sandbox/runner/job.ts';
import { describeWith } from '../real-parts.ts';

const TEST_MS_MAX = 180_000;
const FIXED = `export function total(lines) {
  return lines.reduce((sum, { cents, pieces }) => sum + cents * pieces - (pieces >= 10 ? Math.floor((cents * pieces) / 10) : 0), 0);
}
`;

describeWith('act', 'the workflow of the demo, run by act instead of the runner of the sandbox', (act) => {
  let stage: Stage;
  let folder = '';
  const logs: string[] = [];
  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), 'maestro-demo-act-'));
    // What a runner downloads, without packages: the bundle must need none.
    for (const path of ['action.yml', 'package.json', 'actions'])
      cpSync(join(HOUSE, path), join(folder, 'action', path), { recursive: true });
    stage = await openStage({ output: join(folder, 'stage') });
    stage.sandbox.setRunners([{ labels: ['ubuntu-latest'], count: 1, run }]);
    stage.sandbox.install(stage.appId, stage.repository.owner, [stage.repository.repo]);
  });
  afterEach(async () => {
    await stage.close();
    rmSync(folder, { recursive: true, force: true });
  });

  /** A job as the sandbox would run it: the workflow file that was dispatched, its inputs, and the identity of the job. */
  async function run(request: JobRequest, signal: AbortSignal): Promise<JobResult> {
    const checkout = repositoryWith(request);
    const { idToken, inputs, serverUrl, token } = request;
    const words = [
      request.eventName,
      '--platform=ubuntu-latest=-self-hosted',
      `--local-repository=${actionOf(request.workflowText)}=${join(folder, 'action')}`,
      `--secret=GITHUB_TOKEN=${token}`,
      '--no-cache-server',
      ...Object.entries(inputs).flatMap(([name, value]) => ['--input', `${name}=${value}`]),
      ...Object.entries({
        GITHUB_SERVER_URL: serverUrl,
        ACTIONS_ID_TOKEN_REQUEST_URL: idToken?.requestUrl ?? '',
        ACTIONS_ID_TOKEN_REQUEST_TOKEN: idToken?.requestToken ?? '',
      }).flatMap(([name, value]) => ['--env', `${name}=${value}`]),
    ];
    const job = spawn(act, words, {
      cwd: checkout,
      env: { PATH: `${join(HOUSE, 'node_modules/.bin')}:${process.env.PATH}`, HOME: folder, XDG_CACHE_HOME: folder },
    });
    const end = (): void => killAllOf(folder);
    signal.addEventListener('abort', end, { once: true });
    for (const stream of [job.stdout, job.stderr])
      stream.setEncoding('utf8').on('data', (text: string) => void logs.push(text));
    const status = await new Promise<number | null>((ended) => job.once('exit', ended));
    end();
    return { conclusion: status === 0 ? 'success' : 'failure', steps: [], summary: '', annotations: [] };
  }

  function repositoryWith({ workflowPath, workflowText, repository, jobId }: JobRequest): string {
    const checkout = join(folder, `job-${jobId}`);
    mkdirSync(dirname(join(checkout, workflowPath)), { recursive: true });
    writeFileSync(join(checkout, workflowPath), workflowText);
    const git = (...words: string[]): void =>
      void execFileSync('git', ['-c', 'user.name=t', '-c', 'user.email=t@t', ...words], { cwd: checkout });
    git('init', '--quiet', '--initial-branch=main');
    git('remote', 'add', 'origin', `https://github.com/${repository.owner}/${repository.name}.git`);
    git('add', '--all');
    git('commit', '--quiet', '-m', 'the workflow');
    return checkout;
  }

  it('serves a pushed commit: the real server, the identity of the job, the committed bundle', {
    timeout: TEST_MS_MAX,
  }, async () => {
    const { ada, repository } = stage;
    const sha = await ada.push(repository, 'discounts', {
      message: 'feat: discounts',
      files: { 'src/price.js': FIXED },
    });
    const check = await waitForCheck(stage, sha, 'maestro / tests', 'success').catch((error: unknown) => {
      throw new Error(`${String(error)}\n${logs.join('')}`);
    });
    expect(check.title).toBe('All 4 steps done');
    expect(logs.join('')).toContain('syntax: succeeded');
    expect((await checksOf(stage, sha)).map(({ name }) => name)).toEqual(['maestro / tests']);
    await stage.sandbox.settled();
    expect(stage.sandbox.jobs().map(({ conclusion }) => conclusion)).toEqual(['success']);
    expect(stage.sandbox.violations()).toEqual([]);
  });
});

/** act gives its steps sessions of their own, which outlive it. */
function killAllOf(folder: string): void {
  try {
    execFileSync('pkill', ['-KILL', '-f', folder]);
  } catch {
    // Nothing is left.
  }
}

/** `uses: OWNER/NAME@SHA` of the workflow. */
function actionOf(workflowText: string): string {
  return /uses: (\S+@[0-9a-f]{40})/.exec(workflowText)?.[1] ?? '';
}
