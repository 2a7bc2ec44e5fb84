import { plainLines } from './command-lines.ts';
import { COMMAND_ROWS, type Verb } from './command-table.ts';

/** A line that begins with `/maestro`, understood as far as its text goes. */
export type Command =
  | Plain<'help'>
  | Plain<'cancel'>
  | Plain<'status'>
  | Plain<'plan'>
  | { readonly verb: 'run'; readonly pipeline: string | undefined; readonly params: Params }
  | OfStep<'retry'>
  | OfStep<'explain'>
  | OfStep<'logs'>
  | { readonly verb: 'ok-to-test'; readonly sha: string | undefined }
  | GateWords<'approve'>
  | GateWords<'deny'>
  | GateWords<'revoke'>
  /** Perhaps a command of a pipeline (`on: command`). */
  | { readonly verb: 'other'; readonly name: string; readonly params: Params; readonly words: readonly string[] }
  | { readonly verb: 'invalid'; readonly problem: string };

interface Plain<V> {
  readonly verb: V;
}

interface OfStep<V> extends Plain<V> {
  readonly step: string | undefined;
}

/** Which word is a gate and where the reason begins shows when the waiting gates are known. */
interface GateWords<V> extends Plain<V> {
  readonly words: readonly string[];
  readonly text: string;
}

export type Params = Readonly<Record<string, string>>;

const COMMANDS_MAX = 10;
const LINE_CHARS_MAX = 4000;
const WORDS_MAX = 60;
const REASON_CHARS_MAX = 500;
const KEYS_MAX = 25;

/** Seen by nobody, so they mean nothing: zero-width characters, joiners, soft hyphens. */
const INVISIBLE = /\u00ad|\u180e|\u200b|\u200c|\u200d|[\u2060-\u2064]|\ufeff/g;
/** What they show is not what they say. */
const REORDERING = /[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/;
// oxlint-disable-next-line no-control-regex -- control characters are what this looks for
const CONTROLS = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/g;

/**
 * The commands of a comment in their order, at most 10. Lines count that begin with `/maestro` and that readers see as
 * text of the author.
 */
export function parseCommands(body: string): readonly Command[] {
  const commands: Command[] = [];
  for (const raw of plainLines(body)) {
    const text = commandText(raw);
    if (text === undefined) continue;
    if (commands.length === COMMANDS_MAX) {
      commands[COMMANDS_MAX - 1] = invalid(
        `at most ${COMMANDS_MAX} commands per comment: this and all after it were left out`,
      );
      break;
    }
    commands.push(parseCommand(text));
  }
  return commands;
}

/** What follows `/maestro`; undefined where the line does not begin so. */
function commandText(raw: string): string | undefined {
  const start = raw.slice(0, 200).replace(INVISIBLE, '');
  if (!/^ {0,3}\/maestro(?=\s|$)/iu.test(start)) return undefined;
  return raw.replace(INVISIBLE, '').trimStart().slice('/maestro'.length).trim();
}

function parseCommand(text: string): Command {
  if (text.length > LINE_CHARS_MAX) return invalid(`a command has at most ${LINE_CHARS_MAX} characters`);
  if (REORDERING.test(text)) return invalid('it contains characters that show text in another order than it has');
  const plain = text.replace(CONTROLS, ' ');
  const isAnswer = /^(?:approve|deny|revoke)(?=\s|$)/i.test(plain);
  const words = wordsOf(plain) ?? (isAnswer ? unquotedWords(plain) : undefined);
  if (words === undefined) return invalid('a quote is opened and not closed');
  if (!isAnswer && words.length > WORDS_MAX) return invalid(`a command has at most ${WORDS_MAX} words`);
  const [first, ...rest] = words;
  if (first === undefined) return { verb: 'help' };
  const name = first.text.toLowerCase();
  const verb = COMMAND_ROWS.find((row) => row.verb === name)?.verb;
  return verb === undefined ? pipelineCommand(name, rest) : READERS[verb](rest, text);
}

function pipelineCommand(name: string, rest: readonly Word[]): Command {
  if (!/^[a-z][a-z0-9-]{0,63}$/.test(name)) return invalid('a command is a word of letters, digits and dashes');
  const { params, others, problem } = paramsOf(rest);
  return problem === undefined ? { verb: 'other', name, params, words: others } : invalid(problem);
}

const READERS: Readonly<Record<Verb, (rest: readonly Word[], text: string) => Command>> = {
  help: () => ({ verb: 'help' }),
  status: (rest) => alone('status', rest),
  cancel: (rest) => alone('cancel', rest),
  plan: (rest) => alone('plan', rest),
  retry: (rest) => withStep('retry', rest),
  explain: (rest) => withStep('explain', rest),
  logs: (rest) => withStep('logs', rest),
  'ok-to-test': (rest) => (rest.length > 1 ? invalid('`ok-to-test` takes one SHA') : okToTest(rest[0]?.text)),
  approve: (rest, text) => ({ verb: 'approve', words: textsOf(rest), text: reasonOf(text, 'approve') }),
  deny: (rest, text) => ({ verb: 'deny', words: textsOf(rest), text: reasonOf(text, 'deny') }),
  revoke: (rest, text) => ({ verb: 'revoke', words: textsOf(rest), text: reasonOf(text, 'revoke') }),
  run: runCommand,
};

function alone<V extends 'status' | 'cancel' | 'plan'>(verb: V, rest: readonly Word[]): Plain<V> | Invalid {
  return rest.length === 0 ? { verb } : invalid(`\`${verb}\` takes no arguments`);
}

function withStep<V extends 'retry' | 'explain' | 'logs'>(verb: V, rest: readonly Word[]): OfStep<V> | Invalid {
  return rest.length > 1 ? invalid(`\`${verb}\` takes one step`) : { verb, step: rest[0]?.text };
}

function textsOf(words: readonly Word[]): readonly string[] {
  return words.map((word) => word.text);
}

function okToTest(sha: string | undefined): Command {
  if (sha === undefined || /^[0-9a-f]{7,64}$/i.test(sha)) return { verb: 'ok-to-test', sha: sha?.toLowerCase() };
  return invalid('a SHA has 7 to 40 characters of 0-9 and a-f');
}

function runCommand(rest: readonly Word[]): Command {
  const { params, others, problem } = paramsOf(rest);
  if (problem !== undefined) return invalid(problem);
  if (others.length > 1) return invalid('`run` takes one pipeline, then parameters as `key=value`');
  return { verb: 'run', pipeline: others[0], params };
}

/** What a person wrote after the verb, as it stands. */
function reasonOf(text: string, verb: string): string {
  return text.replace(CONTROLS, ' ').slice(verb.length).trim().slice(0, REASON_CHARS_MAX);
}

interface Word {
  readonly text: string;
  /** Index of an `=` outside of quotes; -1 where there is none. */
  readonly equals: number;
}

const CLOSING: Readonly<Record<string, string>> = { '"': '"', "'": "'", '“': '”', '„': '“', '‘': '’' };

/** Splits at white space outside of quotes; undefined where a quote stays open. An apostrophe within a word is none. */
function wordsOf(text: string): readonly Word[] | undefined {
  const words: Word[] = [];
  for (let at = 0; at < text.length; ) {
    if (/\s/u.test(text.charAt(at))) {
      at++;
      continue;
    }
    const read = readWord(text, at);
    if (read === undefined) return undefined;
    words.push(read.word);
    at = read.end;
  }
  return words;
}

function readWord(text: string, start: number): { readonly word: Word; readonly end: number } | undefined {
  let word = '';
  let equals = -1;
  let at = start;
  while (at < text.length && !/\s/u.test(text.charAt(at))) {
    const char = text.charAt(at);
    const closing = CLOSING[char];
    // A quote opens where a word or the value of a parameter begins.
    if (closing !== undefined && (at === start || equals === word.length - 1)) {
      const quoted = readQuoted(text, at + 1, closing);
      if (quoted === undefined) return undefined;
      word += quoted.text;
      at = quoted.end;
      continue;
    }
    if (char === '=' && equals < 0) equals = word.length;
    word += char;
    at++;
  }
  return { word: { text: word, equals }, end: at };
}

function readQuoted(
  text: string,
  start: number,
  closing: string,
): { readonly text: string; readonly end: number } | undefined {
  let quoted = '';
  for (let at = start; at < text.length; at++) {
    const char = text.charAt(at);
    if (char === closing) return { text: quoted, end: at + 1 };
    const next = text.charAt(at + 1);
    const isEscape = char === '\\' && (next === closing || next === '\\');
    if (isEscape) at++;
    quoted += isEscape ? next : char;
  }
  return undefined;
}

/** A reason is prose: a quote in it that stays open is one of its characters. */
function unquotedWords(text: string): readonly Word[] {
  return text
    .trim()
    .split(/\s+/u)
    .map((word) => ({ text: word, equals: -1 }));
}

function paramsOf(words: readonly Word[]): { params: Params; others: readonly string[]; problem?: string } {
  const params = new Map<string, string>();
  const others: string[] = [];
  for (const { text, equals } of words) {
    if (equals < 0) {
      others.push(text);
      continue;
    }
    const key = text.slice(0, equals);
    if (!/^[a-zA-Z_][\w-]{0,63}$/.test(key))
      return { params: {}, others, problem: 'a parameter is written `key=value`' };
    if (params.has(key)) return { params: {}, others, problem: `the parameter \`${key}\` is given twice` };
    params.set(key, text.slice(equals + 1));
  }
  if (params.size > KEYS_MAX) return { params: {}, others, problem: `at most ${KEYS_MAX} parameters` };
  return { params: Object.fromEntries(params), others };
}

type Invalid = Extract<Command, { verb: 'invalid' }>;

function invalid(problem: string): Invalid {
  return { verb: 'invalid', problem };
}
