import type { SecretRequest } from '../protocol/secret-source.ts';

/** Parts of a repository's name, as GitHub admits them: nothing that a path or a claim could mistake for something else. */
const PART = /^[A-Za-z0-9._-]{1,100}$/;
const ID = /^[1-9][0-9]{0,15}$/;

/** What an operator writes to say which repositories may have a secret: `acme/orders`, `acme/*`, or `id:77`. */
export function isRepositoryPattern(text: string): boolean {
  const [, id] = /^id:(.*)$/.exec(text) ?? [];
  if (id !== undefined) return ID.test(id);
  const parts = text.split('/');
  return parts.length === 2 && isPart(parts[0]) && (parts[1] === '*' || isPart(parts[1]));
}

/** Patterns that are for the repository of a request, the closest first. None where it belongs to no repository. */
export function patternsFor({ repository, repositoryId }: SecretRequest): readonly string[] {
  const parts = repositoryParts(repository);
  if (!parts) return [];
  const [owner, name] = parts;
  const byName = [`${owner}/${name}`, `${owner}/*`].map(patternKey);
  return ID.test(repositoryId) ? [`id:${repositoryId}`, ...byName] : byName;
}

/** GitHub takes names in any case. */
export function patternKey(pattern: string): string {
  return pattern.toLowerCase();
}

/** Owner and name; undefined for what cannot be the name of a repository. */
export function repositoryParts(repository: string): readonly [string, string] | undefined {
  const [owner, name, ...more] = repository.split('/');
  return more.length === 0 && isPart(owner) && isPart(name) ? [owner, name] : undefined;
}

function isPart(part: string | undefined): part is string {
  return part !== undefined && isPathSegment(part);
}

/** Whether a text is one segment of a path wherever it is put. */
export function isPathSegment(text: string): boolean {
  return PART.test(text) && text !== '.' && text !== '..';
}
