import { MaestroError } from '../base/errors.ts';
import { isJsonObject } from '../base/json.ts';
import type { SecretProvider } from '../protocol/secret-source.ts';
import { isRepositoryPattern, patternKey, patternsFor } from './repository-pattern.ts';
import { assertSecretValue, isSecretName } from './secret-limits.ts';

/** Names of secrets by the pattern of the repositories that may have them. */
export type Releases = ReadonlyMap<string, ReadonlySet<string>>;

/**
 * Reads `{ "acme/orders": ["NPM_TOKEN"], "acme/*": ["SONAR_TOKEN"] }`.
 * @throws CONFIG_INVALID, which repeats nothing of a text that is not of this form: it may be a value in the wrong place
 */
export function parseReleases(text: string): Releases {
  const releases = new Map<string, Set<string>>();
  for (const [pattern, names] of Object.entries(parseObject(text))) {
    if (!isRepositoryPattern(pattern)) throw invalid('every key to be OWNER/NAME, OWNER/* or id:NUMBER');
    if (!Array.isArray(names) || !names.every((name) => typeof name === 'string' && isSecretName(name)))
      throw invalid(`a list of names of secrets for ${pattern}`);
    const key = patternKey(pattern);
    releases.set(key, (releases.get(key) ?? new Set()).union(new Set(names as string[])));
  }
  return releases;
}

/**
 * Values that the server got in its own environment, for the repositories that its operator names and no other.
 * @param values by the name of the secret: what is not released to anybody need not be there
 * @throws CONFIG_INVALID for a secret that is released and has no value, SECRET_UNUSABLE
 */
export function openEnvironmentSecrets(
  releases: Releases,
  values: Readonly<Record<string, string | undefined>>,
): SecretProvider {
  const held = new Map<string, string>();
  for (const name of new Set([...releases.values()].flatMap((names) => [...names]))) {
    const value = Object.hasOwn(values, name) ? values[name] : undefined;
    if (value === undefined || value === '')
      throw new MaestroError('CONFIG_INVALID', `${name} is released to a repository, and has no value`);
    assertSecretValue(name, value);
    held.set(name, value);
  }
  return {
    find: async (request) => {
      const patterns = patternsFor(request);
      const isReleased = (name: string): boolean => patterns.some((pattern) => releases.get(pattern)?.has(name));
      return Object.fromEntries(request.names.filter(isReleased).map((name) => [name, held.get(name) ?? '']));
    },
    close: async () => {},
  };
}

function parseObject(text: string): object {
  try {
    const value: unknown = JSON.parse(text);
    if (isJsonObject(value)) return value;
  } catch {
    // The parser's own message quotes the text.
  }
  throw invalid('a JSON object: repository -> list of names');
}

function invalid(expected: string): MaestroError {
  return new MaestroError('CONFIG_INVALID', `expected ${expected}`);
}
