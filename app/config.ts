import { homedir, userInfo } from 'node:os';
import { isAbsolute, join, resolve } from 'node:path';
import { MaestroError } from '../src/base/errors.ts';
import { isInsideStep } from '../src/cli/inside-step.ts';
import { isNoteName } from '../src/provenance/evidence-log/note-key.ts';
import { readSigningConfig, type SigningConfig } from './signing-config.ts';

type Environment = Readonly<Record<string, string | undefined>>;

/** Everything that the environment says to Maestro, checked. Rooms get values of it, never the environment. */
export interface Config {
  /** The project. Absolute. */
  readonly root: string;
  /** Database, blobs and logs of this project (`MAESTRO_HOME`, else `.maestro/state`). Absolute. */
  readonly stateFolder: string;
  /** Signing keys, outside every repository (`$XDG_STATE_HOME/maestro`). Absolute. */
  readonly keyFolder: string;
  /** What signs receipts (`MAESTRO_SIGNING_KEY`), and what signed older ones (`MAESTRO_TRUSTED_KEYS`). */
  readonly signing: SigningConfig;
  /** PEM file of the Ed25519 key of the evidence register (`MAESTRO_EVIDENCE_KEY`), instead of one in `keyFolder`. Absolute. */
  readonly evidenceKeyFile: string | undefined;
  /** Name of the register in its checkpoints (`MAESTRO_EVIDENCE_ORIGIN`). */
  readonly evidenceOrigin: string | undefined;
  /** Postgres (`DATABASE_URL`); the embedded database where it is absent. May hold a password: never show it. */
  readonly databaseUrl: string | undefined;
  /** Who acts on this machine. */
  readonly userName: string;
  /** This process was started by a step of a run, as far as the environment tells. */
  readonly isInsideStep: boolean;
  readonly display: DisplayConfig;
}

export interface DisplayConfig {
  /** True forces colours, false forbids them, undefined leaves it to the terminal. */
  readonly hasColors: boolean | undefined;
  readonly hasUnicode: boolean;
  /** The terminal moves cursors, and nobody records its output as a log (`TERM=dumb`, `CI`). */
  readonly canMoveCursor: boolean;
  readonly columns: number | undefined;
}

/**
 * Reads and checks the environment. Empty variables count as absent.
 * @throws MaestroError CONFIG_INVALID naming the variable, never showing its value where that may be secret
 */
export function readConfig(environment: Environment, root: string): Config {
  const read = (name: string): string | undefined => environment[name] || undefined;
  const keyFolder = join(stateHome(read('XDG_STATE_HOME')), 'maestro');
  const evidenceKey = read('MAESTRO_EVIDENCE_KEY');
  return Object.freeze({
    root,
    stateFolder: resolve(root, read('MAESTRO_HOME') ?? join('.maestro', 'state')),
    keyFolder,
    signing: readSigningConfig(read, { root, keyFolder }),
    evidenceKeyFile: evidenceKey === undefined ? undefined : resolve(root, evidenceKey),
    evidenceOrigin: evidenceOrigin(read('MAESTRO_EVIDENCE_ORIGIN')),
    databaseUrl: databaseUrl(read('DATABASE_URL')),
    userName: read('USER') ?? read('LOGNAME') ?? userNameOfProcess(),
    isInsideStep: isInsideStep(read),
    display: Object.freeze(readDisplay(environment)),
  });
}

/** The base-directory rules: a relative XDG_STATE_HOME is to be ignored. */
function stateHome(given: string | undefined): string {
  return given !== undefined && isAbsolute(given) ? given : join(homedir(), '.local', 'state');
}

function evidenceOrigin(text: string | undefined): string | undefined {
  if (text === undefined || isNoteName(text)) return text;
  throw new MaestroError(
    'CONFIG_INVALID',
    'expected MAESTRO_EVIDENCE_ORIGIN to be a name such as maestro.example.com/evidence, without spaces and plus signs',
  );
}

function databaseUrl(text: string | undefined): string | undefined {
  if (text === undefined) return undefined;
  const protocol = URL.canParse(text) ? new URL(text).protocol : 'no URL';
  if (protocol === 'postgres:' || protocol === 'postgresql:') return text;
  throw new MaestroError('CONFIG_INVALID', `expected DATABASE_URL to begin with postgres://, got ${protocol}`);
}

/** Never throws: help and errors need it before anything else is known. */
export function readDisplay(environment: Environment): DisplayConfig {
  const read = (name: string): string | undefined => environment[name] || undefined;
  const term = read('TERM');
  const columns = Number.parseInt(read('COLUMNS') ?? '', 10);
  return {
    hasColors: colorsOf(read, term),
    hasUnicode: term !== 'dumb' && /utf-?8/i.test(read('LC_ALL') ?? read('LC_CTYPE') ?? read('LANG') ?? ''),
    canMoveCursor: term !== undefined && term !== 'dumb' && read('CI') === undefined,
    columns: columns > 0 ? columns : undefined,
  };
}

/** https://no-color.org and https://force-color.org; forbidding wins. */
function colorsOf(read: (name: string) => string | undefined, term: string | undefined): boolean | undefined {
  if (read('NO_COLOR') !== undefined || term === 'dumb') return false;
  const forced = read('FORCE_COLOR');
  if (forced !== undefined) return forced !== '0' && forced !== 'false';
  return undefined;
}

function userNameOfProcess(): string {
  try {
    return userInfo().username;
  } catch {
    // A container may run under a user id that has no name.
    return `uid-${process.getuid?.() ?? 'unknown'}`;
  }
}
