import type { CommandSpec, Completion, OptionSpec } from './command-spec.ts';
import { COMMANDS, GLOBAL_OPTIONS } from './table.ts';

export const SHELLS = ['bash', 'zsh', 'fish'] as const;
export type Shell = (typeof SHELLS)[number];

/** A completion script, made from the command table. It asks Maestro nothing, so Tab answers at once. */
export function completionScript(shell: Shell): string {
  return { bash: bashScript, zsh: zshScript, fish: fishScript }[shell]();
}

function optionsOf(spec: CommandSpec): readonly OptionSpec[] {
  return [...(spec.options ?? []), ...GLOBAL_OPTIONS];
}

function completionOf(spec: CommandSpec): Completion | undefined {
  return spec.name === 'help' ? names() : spec.positionals?.[0]?.completion;
}

function names(): readonly string[] {
  return COMMANDS.map(({ name }) => name);
}

function bashScript(): string {
  const cases = COMMANDS.map((spec) => {
    const flags = optionsOf(spec).map(({ name }) => `--${name}`);
    return `    ${spec.name}) flags='${flags.join(' ')}'; words='${bashWords(completionOf(spec))}' ;;`;
  });
  const valued = [
    ...new Set(
      COMMANDS.flatMap(optionsOf)
        .filter((option) => option.value && !option.completion)
        .map(({ name }) => `--${name}`),
    ),
  ];
  return `# bash completion of maestro; made by \`maestro completion bash\`
_maestro() {
  local current=\${COMP_WORDS[COMP_CWORD]} previous=\${COMP_WORDS[COMP_CWORD-1]} command='' flags='' words='' word
  COMPREPLY=()
  for word in "\${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
    case $word in
      ${names().join('|')}) command=$word; break ;;
    esac
  done
  if [[ -z $command ]]; then
    COMPREPLY=($(compgen -W '${[...names(), ...GLOBAL_OPTIONS.map(({ name }) => `--${name}`), '--version'].join(' ')}' -- "$current"))
    return
  fi
  case $command in
${cases.join('\n')}
  esac
  case $previous in
    ${valued.join('|')}) return ;;
    -C|--directory|-o|--output|--bundles|--keys) COMPREPLY=($(compgen -d -- "$current")); return ;;
    -m|--manifest|--pipeline|--key|--run-record) COMPREPLY=($(compgen -f -- "$current")); return ;;
  esac
  if [[ $current == -* ]]; then COMPREPLY=($(compgen -W "$flags" -- "$current"))
  elif [[ $words == '<file>' ]]; then COMPREPLY=($(compgen -f -- "$current"))
  else COMPREPLY=($(compgen -W "$words" -- "$current")); fi
}
complete -o filenames -F _maestro maestro
`;
}

function bashWords(completion: Completion | undefined): string {
  if (completion === undefined) return '';
  return typeof completion === 'string' ? '<file>' : completion.join(' ');
}

function zshScript(): string {
  const commands = COMMANDS.map(({ name, summary }) => `    ${zshQuoted(`${name}:${summary}`)}`);
  const cases = COMMANDS.map((spec) => {
    const options = optionsOf(spec).flatMap(zshOption);
    const words = [...options, zshQuoted(`*:argument:${zshAction(completionOf(spec))}`)];
    return `    ${spec.name}) _arguments -s ${words.join(' ')} ;;`;
  });
  return `#compdef maestro
# zsh completion of maestro; made by \`maestro completion zsh\`
_maestro() {
  local -a commands
  commands=(
${commands.join('\n')}
  )
  local context state line
  _arguments -C ${GLOBAL_OPTIONS.flatMap(zshOption).join(' ')} '1: :->command' '*:: :->arguments' && return
  if [[ $state == command ]]; then _describe command commands; return; fi
  case $words[1] in
${cases.join('\n')}
  esac
}
if [[ $funcstack[1] == _maestro ]]; then _maestro "$@"; else compdef _maestro maestro; fi
`;
}

function zshOption(option: OptionSpec): readonly string[] {
  const value = option.value ? `:${option.value.replaceAll(/[[\]:]/g, '')}:${zshAction(option.completion)}` : '';
  const spellings = [`--${option.name}`, ...(option.short ? [`-${option.short}`] : [])];
  const repeat = option.isRepeatable ? '*' : '';
  return spellings.map((spelling) =>
    zshQuoted(`${repeat}${spelling}[${option.summary.replaceAll(/[[\]]/g, '')}]${value}`),
  );
}

function zshAction(completion: Completion | undefined): string {
  if (completion === 'file') return '_files';
  if (completion === 'directory') return '_files -/';
  return completion ? `(${completion.join(' ')})` : ' ';
}

function zshQuoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}

function fishScript(): string {
  const lines = ['# fish completion of maestro; made by `maestro completion fish`', 'complete -c maestro -f'];
  for (const option of GLOBAL_OPTIONS) lines.push(`complete -c maestro ${fishOption(option)}`);
  for (const { name, summary } of COMMANDS) {
    lines.push(`complete -c maestro -n __fish_use_subcommand -a ${name} -d ${fishQuoted(summary)}`);
  }
  for (const spec of COMMANDS) {
    const condition = `-n '__fish_seen_subcommand_from ${spec.name}'`;
    for (const option of spec.options ?? []) lines.push(`complete -c maestro ${condition} ${fishOption(option)}`);
    const completion = completionOf(spec);
    if (typeof completion === 'string') lines.push(`complete -c maestro ${condition} -F`);
    else if (completion) lines.push(`complete -c maestro ${condition} -a ${fishQuoted(completion.join(' '))}`);
  }
  return `${lines.join('\n')}\n`;
}

function fishOption(option: OptionSpec): string {
  const short = option.short ? ` -s ${option.short}` : '';
  const value = option.value ? (option.completion ? ' -r -F' : ' -x') : '';
  return `-l ${option.name}${short}${value} -d ${fishQuoted(option.summary)}`;
}

function fishQuoted(text: string): string {
  return `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`;
}
