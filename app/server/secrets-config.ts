import { join, resolve } from 'node:path';
import { MaestroError, messageOf } from '../../src/base/errors.ts';
import { parseReleases, type Releases } from '../../src/secrets/environment.ts';
import { type PathTemplate, parsePathTemplate } from '../../src/secrets/vault/path-template.ts';
import { originOf } from '../origin.ts';

/** Where the server gets values of secrets from, one after the other. Values are secret: never show them. */
export type SecretsConfig = readonly ProviderConfig[];

type ProviderConfig =
  | {
      readonly type: 'environment';
      readonly releases: Releases;
      /** By the name of the secret, of those that are released. */
      readonly values: Readonly<Record<string, string | undefined>>;
    }
  | { readonly type: 'sealed'; readonly path: string; readonly identityPath: string }
  | {
      readonly type: 'vault';
      readonly url: string;
      readonly namespace: string | undefined;
      readonly mount: string;
      readonly role: string;
      readonly path: PathTemplate;
      /** Signs who a run is. Made on first start where it is not there. */
      readonly identityKeyFile: string;
    };

/** Reads a variable of the environment; empty counts as absent. */
type Read = (name: string) => string | undefined;

interface Folders {
  /** What relative paths are relative to. */
  readonly root: string;
  readonly keyFolder: string;
}

const VALUE_PREFIX = 'MAESTRO_SECRET_';
const MOUNT = /^[\w-]+(?:\/[\w-]+)*$/;
/** Of a role, or of a namespace, which may have parts. */
const NAME = /^[\w.-]+(?:\/[\w.-]+)*\/?$/;
const FORM = 'a list of environment, sealed:PATH and vault:URL, each at most once';

/** @throws CONFIG_INVALID naming the variable, never showing a value that may be secret */
export function readSecretsConfig(read: Read, folders: Folders): SecretsConfig {
  const items = (read('MAESTRO_SECRETS') ?? '').split(',').map((item) => item.trim());
  const providers = items.filter(Boolean).map((item) => providerOf(item, read, folders));
  if (new Set(providers.map(({ type }) => type)).size < providers.length) throw invalid('MAESTRO_SECRETS', FORM);
  return providers;
}

function providerOf(item: string, read: Read, folders: Folders): ProviderConfig {
  const [, type, place = ''] = /^([a-z]+)(?::(.+))?$/.exec(item) ?? [];
  if (type === 'environment' && place === '') return environmentOf(read);
  if (type === 'sealed' && place !== '') return sealedOf(place, read, folders);
  if (type === 'vault' && place !== '') return vaultOf(place, read, folders);
  throw invalid('MAESTRO_SECRETS', FORM);
}

function environmentOf(read: Read): ProviderConfig {
  const name = 'MAESTRO_SECRETS_FROM_ENVIRONMENT';
  const text =
    read(name) ?? missing(name, 'which repository may have which secrets, as {"acme/orders": ["NPM_TOKEN"]}');
  const releases = naming(name, () => parseReleases(text));
  const names = [...releases.values()].flatMap((released) => [...released]);
  const values = Object.fromEntries(names.map((secret) => [secret, read(VALUE_PREFIX + secret)]));
  for (const secret of names)
    if (values[secret] === undefined) missing(VALUE_PREFIX + secret, `a value, because ${name} names ${secret}`);
  return { type: 'environment', releases, values };
}

function sealedOf(path: string, read: Read, { root }: Folders): ProviderConfig {
  const identity = read('MAESTRO_SECRETS_IDENTITY') ?? missing('MAESTRO_SECRETS_IDENTITY', 'the file that opens it');
  return { type: 'sealed', path: resolve(root, path), identityPath: resolve(root, identity) };
}

function vaultOf(url: string, read: Read, { root, keyFolder }: Folders): ProviderConfig {
  const role = read('MAESTRO_VAULT_ROLE') ?? missing('MAESTRO_VAULT_ROLE', 'the role of its JWT method');
  const mount = read('MAESTRO_VAULT_MOUNT') ?? 'jwt';
  const namespace = read('MAESTRO_VAULT_NAMESPACE');
  const path = read('MAESTRO_VAULT_PATH') ?? 'secret/data/{repository}';
  const keyFile = read('MAESTRO_IDENTITY_KEY');
  if (!NAME.test(role)) throw invalid('MAESTRO_VAULT_ROLE', 'the name of a role');
  if (!MOUNT.test(mount)) throw invalid('MAESTRO_VAULT_MOUNT', 'the path of a JWT method below auth/, as in jwt');
  if (namespace !== undefined && !NAME.test(namespace)) throw invalid('MAESTRO_VAULT_NAMESPACE', 'a namespace');
  return {
    type: 'vault',
    url: originOf('MAESTRO_SECRETS', url),
    namespace,
    mount,
    role,
    path: naming('MAESTRO_VAULT_PATH', () => parsePathTemplate(path)),
    identityKeyFile: keyFile === undefined ? join(keyFolder, 'identity-key.pem') : resolve(root, keyFile),
  };
}

function naming<T>(name: string, parse: () => T): T {
  try {
    return parse();
  } catch (cause) {
    throw new MaestroError('CONFIG_INVALID', `${name}: ${messageOf(cause)}`);
  }
}

function missing(name: string, meaning: string): never {
  throw new MaestroError('CONFIG_INVALID', `expected ${name}: ${meaning}; it is not set`);
}

function invalid(name: string, expected: string): MaestroError {
  return new MaestroError('CONFIG_INVALID', `expected ${name} to be ${expected}`);
}
