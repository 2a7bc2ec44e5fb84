import type { CommandSpec, OptionSpec, PositionalSpec } from './command-spec.ts';
import { EXIT_MEANINGS } from './exit-codes.ts';
import type { Paint } from './paint.ts';
import { COMMANDS, GLOBAL_OPTIONS, VERSION_OPTION } from './table.ts';

const COMMAND_COLUMN = 14;
const OPTION_COLUMN = 28;

export function generalHelp(version: string, paint: Paint): string {
  const groups = [...new Set(COMMANDS.map((spec) => spec.group))];
  const lines = [
    `${paint.bold('maestro')} ${version}: a CI conductor whose every run is durable, decided by policy and proven by a receipt`,
    '',
    `${paint.bold('Usage')}  maestro COMMAND [ARGUMENTS] [FLAGS]`,
  ];
  for (const group of groups) {
    lines.push('', paint.bold(group));
    for (const spec of COMMANDS.filter((row) => row.group === group)) {
      lines.push(`  ${paint.cyan(spec.name.padEnd(COMMAND_COLUMN))}${spec.summary}`);
    }
  }
  lines.push(
    '',
    paint.bold('Everywhere'),
    ...[...GLOBAL_OPTIONS, VERSION_OPTION].map((option) => optionLine(option, paint)),
  );
  lines.push(
    '',
    paint.bold('Exit codes'),
    ...EXIT_MEANINGS.map(([code, meaning]) => `  ${String(code).padEnd(5)}${meaning}`),
  );
  lines.push('', `New here: ${paint.cyan('maestro init')}, then ${paint.cyan('maestro run')}.`);
  return `${lines.join('\n')}\n`;
}

export function commandHelp(spec: CommandSpec, paint: Paint): string {
  const options = [...(spec.options ?? []), ...GLOBAL_OPTIONS];
  const lines = [
    `${paint.bold(`maestro ${spec.name}`)}: ${spec.summary}`,
    '',
    `${paint.bold('Usage')}  ${usageOf(spec)}`,
  ];
  for (const paragraph of spec.details ?? []) lines.push('', paragraph);
  lines.push('', paint.bold('Flags'), ...options.map((option) => optionLine(option, paint)));
  if (spec.aliases)
    lines.push('', `${paint.bold('Also')}  ${spec.aliases.map((alias) => `maestro ${alias}`).join(', ')}`);
  lines.push('', paint.bold('Examples'), ...spec.examples.map((example) => `  ${example}`));
  return `${lines.join('\n')}\n`;
}

export function usageOf(spec: CommandSpec): string {
  const flags = (spec.options ?? []).map((option) => `[${flagText(option)}]${option.isRepeatable ? '...' : ''}`);
  return ['maestro', spec.name, ...(spec.positionals ?? []).map(positionalText), ...flags].join(' ');
}

export function flagText(option: OptionSpec): string {
  return `--${option.name}${option.value ? ` ${option.value}` : ''}`;
}

function positionalText(positional: PositionalSpec): string {
  const name = positional.isRepeatable ? `${positional.name}...` : positional.name;
  return positional.isOptional ? `[${name}]` : name;
}

function optionLine(option: OptionSpec, paint: Paint): string {
  const text = `${option.short ? `-${option.short}, ` : '    '}${flagText(option)}`;
  return `  ${paint.cyan(text.padEnd(OPTION_COLUMN))} ${option.summary}`;
}
