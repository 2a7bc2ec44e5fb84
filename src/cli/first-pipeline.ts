import { basename } from 'node:path';
import { isJsonObject } from '../base/json.ts';

/** What is read of a project to write its first pipeline: file contents by name, undefined where absent. */
export interface ProjectFacts {
  /** Absolute; its last part names the pipeline. */
  readonly root: string;
  readFile(name: string): string | undefined;
}

export interface FirstPipeline {
  readonly text: string;
  /** What was found, for people: `package.json`. */
  readonly found: readonly string[];
}

interface FirstStep {
  readonly id: string;
  readonly needs?: string;
  readonly run: string;
}

/** The pipeline that fits the project: what its own scripts and lock files say, and nothing that it does not have. */
export function firstPipeline(facts: ProjectFacts): FirstPipeline {
  const kits = [nodeSteps(facts), pythonSteps(facts), goSteps(facts)].filter((kit) => kit !== undefined);
  const steps =
    kits.length > 0 ? kits.flatMap((kit) => kit.steps) : [{ id: 'hello', run: 'echo "replace me with your build"' }];
  return { found: kits.map((kit) => kit.file), text: pipelineText(nameOf(facts.root), steps) };
}

interface Kit {
  readonly file: string;
  readonly steps: readonly FirstStep[];
}

const SCRIPTS = ['lint', 'types', 'typecheck', 'type-check', 'test', 'build'];
/** What `npm init` writes: a test script that only fails. */
const NPM_PLACEHOLDER = 'no test specified';

function nodeSteps(facts: ProjectFacts): Kit | undefined {
  const text = facts.readFile('package.json');
  if (text === undefined) return undefined;
  const scripts = scriptsOf(text);
  const { install, runner } = packageManager(facts);
  const steps = SCRIPTS.filter((name) => scripts.has(name)).map((name) => ({
    id: name === 'type-check' ? 'typecheck' : name,
    needs: 'install',
    run: `${runner} ${name}`,
  }));
  return { file: 'package.json', steps: [{ id: 'install', run: install }, ...steps] };
}

function packageManager(facts: ProjectFacts): { readonly install: string; readonly runner: string } {
  const has = (name: string): boolean => facts.readFile(name) !== undefined;
  if (has('pnpm-lock.yaml')) return { install: 'pnpm install --frozen-lockfile', runner: 'pnpm run' };
  if (has('bun.lock')) return { install: 'bun install --frozen-lockfile', runner: 'bun run' };
  if (has('yarn.lock')) return { install: 'yarn install --immutable', runner: 'yarn run' };
  return { install: has('package-lock.json') ? 'npm ci' : 'npm install', runner: 'npm run' };
}

function scriptsOf(packageJson: string): ReadonlySet<string> {
  try {
    const scripts: unknown = JSON.parse(packageJson)?.scripts;
    if (!isJsonObject(scripts)) return new Set();
    const isReal = ([, script]: [string, unknown]): boolean =>
      typeof script === 'string' && !script.includes(NPM_PLACEHOLDER);
    return new Set(
      Object.entries(scripts)
        .filter(isReal)
        .map(([name]) => name),
    );
  } catch {
    // A broken package.json is npm's to report; the pipeline then only installs, and shows it.
    return new Set();
  }
}

function pythonSteps(facts: ProjectFacts): Kit | undefined {
  const project = facts.readFile('pyproject.toml');
  if (project === undefined) return undefined;
  const { install, prefix } = pythonManager(facts);
  const steps: FirstStep[] = [{ id: 'python-install', run: install }];
  if (project.includes('ruff')) steps.push({ id: 'ruff', needs: 'python-install', run: `${prefix}ruff check .` });
  if (project.includes('mypy')) steps.push({ id: 'mypy', needs: 'python-install', run: `${prefix}mypy .` });
  if (project.includes('pytest')) steps.push({ id: 'pytest', needs: 'python-install', run: `${prefix}pytest` });
  return { file: 'pyproject.toml', steps };
}

function pythonManager(facts: ProjectFacts): { readonly install: string; readonly prefix: string } {
  if (facts.readFile('uv.lock') !== undefined) return { install: 'uv sync --frozen', prefix: 'uv run ' };
  if (facts.readFile('poetry.lock') !== undefined) return { install: 'poetry install', prefix: 'poetry run ' };
  return { install: 'python3 -m venv .venv && .venv/bin/pip install -e .', prefix: '.venv/bin/python -m ' };
}

function goSteps(facts: ProjectFacts): Kit | undefined {
  if (facts.readFile('go.mod') === undefined) return undefined;
  const steps = [
    { id: 'go-vet', run: 'go vet ./...' },
    { id: 'go-test', run: 'go test ./...' },
    { id: 'go-build', run: 'go build ./...' },
  ];
  return { file: 'go.mod', steps };
}

/** Steps without `needs` start side by side as soon as one step has them, so a Go-only project still gets a list. */
function pipelineText(name: string, steps: readonly FirstStep[]): string {
  const lines = [
    '# Checked by `maestro lint`, shown by `maestro plan`, run by `maestro run`.',
    `name: ${name}`,
    'kind: ci',
    'on:',
    '  push: { branches: [main] }',
    '  pull_request: { branches: [main] }',
    'defaults: { timeout: 20m }',
    'steps:',
  ];
  for (const { id, needs, run } of steps) {
    lines.push(`  - id: ${id}`);
    if (needs) lines.push(`    needs: [${needs}]`);
    lines.push(`    run: ${run}`);
  }
  return `${lines.join('\n')}\n`;
}

/** A name that the language accepts: `^[a-z0-9][a-z0-9-]{2,63}$`. */
function nameOf(root: string): string {
  const base = basename(root)
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-+|-+$/g, '')
    .slice(0, 60);
  return base === '' ? 'first-ci' : `${base}-ci`;
}
