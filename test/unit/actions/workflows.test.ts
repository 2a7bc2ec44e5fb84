import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { findWorkflowErrors } from '../../../sandbox/runner/workflow-file.ts';
import { ACTION_REPOSITORY, repositoryWorkflow, WORKFLOW_PATH } from '../../../src/cli/repository-workflow.ts';
import { describeWith } from '../../real-parts.ts';

const ROOT = resolve(import.meta.dirname, '../../..');
const TEMPLATE = readFileSync(join(ROOT, 'templates/repository', WORKFLOW_PATH), 'utf8');
const PINNED = `${ACTION_REPOSITORY}@${'a'.repeat(40)}`;
const WORKFLOWS: readonly (readonly [string, string])[] = [
  ['the template', TEMPLATE],
  ['that of a server', repositoryWorkflow('https://maestro.example.org/base/', PINNED)],
  ['that of a sandbox', repositoryWorkflow('http://127.0.0.1:8080', PINNED)],
];

interface Step {
  readonly uses: string;
  readonly with: Readonly<Record<string, string>>;
}
const stepsOf = (text: string): readonly Step[] => parse(text).jobs.work.steps;

describe.each(WORKFLOWS)('the workflow of a repository: %s', (_, text) => {
  it('is what GitHub’s own parser takes, without a word', async () => {
    expect(await findWorkflowErrors(text, WORKFLOW_PATH)).toEqual([]);
    expect(await findWorkflowErrors(text.replace('runs-on', 'run-on'), WORKFLOW_PATH)).not.toEqual([]);
  });

  it('can be started by a dispatch alone, and may read, and ask who it is', () => {
    const { on, permissions, jobs } = parse(text);
    expect(Object.keys(on)).toEqual(['workflow_dispatch']);
    expect(Object.keys(on.workflow_dispatch.inputs)).toEqual(['dispatch_id', 'run', 'class', 'labels']);
    expect(permissions).toEqual({ contents: 'read', 'id-token': 'write' });
    expect(Object.keys(jobs)).toEqual(['work']);
  });

  it('uses the inputs of the action, and has no expression in the server’s address', () => {
    const [step, ...rest] = stepsOf(text);
    expect(rest).toEqual([]);
    const action = parse(readFileSync(join(ROOT, 'action.yml'), 'utf8'));
    expect(Object.keys(step?.with ?? {}).filter((name) => !(name in action.inputs))).toEqual([]);
    expect(step?.with.server).toMatch(/^https?:\/\/[\w.:/-]+[^/]$/);
  });
});

it('names the server and the action that it was asked for', () => {
  const [step] = stepsOf(WORKFLOWS[1]?.[1] ?? '');
  expect(step?.uses).toBe(PINNED);
  expect(step?.with.server).toBe('https://maestro.example.org/base');
});

it.each([
  'maestro.example.com',
  'ftp://a.example',
  'https://a.example/${{ secrets.X }}',
  "https://a.example/' #",
  'https://u:p@a.example',
])('refuses %s as the address of a server', (server) =>
  expect(() => repositoryWorkflow(server, PINNED)).toThrow(/expected --server/),
);

describeWith('actionlint', 'actionlint', (actionlint) => {
  it.each(WORKFLOWS)('finds nothing in %s', (_, text) => {
    const { stdout, status } = spawnSync(actionlint, ['-no-color', '-shellcheck=', '-pyflakes=', '-'], {
      input: text,
      encoding: 'utf8',
    });
    expect(stdout).toBe('');
    expect(status).toBe(0);
  });

  it('finds something in a workflow that is wrong', () => {
    const { status } = spawnSync(actionlint, ['-'], {
      input: TEMPLATE.replace('inputs.labels', 'inputs.label'),
      encoding: 'utf8',
    });
    expect(status).toBe(1);
  });
});

describeWith('act', 'act', (act) => {
  it('runs the committed action in host mode, up to the identity that act has none of', { timeout: 120_000 }, () => {
    const folder = mkdtempSync(join(tmpdir(), 'maestro-act-'));
    try {
      mkdirSync(join(folder, '.github/workflows'), { recursive: true });
      const text = repositoryWorkflow('http://127.0.0.1:9', PINNED);
      writeFileSync(join(folder, WORKFLOW_PATH), text);
      const git = (...words: string[]): void =>
        void execFileSync('git', ['-c', 'user.name=t', '-c', 'user.email=t@t', ...words], { cwd: folder });
      git('init', '--quiet', '--initial-branch=main');
      git('remote', 'add', 'origin', 'https://github.com/acme/app.git');
      git('add', '--all');
      git('commit', '--quiet', '-m', 'first');
      const inputs = { dispatch_id: '01DISPATCH', run: 'run1', class: 'linux', labels: '["ubuntu-latest"]' };
      const words = [
        'workflow_dispatch',
        '-P',
        'ubuntu-latest=-self-hosted',
        '--local-repository',
        `${PINNED}=${ROOT}`,
        '--cache-server-path',
        join(folder, 'cache'),
        '--action-cache-path',
        join(folder, 'actions'),
        ...Object.entries(inputs).flatMap(([name, value]) => ['--input', `${name}=${value}`]),
      ];
      const { stdout, stderr, status } = spawnSync(act, words, {
        cwd: folder,
        encoding: 'utf8',
        env: { PATH: `${join(ROOT, 'node_modules/.bin')}:${process.env.PATH}`, HOME: folder, XDG_CACHE_HOME: folder },
        timeout: 100_000,
      });
      expect(`${stdout}${stderr}`).toContain('this job may not ask for an identity token');
      expect(status).toBe(1);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });
});
