import { MaestroError } from '../base/errors.ts';
import { nearest } from '../pipeline/suggest.ts';
import { parseArguments } from './arguments.ts';
import type { TableRow } from './command.ts';
import type { Door } from './context.ts';
import { EXIT, type ExitCode, exitCodeOfError } from './exit-codes.ts';
import { commandNames, findCommand } from './find-command.ts';
import { commandHelp, generalHelp } from './help-text.ts';
import { refuseInsideStep } from './inside-step.ts';
import { Output } from './output.ts';
import { createPaint } from './paint.ts';
import { GLOBAL_OPTIONS, VERSION_OPTION } from './table.ts';

/**
 * Reads the words of a command line, does what they say and answers the exit code. Never throws.
 *
 * A fault that is not a MaestroError is shown with code INTERNAL.
 */
export async function runCli(words: readonly string[], door: Door): Promise<ExitCode> {
  const hasColors = door.terminal.hasColors && !words.includes('--no-color');
  const output = new Output(door.streams, words.includes('--json'), createPaint(hasColors));
  try {
    return await dispatch(words, door, output);
  } catch (error) {
    output.error(error);
    return exitCodeOfError(error);
  }
}

async function dispatch(words: readonly string[], door: Door, output: Output): Promise<ExitCode> {
  const called = findCalled(words);
  if (!called) return answerGeneral(words, door, output);
  const args = parseArguments(called.rest, called.spec, GLOBAL_OPTIONS);
  if (args.has('help')) {
    output.raw(commandHelp(called.spec, output.paint));
    return EXIT.ok;
  }
  const context = await door.openContext({ directory: args.text('directory') });
  if (called.spec.isActing) refuseInsideStep((name) => context.environment(name));
  const terminal = { ...door.terminal, hasColors: door.terminal.hasColors && !args.has('no-color') };
  const command = await called.spec.load();
  return command(args, { ...context, version: door.version, terminal, output });
}

/** No command: `--version`, or help. */
function answerGeneral(words: readonly string[], door: Door, output: Output): ExitCode {
  const args = parseArguments(words, GENERAL, [...GLOBAL_OPTIONS, VERSION_OPTION]);
  output.raw(args.has('version') ? `maestro ${door.version}\n` : generalHelp(door.version, output.paint));
  return EXIT.ok;
}

const GENERAL: TableRow = {
  name: 'help',
  group: 'Shell',
  summary: '',
  examples: [],
  load: () => Promise.reject(new MaestroError('USAGE', 'expected a command')),
};

interface Called {
  readonly spec: TableRow;
  readonly rest: readonly string[];
}

/** The command is the first word that is neither a global flag nor the value of one. */
function findCalled(words: readonly string[]): Called | undefined {
  let index = 0;
  while (words[index]?.startsWith('-')) index += takesNextWord(words[index] as string) ? 2 : 1;
  const name = words[index];
  if (name === undefined) return undefined;
  const before = words.slice(0, index);
  const twoWords = findCommand(`${name} ${words[index + 1] ?? ''}`);
  if (twoWords) return { spec: twoWords, rest: [...before, ...words.slice(index + 2)] };
  const spec = findCommand(name);
  if (spec) return { spec, rest: [...before, ...words.slice(index + 1)] };
  const suggestion = commandNames().find((known) => known.startsWith(`${name} `)) ?? nearest(name, commandNames());
  throw new MaestroError('USAGE', `unknown command '${name}'${suggestion ? `; did you mean '${suggestion}'?` : ''}`);
}

function takesNextWord(flag: string): boolean {
  return GLOBAL_OPTIONS.some((option) => option.value && (flag === `--${option.name}` || flag === `-${option.short}`));
}
