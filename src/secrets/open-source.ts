import { MaestroError } from '../base/errors.ts';
import type { SecretProvider, SecretRequest, SecretSource } from '../protocol/secret-source.ts';
import { assertSecretValue, isSecretName, NAMES_MAX } from './secret-limits.ts';

/** A worker waits 30 s for the answer. */
const FIND_MS_MAX = 10_000;
/** As much of a name that is none as an error shows. */
const SHOWN_CHARS_MAX = 60;

export interface OpenedSource extends SecretSource {
  close(): Promise<void>;
}

/**
 * Asks providers in their order: the first that has a name and releases it gives the value. One that cannot tell ends the
 * search, because the next might give another value than the one that is meant.
 */
export function openSecretSource(providers: readonly SecretProvider[], findMsMax = FIND_MS_MAX): OpenedSource {
  return {
    read: async (request) => {
      const found = await findIn(providers, request, findMsMax);
      const missing = request.names.filter((name) => !found.has(name));
      if (missing.length > 0) throw notFound(missing, request, providers.length > 0);
      return Object.fromEntries(request.names.map((name) => [name, found.get(name) ?? '']));
    },
    close: async () => {
      await Promise.all(providers.map((provider) => provider.close()));
    },
  };
}

async function findIn(
  providers: readonly SecretProvider[],
  request: SecretRequest,
  findMsMax: number,
): Promise<ReadonlyMap<string, string>> {
  if (request.names.length > NAMES_MAX)
    throw new MaestroError(
      'REQUEST_TOO_LARGE',
      `expected a step to want at most ${NAMES_MAX} secrets, got ${request.names.length}`,
    );
  const found = new Map<string, string>();
  const wanted = new Set(isOfItsNamespace(request) ? request.names.filter(isSecretName) : []);
  for (const provider of providers) {
    if (wanted.size === 0) break;
    const given = await inTime(findMsMax, (signal) => provider.find({ ...request, names: [...wanted] }, signal));
    for (const name of wanted) {
      // An empty value is a secret that somebody forgot to set.
      if (!Object.hasOwn(given, name) || given[name] === '') continue;
      const value = given[name];
      assertSecretValue(name, value);
      found.set(name, value);
      wanted.delete(name);
    }
  }
  return found;
}

/** Its name and number are what its trigger says; policy was asked for its namespace. They must be of one repository. */
function isOfItsNamespace({ namespace, repositoryId }: SecretRequest): boolean {
  return namespace.name === `github:${repositoryId}`;
}

async function inTime<T>(msMax: number, deed: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const signal = AbortSignal.timeout(msMax);
  const late = Promise.withResolvers<never>();
  signal.addEventListener('abort', () => {
    late.reject(new MaestroError('SECRETS_UNAVAILABLE', `expected the secrets within ${msMax} ms: nothing came`));
  });
  return Promise.race([deed(signal), late.promise]);
}

function notFound(missing: readonly string[], request: SecretRequest, hasProviders: boolean): MaestroError {
  const names = missing.map(shown).join(', ');
  if (!hasProviders)
    return new MaestroError(
      'SECRET_NOT_FOUND',
      `expected a value for ${names}, and this server has no source of secrets: its operator sets MAESTRO_SECRETS`,
    );
  const { repository, environment } = request;
  const whom = repository === '' ? 'a run of no repository' : repository;
  const where = environment === null ? ', in no environment' : `, in the environment ${shown(environment)}`;
  return new MaestroError(
    'SECRET_NOT_FOUND',
    `expected a value for ${names}: no source of secrets has it for ${whom}${where}`,
  );
}

/** Names come from a pipeline, and go to terminals and pages. */
function shown(name: string): string {
  if (isSecretName(name)) return name;
  return JSON.stringify(name.slice(0, SHOWN_CHARS_MAX).replaceAll(/[^\x20-\x7e]/g, '?'));
}
