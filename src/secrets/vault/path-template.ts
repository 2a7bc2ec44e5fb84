import { MaestroError } from '../../base/errors.ts';
import type { SecretRequest } from '../../protocol/secret-source.ts';
import { isPathSegment, repositoryParts } from '../repository-pattern.ts';

const PLACEHOLDERS: ReadonlySet<string> = new Set(['{repository}', '{repository_id}', '{environment}']);
/** Without one of them all repositories would read the same secrets. */
const OWN = ['{repository}', '{repository_id}'];

/** Where a vault keeps the secrets of a request: `secret/data/{repository}`. */
export type PathTemplate = readonly string[];

/**
 * Placeholders are whole segments, so that no two repositories can come to one path.
 * @throws CONFIG_INVALID
 */
export function parsePathTemplate(text: string): PathTemplate {
  const segments = text.split('/');
  const isWhole = segments.every((segment) => PLACEHOLDERS.has(segment) || isPathSegment(segment));
  // The version 2 of the key-value engine reads below `data`.
  const isVersion2 = segments.indexOf('data') > 0;
  if (isWhole && isVersion2 && OWN.some((placeholder) => segments.includes(placeholder))) return segments;
  throw new MaestroError(
    'CONFIG_INVALID',
    'expected a path of a key-value engine (version 2), with {repository} or {repository_id} as a segment, as in secret/data/{repository}',
  );
}

/** Undefined where the request lacks what the template names, or has it in a form that no path can hold. */
export function pathFor(template: PathTemplate, request: SecretRequest): string | undefined {
  const segments = template.flatMap((segment) => (PLACEHOLDERS.has(segment) ? valuesOf(segment, request) : [segment]));
  return segments.every(isPathSegment) ? segments.join('/') : undefined;
}

function valuesOf(placeholder: string, request: SecretRequest): readonly string[] {
  if (placeholder === '{repository}') return repositoryParts(request.repository) ?? [''];
  return [placeholder === '{environment}' ? (request.environment ?? '') : request.repositoryId];
}
