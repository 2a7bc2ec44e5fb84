import { execFileSync, spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { completionScript, SHELLS } from '../../../src/cli/completion-script.ts';
import { referencePage } from '../../../src/cli/reference-page.ts';
import { COMMANDS } from '../../../src/cli/table.ts';
import { FakeProcess, temporaryFolder } from './harness.ts';

const HOUSE = resolve(import.meta.dirname, '../../..');

it('docs/reference/cli.md is what the command table says (else run `node app/write-cli-reference.ts`)', () => {
  expect(readFileSync(resolve(HOUSE, 'docs/reference/cli.md'), 'utf8')).toBe(referencePage());
});

describe('shell completion', () => {
  it.each(SHELLS)('of %s names every command', async (shell) => {
    const process = new FakeProcess({ cwd: temporaryFolder() });
    expect(await process.run('completion', shell)).toBe(0);
    for (const { name } of COMMANDS) expect(process.out).toContain(name);
  });

  it('refuses another shell', async () => {
    const process = new FakeProcess({ cwd: temporaryFolder() });
    expect(await process.run('completion', 'csh')).toBe(2);
  });

  it.each([
    ['maestro re', ['receipt', 'replay', 'resume', 'retry', 'revoke']],
    ['maestro run --bud', ['--budget']],
    ['maestro -C /tmp retry --a', ['--all']],
    ['maestro logs la', ['latest']],
    ['maestro completion ', ['bash', 'fish', 'zsh']],
    ['maestro run --param ', []],
  ])('in bash: %s', (line, expected) => {
    expect(completeInBash(line)).toEqual(expected);
  });
});

/** Asks a real bash what Tab would offer. */
function completeInBash(line: string): readonly string[] {
  const words = line.split(' ');
  const script = `${completionScript('bash')}
COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _maestro; printf '%s\\n' "\${COMPREPLY[@]}"`;
  const text = execFileSync('bash', ['--norc', '-c', script, 'bash', ...words], { encoding: 'utf8' });
  return text
    .split('\n')
    .filter((word) => word !== '')
    .sort();
}

describe('the binary', () => {
  const run = (...words: string[]) =>
    spawnSync('node', [resolve(HOUSE, 'app/cli.ts'), ...words], { encoding: 'utf8', cwd: temporaryFolder() });

  it('shows help without loading language, engine or database', () => {
    const { status, stdout, stderr } = spawnSync(
      'node',
      ['--import', LOAD_PRINTER, resolve(HOUSE, 'app/cli.ts'), '--help'],
      { encoding: 'utf8' },
    );
    expect(status).toBe(0);
    expect(stdout).toContain('maestro COMMAND');
    const loaded = stderr.split('\n').filter((line) => line.startsWith('file:'));
    expect(loaded.length).toBeGreaterThan(3);
    expect(loaded.filter((url) => /node_modules|src\/(store|engine|policy|worker|steps)\//.test(url))).toEqual([]);
  });

  it('exits with 2 and an error document for a wrong flag', () => {
    const { status, stdout, stderr } = run('run', '--jsn', '--json');
    expect(status).toBe(2);
    expect(JSON.parse(stdout).error.code).toBe('USAGE');
    expect(stderr).toContain('did you mean --json?');
  });

  it('refuses a folder that does not exist', () => {
    const { status, stderr } = run('status', '-C', 'nowhere');
    expect(status).toBe(2);
    expect(stderr).toContain('error[USAGE]');
  });
});

/** Prints the URL of every module that is loaded, as a `--import` of Node. */
const LOAD_PRINTER = `data:text/javascript,${encodeURIComponent(`
import { registerHooks } from 'node:module';
registerHooks({ load(url, context, next) { process.stderr.write(url + '\\n'); return next(url, context); } });
`)}`;
