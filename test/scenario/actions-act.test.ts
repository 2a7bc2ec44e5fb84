import { execFileSync, spawn } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { ACTION_REPOSITORY, repositoryWorkflow, WORKFLOW_PATH } from '../../src/cli/repository-workflow.ts';
import { describeWith } from '../real-parts.ts';
import { JobWorld } from '../unit/actions/job-world.ts';
import { leaseOf } from '../unit/worker/leases.ts';

const ROOT = resolve(import.meta.dirname, '../..');
const ACTION = `${ACTION_REPOSITORY}@${'a'.repeat(40)}`;
const INPUTS = { dispatch_id: '01DISPATCH', run: 'run1', class: 'linux', labels: '["ubuntu-latest"]' };

describeWith('act', 'the workflow of a repository, run by act on this machine', (act) => {
  let world: JobWorld;
  let folder = '';
  beforeEach(async () => {
    world = new JobWorld();
    await world.open();
    folder = mkdtempSync(join(tmpdir(), 'maestro-act-'));
    // What a runner downloads, without packages: the bundle must need none.
    for (const path of ['action.yml', 'package.json', 'actions'])
      cpSync(join(ROOT, path), join(folder, 'action', path), { recursive: true });
    writeRepository();
  });
  afterEach(() => {
    world.close();
    rmSync(folder, { recursive: true, force: true });
  });

  function writeRepository(): void {
    const repository = join(folder, 'repository');
    const workflow = join(repository, WORKFLOW_PATH);
    mkdirSync(dirname(workflow), { recursive: true });
    writeFileSync(workflow, repositoryWorkflow(world.server, ACTION));
    const git = (...words: string[]): void =>
      void execFileSync('git', ['-c', 'user.name=t', '-c', 'user.email=t@t', ...words], { cwd: repository });
    git('init', '--quiet', '--initial-branch=main');
    git('remote', 'add', 'origin', 'https://github.com/acme/app.git');
    git('add', '--all');
    git('commit', '--quiet', '-m', 'first');
  }

  function dispatch(
    env: Readonly<Record<string, string>>,
  ): Promise<{ readonly log: string; readonly status: number | null }> {
    const words = [
      'workflow_dispatch',
      '--platform=ubuntu-latest=-self-hosted',
      `--local-repository=${ACTION}=${join(folder, 'action')}`,
      '--secret=GITHUB_TOKEN=token-of-act',
      '--no-cache-server',
      ...Object.entries(INPUTS).flatMap(([name, value]) => ['--input', `${name}=${value}`]),
      ...Object.entries(env).flatMap(([name, value]) => ['--env', `${name}=${value}`]),
    ];
    const job = spawn(act, words, {
      cwd: join(folder, 'repository'),
      env: { PATH: `${join(ROOT, 'node_modules/.bin')}:${process.env.PATH}`, HOME: folder, XDG_CACHE_HOME: folder },
    });
    let log = '';
    for (const stream of [job.stdout, job.stderr])
      stream.setEncoding('utf8').on('data', (text: string) => (log += text));
    return new Promise((settle) => job.once('close', (status) => settle({ log, status })));
  }

  it('serves the run with the committed bundle', { timeout: 120_000 }, async () => {
    world.checkout.sha = world.git.commit({ 'greeting.txt': 'hello through act\n' });
    world.conductor.queue(leaseOf({ runId: 'run1' }, { id: 'greet', with: { run: 'cat greeting.txt' } }));
    world.conductor.successors = () => {
      world.conductor.send({ type: 'drain' });
      return [];
    };
    const { GITHUB_SERVER_URL = '', ...env } = world.environment({});
    const identity = Object.entries(env).filter(([name]) => name.startsWith('ACTIONS_ID_TOKEN_'));
    const { log, status } = await dispatch({ ...Object.fromEntries(identity), GITHUB_SERVER_URL });
    expect(log).toContain('greet: succeeded');
    expect(status).toBe(0);
    expect(world.admissions).toEqual(['01DISPATCH']);
    expect(world.conductor.outcomes.get('1.0')?.kind).toBe('succeeded');
    expect(world.conductor.logText()).toBe('hello through act\n');
  });

  it('says what is missing where the job may not show who it is', { timeout: 120_000 }, async () => {
    const { log, status } = await dispatch({});
    expect(log).toContain('this job may not ask for an identity token');
    expect(status).toBe(1);
  });
});
