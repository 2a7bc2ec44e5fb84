import { parseArgs } from 'node:util';
import { MaestroError } from '../base/errors.ts';
import { nearest } from '../pipeline/suggest.ts';
import type { CommandSpec, OptionSpec, PositionalSpec } from './command-spec.ts';

/** What the user typed after the command's name, already checked against its row of the table. */
export class Arguments {
  readonly #flags: ReadonlyMap<string, readonly string[]>;
  readonly positionals: readonly string[];

  constructor(flags: ReadonlyMap<string, readonly string[]>, positionals: readonly string[]) {
    this.#flags = flags;
    this.positionals = positionals;
  }

  has(name: string): boolean {
    return this.#flags.has(name);
  }

  /** The last value given: later flags win. */
  text(name: string): string | undefined {
    return this.#flags.get(name)?.at(-1);
  }

  list(name: string): readonly string[] {
    return this.#flags.get(name) ?? [];
  }

  /** A positional that the table demands. */
  required(index: number): string {
    const value = this.positionals[index];
    if (value === undefined) throw new MaestroError('USAGE', `expected argument ${index + 1}`);
    return value;
  }
}

type Token = NonNullable<ReturnType<typeof parseArgs>['tokens']>[number];
type OptionToken = Extract<Token, { kind: 'option' }>;

/**
 * Checks the words against the options and positionals of a command.
 * @throws MaestroError USAGE naming the word, and the nearest flag that exists
 */
export function parseArguments(words: readonly string[], spec: CommandSpec, globals: readonly OptionSpec[]): Arguments {
  const options = [...globals, ...(spec.options ?? [])];
  const { tokens } = parseArgs({
    args: [...words],
    strict: false,
    allowPositionals: true,
    tokens: true,
    options: Object.fromEntries(options.map((option) => [option.name, parseOptionOf(option)])),
  });
  const flags = new Map<string, string[]>();
  const positionals: string[] = [];
  for (const token of tokens) {
    if (token.kind === 'positional') positionals.push(token.value);
    if (token.kind === 'option') addFlag(flags, token, options);
  }
  if (!flags.has('help')) checkPositionals(positionals, spec);
  return new Arguments(flags, positionals);
}

function parseOptionOf(option: OptionSpec): { type: 'string' | 'boolean'; short?: string } {
  return { type: option.value ? 'string' : 'boolean', ...(option.short ? { short: option.short } : {}) };
}

function addFlag(flags: Map<string, string[]>, token: OptionToken, options: readonly OptionSpec[]): void {
  const option = options.find((candidate) => candidate.name === token.name);
  if (!option) throw unknownFlag(token.rawName, options);
  const value = valueOf(token, option);
  const values = flags.get(option.name);
  if (values) values.push(value);
  else flags.set(option.name, [value]);
}

function valueOf(token: OptionToken, option: OptionSpec): string {
  if (!option.value) {
    if (token.value !== undefined)
      throw new MaestroError('USAGE', `${token.rawName} takes no value, got '${token.value}'`);
    return '';
  }
  const looksLikeFlag = token.inlineValue === false && token.value !== undefined && /^-./.test(token.value);
  if (token.value === undefined || looksLikeFlag) {
    throw new MaestroError('USAGE', `${token.rawName} expects a value: ${token.rawName} ${option.value}`);
  }
  return token.value;
}

function unknownFlag(rawName: string, options: readonly OptionSpec[]): MaestroError {
  const known = options.flatMap((option) => [`--${option.name}`, ...(option.short ? [`-${option.short}`] : [])]);
  const suggestion = nearest(rawName, known);
  return new MaestroError('USAGE', `unknown flag ${rawName}${suggestion ? `; did you mean ${suggestion}?` : ''}`);
}

function checkPositionals(values: readonly string[], spec: CommandSpec): void {
  const expected = spec.positionals ?? [];
  const missing = expected[values.length];
  if (missing && !missing.isOptional) throw new MaestroError('USAGE', `maestro ${spec.name} expects ${missing.name}`);
  const isEndless = expected.at(-1)?.isRepeatable === true;
  if (values.length > expected.length && !isEndless) {
    throw new MaestroError(
      'USAGE',
      `maestro ${spec.name} expects ${countText(expected)}, got '${values[expected.length]}' too`,
    );
  }
}

function countText(expected: readonly PositionalSpec[]): string {
  if (expected.length === 0) return 'no argument';
  return expected.map((positional) => positional.name).join(' ');
}
