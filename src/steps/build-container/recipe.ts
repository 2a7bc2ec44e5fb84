import { posix } from 'node:path';
import type { JsonObject } from '../../base/json.ts';
import { atLine, type Containerfile, type Instruction } from './containerfile.ts';
import { expandText, splitWords, type WordRules } from './words.ts';

/** What one instruction puts into the image. */
type Layer =
  | { readonly kind: 'copy'; readonly copy: CopyRequest; readonly createdBy: string }
  | { readonly kind: 'folder'; readonly path: string; readonly createdBy: string };

export interface CopyRequest {
  /** As written, variables put in; globs are not expanded yet. */
  readonly sources: readonly string[];
  /** Absolute in the image; a `/` at its end says that it is a folder. */
  readonly target: string;
  readonly uid: number;
  readonly gid: number;
  /** Permission bits for every file; undefined: those of the file, as far as it is executable. */
  readonly mode: number | undefined;
  /** ADD unpacks archives, which is refused. */
  readonly isAdd: boolean;
  readonly line: number;
}

export interface Recipe {
  readonly layers: readonly Layer[];
  /** The field `config` of an image. */
  readonly config: JsonObject;
  /** All instructions, as the image's history tells them. */
  readonly history: readonly { readonly createdBy: string; readonly isEmpty: boolean }[];
}

const PORT = /^([1-9]\d{0,4})(?:\/(tcp|udp|sctp))?$/;
const OWNER = /^(\d{1,9})(?::(\d{1,9}))?$/;
const MODE = /^0?[0-7]{3}$/;
const VARIABLE = /^[A-Za-z_]\w*$/;
const ID_MAX = 2_147_483_647;
/** Of all texts once variables and folders are put in: a small file in which each line doubles another is no image. */
const EXPANDED_CHARS_MAX = 1_048_576;

/**
 * What to build from a `FROM scratch` file in which nothing runs.
 *
 * @param args values for its `ARG`s
 * @throws MaestroError INPUT_INVALID, with the line, for everything else: RUN, a base image, a stage, a download
 */
export function recipeOf(file: Containerfile, args: Readonly<Record<string, string>>): Recipe {
  const maker = new RecipeMaker(file.escape, args);
  for (const instruction of file.instructions) maker.take(instruction);
  return maker.end();
}

class RecipeMaker {
  readonly #escape: string;
  readonly #args: Readonly<Record<string, string>>;
  readonly #unusedArgs: Set<string>;
  readonly #variables = new Map<string, string>();
  readonly #env = new Map<string, string>();
  readonly #labels = new Map<string, string>();
  readonly #ports = new Set<string>();
  readonly #layers: Layer[] = [];
  readonly #history: { createdBy: string; isEmpty: boolean }[] = [];
  #hasBegun = false;
  #expandedChars = 0;
  #folder = '/';
  #user: string | undefined;
  #entrypoint: readonly string[] | undefined;
  #command: readonly string[] | undefined;

  constructor(escape: string, args: Readonly<Record<string, string>>) {
    this.#escape = escape;
    this.#args = args;
    this.#unusedArgs = new Set(Object.keys(args));
  }

  take(instruction: Instruction): void {
    const { name, line, flags } = instruction;
    if (!this.#hasBegun && name !== 'FROM' && name !== 'ARG') throw atLine(line, 'expected FROM scratch first');
    if (flags.size > 0 && name !== 'COPY' && name !== 'ADD')
      throw atLine(line, `${name} takes no --${[...flags.keys()][0]} here`);
    const layersBefore = this.#layers.length;
    const deed = this.#deeds[name] ?? refuse;
    deed(instruction);
    if (name === 'FROM' || name === 'ARG') return;
    this.#history.push({ createdBy: textOf(instruction), isEmpty: this.#layers.length === layersBefore });
  }

  end(): Recipe {
    if (!this.#hasBegun) throw atLine(1, 'expected FROM scratch');
    const [unused] = this.#unusedArgs;
    if (unused !== undefined) throw atLine(1, `expected an ARG ${unused}, because a value for it is given`);
    const config: JsonObject = {
      ...(this.#user === undefined ? {} : { User: this.#user }),
      ...(this.#ports.size === 0
        ? {}
        : { ExposedPorts: Object.fromEntries([...this.#ports].map((port) => [port, {}])) }),
      ...(this.#env.size === 0 ? {} : { Env: [...this.#env].map(([name, value]) => `${name}=${value}`) }),
      ...(this.#entrypoint === undefined ? {} : { Entrypoint: this.#entrypoint }),
      ...(this.#command === undefined ? {} : { Cmd: this.#command }),
      ...(this.#folder === '/' ? {} : { WorkingDir: this.#folder }),
      ...(this.#labels.size === 0 ? {} : { Labels: Object.fromEntries(this.#labels) }),
    };
    return { layers: this.#layers, config, history: this.#history };
  }

  readonly #deeds: Readonly<Record<string, (instruction: Instruction) => void>> = {
    FROM: ({ rest, line }) => {
      if (this.#hasBegun) throw atLine(line, 'one FROM only: stages need buildah, podman or docker');
      if (!/^scratch(?:\s+as\s+\S+)?$/i.test(rest)) throw atLine(line, `FROM ${rest} needs buildah, podman or docker`);
      this.#hasBegun = true;
    },
    ARG: ({ rest, line }) => {
      for (const word of splitWords(rest, this.#rules(line))) {
        const [name, value] = pairOf(word);
        if (!VARIABLE.test(name)) throw atLine(line, 'expected ARG NAME or ARG NAME=default');
        this.#unusedArgs.delete(name);
        const given = Object.hasOwn(this.#args, name) ? this.#args[name] : value;
        // What ENV has set stands above ARG.
        if (given !== undefined && !this.#env.has(name)) this.#variables.set(name, given);
      }
    },
    ENV: ({ rest, line }) => {
      for (const [name, value] of this.#pairs(rest, line)) {
        if (!VARIABLE.test(name)) throw atLine(line, 'expected ENV NAME=value');
        this.#env.set(name, value);
        this.#variables.set(name, value);
      }
    },
    LABEL: ({ rest, line }) => {
      for (const [name, value] of this.#pairs(rest, line)) this.#labels.set(name, value);
    },
    EXPOSE: ({ rest, line }) => {
      for (const word of splitWords(rest, this.#rules(line))) {
        const [, port, protocol = 'tcp'] = PORT.exec(word) ?? [];
        if (port === undefined || Number(port) > 65_535) throw atLine(line, 'expected EXPOSE 8080 or 8080/udp');
        this.#ports.add(`${port}/${protocol}`);
      }
    },
    USER: ({ rest, line }) => {
      this.#user = this.#oneWord(rest, line, 'USER 1000:1000');
    },
    WORKDIR: (instruction) => {
      const { rest, line } = instruction;
      this.#folder = posix.resolve(this.#folder, this.#oneWord(rest, line, 'WORKDIR /app'));
      this.#spend(this.#folder.length, line);
      if (this.#folder !== '/')
        this.#layers.push({ kind: 'folder', path: this.#folder.slice(1), createdBy: textOf(instruction) });
    },
    ENTRYPOINT: ({ rest, line }) => {
      this.#entrypoint = commandOf(rest, line);
    },
    CMD: ({ rest, line }) => {
      this.#command = commandOf(rest, line);
    },
    COPY: (instruction) => this.#copy(instruction, false),
    ADD: (instruction) => this.#copy(instruction, true),
  };

  #copy(instruction: Instruction, isAdd: boolean): void {
    const { rest, line, flags } = instruction;
    if (rest.includes('<<'))
      throw atLine(line, 'files written within the Containerfile need buildah, podman or docker');
    const words = jsonWords(rest) ?? splitWords(rest, this.#rules(line));
    const target = words.at(-1);
    const sources = words.slice(0, -1);
    if (target === undefined || sources.length === 0) throw atLine(line, 'expected COPY SOURCE... TARGET');
    if (sources.some((source) => /^[a-z][a-z\d+.-]*:\/\/|^git@/i.test(source)))
      throw atLine(line, 'downloads need buildah, podman or docker: fetch it in a step before, and copy it');
    const isFolder = target.endsWith('/') || /(?:^|\/)\.$/.test(target);
    const absolute = posix.resolve(this.#folder, target);
    this.#spend(absolute.length, line);
    const copy: CopyRequest = {
      sources,
      target: isFolder && absolute !== '/' ? `${absolute}/` : absolute,
      ...ownerOf(flags, line),
      mode: modeOf(flags, line),
      isAdd,
      line,
    };
    this.#layers.push({ kind: 'copy', copy, createdBy: textOf(instruction) });
  }

  #rules(line: number): WordRules {
    return { variables: this.#variables, escape: this.#escape, line, spend: (chars) => this.#spend(chars, line) };
  }

  #spend(chars: number, line: number): void {
    this.#expandedChars += chars;
    if (this.#expandedChars > EXPANDED_CHARS_MAX)
      throw atLine(line, `expected texts of at most ${EXPANDED_CHARS_MAX} characters in all, variables put in`);
  }

  #oneWord(rest: string, line: number, example: string): string {
    const [word, ...more] = splitWords(rest, this.#rules(line));
    if (word === undefined || word === '' || more.length > 0) throw atLine(line, `expected ${example}`);
    return word;
  }

  /** `NAME=value ...`, or the older `NAME some text`. */
  #pairs(rest: string, line: number): readonly (readonly [string, string])[] {
    const legacy = /^([^\s=]+)\s+(.*)$/s.exec(rest);
    if (legacy && legacy[1] !== undefined && !/^[^\s]*["']/.test(legacy[1]))
      return [[legacy[1], expandText(legacy[2] as string, this.#rules(line))]];
    return splitWords(rest, this.#rules(line)).map((word) => {
      const [name, value] = pairOf(word);
      if (name === '' || value === undefined) throw atLine(line, 'expected NAME=value');
      return [name, value] as const;
    });
  }
}

function refuse({ name, line }: Instruction): never {
  throw atLine(line, `${name} needs buildah, podman or docker: nothing runs in an image that is built without them`);
}

function pairOf(word: string): readonly [string, string | undefined] {
  const at = word.indexOf('=');
  return at < 0 ? [word, undefined] : [word.slice(0, at), word.slice(at + 1)];
}

/** Only the JSON form: the other one asks for a shell, and an image from scratch has none. */
function commandOf(rest: string, line: number): readonly string[] {
  const words = jsonWords(rest);
  if (words) return words;
  throw atLine(line, 'expected a JSON list such as ["/app", "--port=80"]: an image from scratch has no shell');
}

function jsonWords(rest: string): readonly string[] | undefined {
  if (!rest.startsWith('[')) return undefined;
  try {
    const value: unknown = JSON.parse(rest);
    return Array.isArray(value) && value.every((word) => typeof word === 'string') ? value : undefined;
  } catch {
    return undefined;
  }
}

function ownerOf(flags: Instruction['flags'], line: number): { readonly uid: number; readonly gid: number } {
  const unknown = [...flags.keys()].find((name) => !['chown', 'chmod', 'link'].includes(name));
  if (unknown !== undefined) throw atLine(line, `--${unknown} needs buildah, podman or docker`);
  const [, uid, gid = uid] = OWNER.exec(flags.get('chown') ?? '0:0') ?? [];
  if (uid === undefined || Number(uid) > ID_MAX || Number(gid) > ID_MAX)
    throw atLine(line, 'expected --chown=1000:1000: an image from scratch has no names of users');
  return { uid: Number(uid), gid: Number(gid) };
}

function modeOf(flags: Instruction['flags'], line: number): number | undefined {
  const text = flags.get('chmod');
  if (text === undefined) return undefined;
  if (!MODE.test(text)) throw atLine(line, 'expected --chmod=755');
  return Number.parseInt(text, 8);
}

function textOf({ name, flags, rest }: Instruction): string {
  return [name, ...[...flags].map(([flag, value]) => `--${flag}=${value}`), rest].join(' ');
}
