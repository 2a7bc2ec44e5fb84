import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { MaestroError, messageOf } from '../../src/base/errors.ts';
import { type ClassLabels, parseClassLabels } from '../../src/runners/github-actions/labels.ts';
import { readConfig } from '../config.ts';
import { originOf } from '../origin.ts';
import type { SigningConfig } from '../signing-config.ts';
import { readSecretsConfig, type SecretsConfig } from './secrets-config.ts';

type Environment = Readonly<Record<string, string | undefined>>;

/** `web` answers webhooks and workers, `conductor` acts on what arrived and reports. One process may do both. */
type Role = 'web' | 'conductor';

/** Everything that the environment says to a server, checked. Values may be secret: never show them. */
export interface ServerConfig {
  readonly roles: ReadonlySet<Role>;
  readonly host: string;
  /** 0 takes any free port. */
  readonly port: number;
  /** How GitHub and workers reach this server; the audience of the identity tokens that it accepts. No slash at the end. */
  readonly publicUrl: string;
  /** `https://github.com`, or a GitHub Enterprise Server. No slash at the end. */
  readonly githubUrl: string;
  readonly githubApiUrl: string;
  /** Issuer of the identity tokens of Actions jobs. */
  readonly oidcIssuer: string;
  readonly appId: string;
  readonly privateKey: string;
  readonly webhookSecret: string;
  readonly databaseUrl: string | undefined;
  readonly stateFolder: string;
  readonly signing: SigningConfig;
  /** Of the evidence register; undefined: one in `keyFolder`. */
  readonly evidenceKeyFile: string | undefined;
  readonly keyFolder: string;
  readonly evidenceOrigin: string;
  /** Where values of secrets come from; none where the list is empty. */
  readonly secrets: SecretsConfig;
  /** Folders of an organisation's own rules: bundles, and the public keys that may sign them. Undefined where there are none. */
  readonly ownRules: { readonly bundles: string; readonly keys: string } | undefined;
  /** A policy file over the defaults, which may lock paths that repositories' files then cannot touch. */
  readonly policyFile: string | undefined;
  /** Labels of runner classes that differ from the default. */
  readonly runnerLabels: ClassLabels;
  /** Actions jobs of one run and runner class at once. */
  readonly jobsPerClassMax: number;
  /** Actions jobs of one installation and runner class at once. */
  readonly jobsPerInstallationMax: number;
  /** The last address of `X-Forwarded-For` counts as the caller's: a proxy of ours wrote it. */
  readonly isBehindProxy: boolean;
}

const ROLES: readonly Role[] = ['web', 'conductor'];
const PORT_DEFAULT = '3000';
const PORT_MAX = 65_535;
const SECRET_CHARS_MIN = 16;
/** What examples, templates and Probot itself fall back to. */
const SECRETS_KNOWN = new Set(['development', 'changeme', 'change-me', 'secret', 'webhook_secret', 'password']);
const RUN_JOBS_MAX = 256;
const INSTALLATION_JOBS_MAX = 100_000;

/**
 * Reads and checks the environment of a server. There is no default for a secret: without one the server does not start.
 * @throws MaestroError CONFIG_INVALID naming the variable and what it should be, never showing a secret
 */
export function readServerConfig(environment: Environment, root: string): ServerConfig {
  const read = (name: string): string | undefined => environment[name] || undefined;
  const need = (name: string, meaning: string): string => read(name) ?? missing(name, meaning);
  const local = readConfig(environment, root);
  const githubUrl = originOf('GITHUB_URL', read('GITHUB_URL') ?? 'https://github.com');
  const publicUrl = originOf(
    'MAESTRO_URL',
    need('MAESTRO_URL', 'the URL at which GitHub and workers reach this server'),
  );
  const isCloud = githubUrl === 'https://github.com';
  return Object.freeze({
    roles: rolesOf(read('MAESTRO_ROLES')),
    host: read('HOST') ?? '0.0.0.0',
    port: portOf(read('PORT') ?? PORT_DEFAULT),
    publicUrl,
    githubUrl,
    githubApiUrl: isCloud ? 'https://api.github.com' : `${githubUrl}/api/v3`,
    oidcIssuer: isCloud ? 'https://token.actions.githubusercontent.com' : `${githubUrl}/_services/token`,
    appId: numberText('APP_ID', need('APP_ID', 'the number of the GitHub App')),
    privateKey: privateKeyOf(read, root),
    webhookSecret: webhookSecretOf(need('WEBHOOK_SECRET', 'the secret that signs webhooks')),
    databaseUrl: local.databaseUrl,
    stateFolder: local.stateFolder,
    signing: local.signing,
    evidenceKeyFile: local.evidenceKeyFile,
    keyFolder: local.keyFolder,
    evidenceOrigin: local.evidenceOrigin ?? `${new URL(publicUrl).host}/evidence`,
    secrets: readSecretsConfig(read, { root, keyFolder: local.keyFolder }),
    policyFile: pathOf(read('MAESTRO_POLICY'), root),
    ownRules: ownRulesOf(read('MAESTRO_POLICY_BUNDLES'), read('MAESTRO_POLICY_KEYS'), root),
    runnerLabels: labelsOf(read('MAESTRO_RUNNER_LABELS') ?? '{}'),
    isBehindProxy: flagOf('MAESTRO_BEHIND_PROXY', read('MAESTRO_BEHIND_PROXY')),
    jobsPerClassMax: jobsOf('MAESTRO_JOBS_PER_CLASS', read('MAESTRO_JOBS_PER_CLASS') ?? '1', RUN_JOBS_MAX),
    jobsPerInstallationMax: jobsOf(
      'MAESTRO_JOBS_PER_INSTALLATION',
      read('MAESTRO_JOBS_PER_INSTALLATION') ?? '100',
      INSTALLATION_JOBS_MAX,
    ),
  });
}

function rolesOf(text: string | undefined): ReadonlySet<Role> {
  if (text === undefined) return new Set(ROLES);
  const names = text.split(',').map((name) => name.trim());
  const unknown = names.find((name) => !(ROLES as readonly string[]).includes(name));
  if (unknown !== undefined) throw invalid('MAESTRO_ROLES', `a list of ${ROLES.join(', ')}`, unknown);
  return new Set(names as Role[]);
}

function portOf(text: string): number {
  const port = Number(text);
  if (!/^\d+$/.test(text) || port > PORT_MAX) throw invalid('PORT', `a number from 0 to ${PORT_MAX}`, text);
  return port;
}

function numberText(name: string, text: string): string {
  if (!/^[1-9]\d{0,14}$/.test(text)) throw invalid(name, 'a whole number', 'something else');
  return text;
}

/** As PEM text, also with `\n` written out as in many secret stores, or from a file. */
function privateKeyOf(read: (name: string) => string | undefined, root: string): string {
  const path = read('PRIVATE_KEY_PATH');
  const text =
    read('PRIVATE_KEY')?.replaceAll('\\n', '\n') ?? (path === undefined ? undefined : readKey(resolve(root, path)));
  if (text === undefined) return missing('PRIVATE_KEY', 'or PRIVATE_KEY_PATH: the private key of the GitHub App, PEM');
  if (!/^-----BEGIN (?:RSA )?PRIVATE KEY-----/.test(text.trim()))
    throw invalid('PRIVATE_KEY', 'a PEM text that begins with -----BEGIN RSA PRIVATE KEY-----', 'something else');
  return text;
}

function readKey(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    throw new MaestroError('CONFIG_INVALID', `cannot read PRIVATE_KEY_PATH (${path}): ${code ?? 'unreadable'}`, {
      cause,
    });
  }
}

function webhookSecretOf(text: string): string {
  if (SECRETS_KNOWN.has(text.toLowerCase()))
    throw new MaestroError(
      'CONFIG_INVALID',
      'WEBHOOK_SECRET is one that everybody knows: make one with `openssl rand -hex 32`',
    );
  if (text.length < SECRET_CHARS_MIN)
    throw new MaestroError(
      'CONFIG_INVALID',
      `expected WEBHOOK_SECRET to have ${SECRET_CHARS_MIN} characters or more, got ${text.length}: make one with \`openssl rand -hex 32\``,
    );
  return text;
}

function pathOf(text: string | undefined, root: string): string | undefined {
  return text === undefined ? undefined : resolve(root, text);
}

/** One without the other would leave out rules that the operator counts on. */
function ownRulesOf(bundles: string | undefined, keys: string | undefined, root: string): ServerConfig['ownRules'] {
  if (bundles === undefined && keys === undefined) return undefined;
  if (bundles === undefined)
    return missing('MAESTRO_POLICY_BUNDLES', 'the folder of bundles that MAESTRO_POLICY_KEYS signed');
  if (keys === undefined)
    return missing('MAESTRO_POLICY_KEYS', 'the folder of public keys that may sign MAESTRO_POLICY_BUNDLES');
  return { bundles: resolve(root, bundles), keys: resolve(root, keys) };
}

function labelsOf(text: string): ClassLabels {
  try {
    return parseClassLabels(text);
  } catch (cause) {
    throw new MaestroError('CONFIG_INVALID', `MAESTRO_RUNNER_LABELS: ${messageOf(cause)}`, { cause });
  }
}

function jobsOf(name: string, text: string, max: number): number {
  const jobs = Number(text);
  if (!/^\d+$/.test(text) || jobs < 1 || jobs > max) throw invalid(name, `a number from 1 to ${max}`, text);
  return jobs;
}

function flagOf(name: string, text: string | undefined): boolean {
  if (text === undefined || text === '0' || text === 'false') return false;
  if (text === '1' || text === 'true') return true;
  throw invalid(name, '1 or 0', text);
}

function missing(name: string, meaning: string): never {
  throw new MaestroError('CONFIG_INVALID', `expected ${name}: ${meaning}; it is not set`);
}

function invalid(name: string, expected: string, got: string): MaestroError {
  return new MaestroError('CONFIG_INVALID', `expected ${name} to be ${expected}, got ${got}`);
}
