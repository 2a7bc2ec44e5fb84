import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
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
