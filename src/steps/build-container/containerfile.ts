import { MaestroError } from '../../base/errors.ts';

export const CONTAINERFILE_BYTES_MAX = 1_048_576;
const INSTRUCTIONS_MAX = 1000;

/** One instruction as it is written, continued lines joined. */
export interface Instruction {
  /** In capitals. */
  readonly name: string;
  /** `--chown=0:0` and their like, by name. */
  readonly flags: ReadonlyMap<string, string>;
  readonly rest: string;
  /** Where it begins, from 1. */
  readonly line: number;
}

export interface Containerfile {
  readonly instructions: readonly Instruction[];
  /** What quotes one character and continues a line: `\`, or a backtick where the file says so. */
  readonly escape: string;
}

/**
 * Splits a Containerfile into its instructions, and understands none of them.
 *
 * Written here because npm's parsers are made for editors: they mend what is broken and skip what they do not know, while a
 * builder has to refuse both.
 *
 * @throws MaestroError INPUT_INVALID
 * @source https://docs.docker.com/reference/dockerfile/
 */
export function parseContainerfile(text: string): Containerfile {
  const lines = text.replace(/^\ufeff/, '').split(/\r?\n/);
  const escape = escapeOf(lines);
  const instructions: Instruction[] = [];
  for (let at = 0; at < lines.length; ) {
    const line = at + 1;
    if (isNothing(lines[at] as string)) {
      at++;
      continue;
    }
    const logical = joinLines(lines, at, escape);
    at = logical.next;
    instructions.push(parseInstruction(logical.text, line));
    if (instructions.length > INSTRUCTIONS_MAX) throw atLine(line, `expected at most ${INSTRUCTIONS_MAX} instructions`);
  }
  return { instructions, escape };
}

/** The images that it builds upon, as they are written: all but `scratch` and its own stages. */
export function baseImages({
  instructions,
}: Containerfile): readonly { readonly image: string; readonly line: number }[] {
  const stages = new Set<string>();
  return instructions
    .filter(({ name }) => name === 'FROM')
    .flatMap(({ rest, line }) => {
      const [image = '', as, stage] = rest.split(/\s+/);
      const isOwn = image === 'scratch' || stages.has(image.toLowerCase());
      if (as?.toLowerCase() === 'as' && stage !== undefined) stages.add(stage.toLowerCase());
      return isOwn ? [] : [{ image, line }];
    });
}

/** An error at a line of the file. */
export function atLine(line: number, message: string): MaestroError {
  return new MaestroError('INPUT_INVALID', `line ${line} of the Containerfile: ${message}`);
}

/** Directives stand above everything else; `syntax` names a frontend of BuildKit and changes nothing here. */
function escapeOf(lines: readonly string[]): string {
  for (const line of lines) {
    const [, name = '', value = ''] = /^\s*#\s*([a-z]+)\s*=\s*(\S+)\s*$/i.exec(line) ?? [];
    if (name === '') return '\\';
    if (name.toLowerCase() === 'escape' && (value === '\\' || value === '`')) return value;
  }
  return '\\';
}

function isNothing(line: string): boolean {
  return /^\s*(?:#|$)/.test(line);
}

function joinLines(lines: readonly string[], first: number, escape: string): { text: string; next: number } {
  const parts: string[] = [];
  let at = first;
  for (; at < lines.length; at++) {
    const line = lines[at] as string;
    // Within a continued instruction comments and empty lines are skipped.
    if (at > first && isNothing(line)) continue;
    const trimmed = line.trimEnd();
    if (!trimmed.endsWith(escape)) {
      parts.push(line);
      at++;
      break;
    }
    parts.push(trimmed.slice(0, -1));
  }
  return { text: parts.join('').trim(), next: at };
}

function parseInstruction(text: string, line: number): Instruction {
  const [, name = '', after = ''] = /^([A-Za-z]+)(?:\s+(.*))?$/s.exec(text) ?? [];
  if (name === '') throw atLine(line, 'expected an instruction, such as COPY');
  const flags = new Map<string, string>();
  let rest = after.trim();
  for (
    let flag = /^--([a-z]+)(?:=(\S*))?(?:\s+|$)/.exec(rest);
    flag;
    flag = /^--([a-z]+)(?:=(\S*))?(?:\s+|$)/.exec(rest)
  ) {
    flags.set(flag[1] as string, flag[2] ?? 'true');
    rest = rest.slice(flag[0].length);
  }
  return { name: name.toUpperCase(), flags, rest, line };
}
