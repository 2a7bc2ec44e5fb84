import { describe, expect, it } from 'vitest';
import { parseArguments } from '../../../src/cli/arguments.ts';
import type { CommandSpec } from '../../../src/cli/command-spec.ts';
import { findCommand } from '../../../src/cli/find-command.ts';
import { COMMANDS, GLOBAL_OPTIONS } from '../../../src/cli/table.ts';
import { FakeProcess, temporaryFolder } from './harness.ts';

const RUN = findCommand('run') as CommandSpec;
const parse = (...words: string[]) => parseArguments(words, RUN, GLOBAL_OPTIONS);

describe('the words of a command line', () => {
  it('are flags with values, switches and arguments, in any order', () => {
    const args = parse('--param', 'a=1', 'ci', '--param=b=2=3', '--wait', '-C', 'sub', '--json');
    expect(args.positionals).toEqual(['ci']);
    expect(args.list('param')).toEqual(['a=1', 'b=2=3']);
    expect(args.has('wait')).toBe(true);
    expect(args.has('help')).toBe(false);
    expect(args.text('directory')).toBe('sub');
  });

  it('are arguments after two dashes', () => {
    expect(parse('--', '--wait').positionals).toEqual(['--wait']);
  });

  it.each([
    ['an unknown flag', ['--frobnicate']],
    ['a flag without its value', ['--param']],
    ['a flag whose value is another flag', ['--param', '--json']],
    ['a switch with a value', ['--wait=yes']],
    ['an argument too many', ['one', 'two']],
  ])('are refused with USAGE for %s', (_title, words) => {
    expect(() => parse(...words)).toThrowError(expect.objectContaining({ code: 'USAGE' }));
  });
});

describe('a mistyped command line', () => {
  it.each([
    [['rnu'], "'run'"],
    [['template', 'lnt'], "'template lint'"],
    [['lint', '--jsno'], '--json'],
    [['run', '--parm', 'a=1'], '--param'],
    [['help', 'sttaus'], "'status'"],
  ])('%j exits with 2 and suggests %s', async (words, suggestion) => {
    const process = new FakeProcess({ cwd: temporaryFolder() });
    expect(await process.run(...words)).toBe(2);
    expect(process.out).toBe('');
    expect(process.err).toContain('error[USAGE]');
    expect(process.err).toContain(`did you mean ${suggestion}?`);
  });

  it('is an error document on standard output with --json', async () => {
    const process = new FakeProcess({ cwd: temporaryFolder() });
    expect(await process.run('status', '--json', '--nope')).toBe(2);
    expect(JSON.parse(process.out)).toEqual({
      error: { code: 'USAGE', message: 'unknown flag --nope', nextStep: expect.any(String) },
    });
  });
});

describe('help', () => {
  it.each([[[]], [['--help']], [['help']], [['-h']]])('%j names every command and exits with 0', async (words) => {
    const process = new FakeProcess({ cwd: temporaryFolder() });
    expect(await process.run(...words)).toBe(0);
    for (const { name } of COMMANDS) expect(process.out).toMatch(new RegExp(`^  ${name} `, 'm'));
  });

  it.each(COMMANDS.map((spec) => [spec.name, spec] as const))('of %s names its flags', async (name, spec) => {
    const process = new FakeProcess({ cwd: temporaryFolder() });
    expect(await process.run(name, '--help')).toBe(0);
    for (const option of spec.options ?? []) expect(process.out).toContain(`--${option.name}`);
  });

  it('shows the version', async () => {
    const process = new FakeProcess({ cwd: temporaryFolder() });
    expect(await process.run('--version')).toBe(0);
    expect(process.out).toBe('maestro 1.2.3\n');
  });
});

describe('the command table', () => {
  it.each(COMMANDS.map((spec) => [spec.name, spec] as const))('loads %s', async (_name, spec) => {
    expect(await spec.load()).toBeTypeOf('function');
  });

  it('has no flag twice within a command', () => {
    for (const { options = [] } of COMMANDS) {
      const names = [...options, ...GLOBAL_OPTIONS].flatMap(({ name, short }) => (short ? [name, short] : [name]));
      expect(new Set(names).size).toBe(names.length);
    }
  });

  it('has examples that parse', () => {
    for (const spec of COMMANDS) {
      for (const example of spec.examples.filter((text) => text.startsWith('maestro '))) {
        const words = example
          .split(' > ')[0]!
          .replaceAll(/"[^"]*"/g, 'text')
          .split(' ')
          .slice(2);
        expect(() => parseArguments(words, spec, GLOBAL_OPTIONS)).not.toThrow();
      }
    }
  });
});
