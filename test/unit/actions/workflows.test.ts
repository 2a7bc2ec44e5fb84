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

const GUIDE = readFileSync(join(ROOT, 'docs/guides/actions.md'), 'utf8');
const EXAMPLES = [...GUIDE.matchAll(/```yaml\n([^]*?)```/g)].map(([, text = '']) => text);
/** Each action of this repository, by what follows its name in `uses`. */
const ACTIONS = ['', '/actions/lint', '/actions/verify'];

interface Step {
  readonly id?: string;
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

describe('the guide of the actions', () => {
  const actionOf = (folder: string) => parse(readFileSync(join(ROOT, folder, 'action.yml'), 'utf8'));
  const stepsOfJobs = (text: string): readonly Step[] =>
    Object.values(parse(text).jobs as Record<string, { readonly steps: readonly Step[] }>).flatMap(
      ({ steps }) => steps,
    );

  it.each(EXAMPLES)('shows a workflow that GitHub’s own parser takes: %s', async (text) => {
    expect(await findWorkflowErrors(text, WORKFLOW_PATH)).toEqual([]);
  });

  it.each(ACTIONS)('shows acme/maestro%s in use, with inputs and outputs that it has', (folder) => {
    const { inputs, outputs } = actionOf(`.${folder}`);
    const uses = EXAMPLES.flatMap((text) =>
      stepsOfJobs(text)
        .filter((step) => step.uses?.split('@')[0] === `acme/maestro${folder}`)
        .map((step) => ({ text, step })),
    );
    expect(uses.length).toBeGreaterThan(0);
    for (const { text, step } of uses) {
      expect(Object.keys(step.with ?? {}).filter((name) => !(name in inputs))).toEqual([]);
      const read = [...text.matchAll(new RegExp(`steps\\.${step.id}\\.outputs\\.([\\w-]+)`, 'g'))];
      expect(read.map(([, name]) => name).filter((name) => !((name ?? '') in outputs))).toEqual([]);
    }
  });

  it.each(ACTIONS)('names every input and output of acme/maestro%s', (folder) => {
    const { inputs, outputs } = actionOf(`.${folder}`);
    const missing = Object.keys({ ...inputs, ...outputs }).filter((name) => !GUIDE.includes(`\`${name}\``));
    expect(missing).toEqual([]);
  });
});

describeWith('actionlint', 'actionlint', (actionlint) => {
  it.each([...WORKFLOWS, ...EXAMPLES.map((text, i) => [`example ${i + 1} of the guide`, text] as const)])(
    'finds nothing in %s',
    (_, text) => {
      const { stdout, status } = spawnSync(actionlint, ['-no-color', '-shellcheck=', '-pyflakes=', '-'], {
        input: text,
        encoding: 'utf8',
      });
      expect(stdout).toBe('');
      expect(status).toBe(0);
    },
  );

  it('finds something in a workflow that is wrong', () => {
    const { status } = spawnSync(actionlint, ['-'], {
      input: TEMPLATE.replace('inputs.labels', 'inputs.label'),
      encoding: 'utf8',
    });
    expect(status).toBe(1);
  });
});
