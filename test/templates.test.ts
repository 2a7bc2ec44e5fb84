import { execFileSync } from 'node:child_process';
import { globSync, readdirSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import picomatch from 'picomatch';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { EXIT_MEANINGS } from '../src/cli/exit-codes.ts';
import { compilePipeline } from '../src/pipeline/compile.ts';
import type { SourceTree } from '../src/pipeline/task-manifest.ts';
import { STEP_CATALOG } from '../src/steps/catalog.ts';

const ROOT = resolve(import.meta.dirname, '..');
const FILES: SourceTree = { read: (path) => readFileSync(resolve(ROOT, path)) };
const TEMPLATES = globSync('templates/pipelines/*.{yaml,yml,json}', { cwd: ROOT }).sort();
const PIPELINES = globSync('.maestro/*.yaml', { cwd: ROOT });
const README = readText('README.md');

describe('the pipelines that we publish', () => {
  it('are there for every language that `maestro init` knows', () => {
    expect(TEMPLATES.map((path) => /([^/\\]+)\.yaml$/.exec(path)?.[1])).toEqual(['go', 'node', 'python']);
    expect(PIPELINES.length).toBeGreaterThan(0);
  });

  it.each([...TEMPLATES, ...PIPELINES])('compile without a single finding: %s', (path) => {
    const { plan, findings } = compiled(path, readText(path));
    expect(findings).toEqual([]);
    expect(plan?.steps.length).toBeGreaterThan(3);
  });

  it.each(['README.md', 'docs/guides/getting-started.md'])('compile where %s shows one to type', (page) => {
    const [, text = ''] = /<<'END'\n([^]*?\n)END\n/.exec(readText(page)) ?? [];
    expect(compiled('first.yaml', text).findings).toEqual([]);
    expect(compiled('first.yaml', text).plan?.steps.map(({ kind }) => kind)).toContain('gate');
  });
});

describe('the pipeline that builds Maestro', () => {
  const steps = (parse(readText('.maestro/ci.yaml'), { merge: true }) as { readonly steps: readonly CiStep[] }).steps;

  it('runs the unit tests of every room', () => {
    const rooms = steps.find(({ id }) => id === 'unit')?.matrix?.room ?? [];
    const folders = readdirSync(resolve(ROOT, 'test/unit'), { withFileTypes: true }).filter((entry) =>
      entry.isDirectory(),
    );
    expect(rooms.toSorted()).toEqual(folders.map(({ name }) => name).toSorted());
  });

  it('keeps no result over a change of a file that its checks can read', () => {
    const keys = [...new Set(steps.flatMap(({ cache }) => cache?.key ?? []))];
    expect(keys).toHaveLength(1);
    const globs = [...(keys[0] ?? '').matchAll(/'([^']+)'/g)].map(([, glob]) => glob ?? '');
    const isInKey = picomatch(globs, { dot: true });
    const unread = ['.gitattributes', '.gitignore', '.npmrc', 'LICENSE'];
    const forgotten = filesOfRepository().filter((path) => !isInKey(path) && !unread.includes(path));
    expect([...new Set(forgotten.map((path) => path.split('/')[0]))]).toEqual([]);
  });
});

describe('the first page', () => {
  it('names every exit code with its meaning', () => {
    for (const [code, meaning] of EXIT_MEANINGS) expect(README).toContain(`| ${code} | ${meaning} |`);
  });

  it.each(['npm ci && npm run demo', 'npm ci && npm test'])('shows the command %s', (command) => {
    expect(README).toContain(`\`\`\`sh\n${command}\n\`\`\``);
  });
});

interface CiStep {
  readonly id: string;
  readonly matrix?: { readonly room?: readonly string[] };
  readonly cache?: { readonly key: string };
}

function filesOfRepository(): readonly string[] {
  return execFileSync('git', ['ls-files', '-z'], { cwd: ROOT, encoding: 'utf8' }).split('\0').filter(Boolean);
}

function compiled(path: string, text: string): ReturnType<typeof compilePipeline> {
  return compilePipeline({ path, text, params: {}, catalog: STEP_CATALOG, files: FILES });
}

function readText(path: string): string {
  return readFileSync(resolve(ROOT, path), 'utf8');
}
