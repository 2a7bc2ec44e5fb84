import type { CommandSpec, OptionSpec } from './command-spec.ts';
import { EXIT_MEANINGS } from './exit-codes.ts';
import { flagText, usageOf } from './help-text.ts';
import { COMMANDS, GLOBAL_OPTIONS, VERSION_OPTION } from './table.ts';

/** `docs/reference/cli.md`, made from the command table. A test says that the committed page is current. */
export function referencePage(): string {
  const sections = [
    '# The `maestro` command',
    'Made from `src/cli/table.ts` by `node app/write-cli-reference.ts`. Do not edit.',
    [
      'Without a server Maestro works in the project of the current folder: the nearest folder upwards that holds `.maestro`. State lives in',
      '`.maestro/state` (or `MAESTRO_HOME`), signing keys in `$XDG_STATE_HOME/maestro`. `DATABASE_URL` chooses Postgres instead of the embedded database.',
    ].join('\n'),
    '## Output',
    [
      'Standard output carries the answer, standard error carries remarks and errors. On a terminal `run`, `retry`, `resume`, `approve` and `watch` show the',
      'live graph; in a pipe they print one line per event and per line of a log. Escape sequences and control characters of steps never reach the terminal.',
      '',
      'With `--json` standard output is one JSON document, or one per line for `logs` and `watch`. An error is then also a document on standard output:',
      '`{"error":{"code","message","nextStep"}}`; people find the same on standard error as `error[CODE]: message` and `next: ...`.',
    ].join('\n'),
    '## Exit codes',
    table(
      ['code', 'meaning'],
      EXIT_MEANINGS.map(([code, meaning]) => [String(code), meaning]),
    ),
    '## Flags of every command',
    optionTable([...GLOBAL_OPTIONS, VERSION_OPTION]),
    '## Environment',
    table(['variable', 'meaning'], ENVIRONMENT),
    ...COMMANDS.flatMap(commandSections),
  ];
  return `${sections.join('\n\n')}\n`;
}

const ENVIRONMENT: readonly (readonly string[])[] = [
  ['`MAESTRO_HOME`', 'folder of the local state, instead of `.maestro/state`'],
  ['`DATABASE_URL`', 'Postgres to use, instead of the embedded database'],
  ['`MAESTRO_SIGNING_KEY`', 'PEM file of the private key that signs receipts, or the `kms://` address of one'],
  ['`MAESTRO_TRUSTED_KEYS`', 'public keys of older receipts, instead of `keys.json` beside the signing key'],
  ['`MAESTRO_KMS_VAULT_…`', 'how to log in to the vault of a `kms://vault` key: see docs/guides/signing-keys.md'],
  ['`MAESTRO_EVIDENCE_KEY`', 'PEM file of the Ed25519 key of the register, instead of one that is made for each state'],
  ['`MAESTRO_EVIDENCE_ORIGIN`', 'name of the register in its checkpoints (default: made of its key)'],
  ['`XDG_STATE_HOME`, `XDG_CACHE_HOME`', 'where keys and the compile cache live'],
  ['`NO_COLOR`, `FORCE_COLOR`, `TERM`, `CI`, `COLUMNS`, `LANG`', 'how the output looks'],
];

function commandSections(spec: CommandSpec): readonly string[] {
  const sections = [
    `## \`maestro ${spec.name}\``,
    `${capitalized(spec.summary)}.`,
    `\`\`\`sh\n${usageOf(spec)}\n\`\`\``,
  ];
  sections.push(...(spec.details ?? []));
  if (spec.aliases) sections.push(`Also: ${spec.aliases.map((alias) => `\`maestro ${alias}\``).join(', ')}.`);
  if (spec.options) sections.push(optionTable(spec.options));
  sections.push(`\`\`\`sh\n${spec.examples.join('\n')}\n\`\`\``);
  return sections;
}

function optionTable(options: readonly OptionSpec[]): string {
  const rows = options.map((option) => {
    const short = option.short ? `\`-${option.short}\`, ` : '';
    return [`${short}\`${flagText(option)}\``, `${option.summary}${option.isRepeatable ? ' (repeatable)' : ''}`];
  });
  return table(['flag', 'meaning'], rows);
}

function table(header: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
  return [line(header), `|${header.map(() => '---|').join('')}`, ...rows.map(line)].join('\n');
}

function capitalized(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
