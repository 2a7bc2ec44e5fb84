import { MaestroError } from '../../base/errors.ts';
import { isSafeUrl } from '../../base/safe-url.ts';

/** Where a key is that signs without leaving its service. */
export type KmsKey =
  | {
      readonly type: 'aws';
      /** Id, ARN, or `alias/NAME`. */
      readonly keyId: string;
      readonly region: string;
      /** Of a private or FIPS endpoint; undefined for the region's own. */
      readonly endpoint: string | undefined;
    }
  | {
      readonly type: 'gcp';
      /** `projects/…/locations/…/keyRings/…/cryptoKeys/…/cryptoKeyVersions/N` */
      readonly version: string;
      readonly endpoint: string | undefined;
    }
  | { readonly type: 'azure'; readonly vaultUrl: string; readonly name: string; readonly version: string }
  | {
      readonly type: 'vault';
      readonly mount: string;
      readonly name: string;
      /** Undefined for the newest, as it is when the signer is opened. */
      readonly version: number | undefined;
    };

const URI_CHARS_MAX = 2048;
const SCHEME = 'kms://';

const FORMS = {
  aws: 'kms://aws/KEY-ID-OR-ARN?region=REGION',
  gcp: 'kms://gcp/projects/P/locations/L/keyRings/R/cryptoKeys/K/cryptoKeyVersions/N',
  azure: 'kms://azure/VAULT-HOST/KEY/VERSION',
  vault: 'kms://vault/MOUNT/KEY?version=N',
} as const;

export function isKmsUri(text: string): boolean {
  return text.startsWith(SCHEME);
}

/** @throws CONFIG_INVALID naming the form that was expected */
export function parseKmsUri(uri: string): KmsKey {
  if (uri.length > URI_CHARS_MAX || !isKmsUri(uri)) throw invalid(Object.values(FORMS).join(', or '));
  const [path = '', query = '', ...more] = uri.slice(SCHEME.length).split('?');
  const [type, ...segments] = path.split('/');
  if (!isType(type)) throw invalid(Object.values(FORMS).join(', or '));
  const key = more.length === 0 ? PARSERS[type](segments, new Map(new URLSearchParams(query))) : undefined;
  if (key === undefined) throw invalid(FORMS[type]);
  return key;
}

type Query = Map<string, string>;

const PARSERS: Readonly<Record<keyof typeof FORMS, (segments: readonly string[], query: Query) => KmsKey | undefined>> =
  { aws: awsKey, gcp: gcpKey, azure: azureKey, vault: vaultKey };

const AWS_KEY = /^(?:arn:aws[a-z-]*:kms:([a-z0-9-]+):\d{12}:)?(?:key\/|alias\/)?[\w-]+$/;
const REGION = /^[a-z]{2}[a-z0-9-]{3,40}$/;

function awsKey(segments: readonly string[], query: Query): KmsKey | undefined {
  const keyId = segments.join('/');
  const arn = AWS_KEY.exec(keyId);
  const region = query.get('region') ?? arn?.[1];
  const endpoint = endpointOf(query);
  if (!arn || region === undefined || !REGION.test(region) || endpoint === null) return undefined;
  return hasOnly(query, 'region', 'endpoint') ? { type: 'aws', keyId, region, endpoint } : undefined;
}

const GCP_VERSION =
  /^projects\/[\w.:-]+\/locations\/[\w-]+\/keyRings\/[\w-]+\/cryptoKeys\/[\w-]+\/cryptoKeyVersions\/[1-9]\d*$/;

function gcpKey(segments: readonly string[], query: Query): KmsKey | undefined {
  const version = segments.join('/');
  const endpoint = endpointOf(query);
  if (!GCP_VERSION.test(version) || endpoint === null || !hasOnly(query, 'endpoint')) return undefined;
  return { type: 'gcp', version, endpoint };
}

const HOST = /^[a-z0-9.-]+(?::\d{1,5})?$/;
const AZURE_NAME = /^[A-Za-z0-9-]{1,127}$/;

function azureKey([host = '', name = '', version = '', ...more]: readonly string[], query: Query): KmsKey | undefined {
  const isComplete = HOST.test(host) && AZURE_NAME.test(name) && AZURE_NAME.test(version);
  if (!isComplete || more.length > 0 || !hasOnly(query)) return undefined;
  return { type: 'azure', vaultUrl: `https://${host}`, name, version };
}

const VAULT_SEGMENT = /^(?!\.)[\w.-]+$/;
const VERSION = /^[1-9]\d{0,8}$/;

function vaultKey(segments: readonly string[], query: Query): KmsKey | undefined {
  const [name, version] = [segments.at(-1) ?? '', query.get('version')];
  const isPath = segments.length >= 2 && segments.every((segment) => VAULT_SEGMENT.test(segment));
  if (!isPath || (version !== undefined && !VERSION.test(version)) || !hasOnly(query, 'version')) return undefined;
  const mount = segments.slice(0, -1).join('/');
  return { type: 'vault', mount, name, version: version === undefined ? undefined : Number(version) };
}

/** Null where it is none to which credentials may be sent. */
function endpointOf(query: Query): string | undefined | null {
  const endpoint = query.get('endpoint');
  return endpoint === undefined || isSafeUrl(endpoint) ? endpoint : null;
}

function hasOnly(query: Query, ...names: readonly string[]): boolean {
  return query.keys().every((name) => names.includes(name));
}

function isType(text: string | undefined): text is keyof typeof FORMS {
  return text !== undefined && Object.hasOwn(FORMS, text);
}

function invalid(form: string): MaestroError {
  return new MaestroError('CONFIG_INVALID', `expected the signing key as ${form}`);
}
