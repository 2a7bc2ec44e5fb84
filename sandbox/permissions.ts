import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import type { Operation } from './openapi.ts';

export interface NeededPermission {
  readonly permission: string;
  readonly access: 'read' | 'write';
}

type Table = Readonly<Record<string, Readonly<Record<string, NeededPermission>>>>;

/**
 * Endpoints that the published table lacks or knows by an older rule; several permissions mean that any of them is enough.
 * From docs.github.com, "Permissions required for GitHub Apps". Of comments, labels and reactions it names `issues` and
 * `pull_requests` as if they were equal; GitHub asks for the one of the target, and each issue here is a pull request.
 */
const SUPPLEMENT: Readonly<Record<string, string>> = {
  'POST /repos/{}/{}/attestations': 'attestations:write',
  'GET /repos/{}/{}/attestations/{}': 'attestations:read',
  'GET /repos/{}/{}/collaborators/{}/permission': 'metadata:read',
  'GET /repos/{}/{}/commits/{}/pulls': 'pull_requests:read',
  'GET /repos/{}/{}/commits/{}/comments': 'metadata:read',
  'POST /repos/{}/{}/actions/runs/{}/deployment_protection_rule': 'deployments:write',
  'POST /repos/{}/{}/actions/runs/{}/pending_deployments': 'deployments:write',
  'GET /repos/{}/{}/environments': 'actions:read',
  'GET /repos/{}/{}/environments/{}': 'actions:read',
  'GET /repos/{}/{}/issues/{}': 'issues:read',
  'GET /repos/{}/{}/issues/comments': 'pull_requests:read',
  'GET /repos/{}/{}/issues/{}/comments': 'pull_requests:read',
  'GET /repos/{}/{}/issues/comments/{}': 'pull_requests:read',
  'POST /repos/{}/{}/issues/{}/comments': 'pull_requests:write',
  'PATCH /repos/{}/{}/issues/comments/{}': 'pull_requests:write',
  'DELETE /repos/{}/{}/issues/comments/{}': 'pull_requests:write',
  'GET /repos/{}/{}/issues/{}/labels': 'pull_requests:read',
  'POST /repos/{}/{}/issues/{}/labels': 'pull_requests:write',
  'DELETE /repos/{}/{}/issues/{}/labels/{}': 'pull_requests:write',
  'GET /repos/{}/{}/issues/comments/{}/reactions': 'pull_requests:read',
  'POST /repos/{}/{}/issues/comments/{}/reactions': 'pull_requests:write',
  'DELETE /repos/{}/{}/issues/comments/{}/reactions/{}': 'pull_requests:write',
  'GET /repos/{}/{}/issues/{}/reactions': 'pull_requests:read',
  'POST /repos/{}/{}/issues/{}/reactions': 'pull_requests:write',
  'GET /repos/{}/{}/pulls/comments/{}/reactions': 'pull_requests:read',
  'POST /repos/{}/{}/pulls/comments/{}/reactions': 'pull_requests:write',
  'POST /repos/{}/{}/pulls/{}/comments/{}/replies': 'pull_requests:write',
  'PUT /repos/{}/{}/pulls/{}/merge': 'contents:write',
  'GET /repos/{}/{}/tags': 'metadata:read',
  'PUT /repos/{}/{}/environments/{}': 'administration:write',
  'GET /orgs/{}/teams/{}/memberships/{}': 'members:read',
  'GET /installation/repositories': 'metadata:read',
  'GET /user/{}': 'metadata:read',
  'GET /users/{}': 'metadata:read',
  'GET /rate_limit': 'metadata:read',
};

/** Whole families, where the published table mixes up what the documentation says today. Reading or writing follows the method. */
const FAMILIES: readonly (readonly [RegExp, string])[] = [
  [/^\/repos\/\{\}\/\{\}\/actions\/(runs|jobs|workflows|artifacts)\b/, 'actions'],
  [/^\/repos\/\{\}\/\{\}\/(check-runs|check-suites|commits\/\{\}\/check-)/, 'checks'],
  [/^\/repos\/\{\}\/\{\}\/(statuses\/|commits\/\{\}\/status)/, 'statuses'],
  [/^\/repos\/\{\}\/\{\}\/branches\/\{\}\/protection\b/, 'administration'],
  [/^\/repos\/\{\}\/\{\}\/(contents|git|releases|commits|compare|branches|merges)(\/|$)/, 'contents'],
  [/^\/repos\/\{\}\/\{\}\/deployments\b/, 'deployments'],
];

let table: ReadonlyMap<string, readonly NeededPermission[]> | null = null;

/** What an installation must have been granted for an operation: any one of these. Null: installations cannot call it. */
export function neededPermissions({
  method,
  path,
}: Pick<Operation, 'method' | 'path'>): readonly NeededPermission[] | null {
  table ??= readTable();
  const key = keyOf(method, path);
  if (SUPPLEMENT[key] === undefined) {
    const [, permission] = FAMILIES.find(([family]) => family.test(key.slice(method.length + 1))) ?? [];
    if (permission !== undefined) return [{ permission, access: method === 'GET' ? 'read' : 'write' }];
  }
  return table.get(key) ?? null;
}

function readTable(): ReadonlyMap<string, readonly NeededPermission[]> {
  const path = createRequire(import.meta.url).resolve('@octokit/app-permissions/generated/api.github.com.json');
  const { paths } = JSON.parse(readFileSync(path, 'utf8')) as { readonly paths: Table };
  const needed = new Map<string, readonly NeededPermission[]>();
  for (const [path, methods] of Object.entries(paths)) {
    for (const [method, need] of Object.entries(methods)) needed.set(keyOf(method, path), [need]);
  }
  for (const [key, text] of Object.entries(SUPPLEMENT)) {
    const needs = text.split(' ').map((word) => {
      const [permission = '', access] = word.split(':');
      return { permission, access: access === 'write' ? ('write' as const) : ('read' as const) };
    });
    needed.set(key, needs);
  }
  return needed;
}

function keyOf(method: string, path: string): string {
  return `${method} ${path.replaceAll(/\{[^}]+\}/g, '{}')}`;
}
