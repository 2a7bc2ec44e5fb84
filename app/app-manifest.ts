import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { parse } from 'yaml';

const PATH = join(resolve(import.meta.dirname, '..'), 'app.yml');

/** What the App may do and hears of: `app.yml`, as GitHub's manifest takes it. */
export interface AppManifest {
  readonly name: string;
  readonly url: string;
  readonly description: string;
  readonly public: boolean;
  readonly default_permissions: Readonly<Record<string, 'read' | 'write'>>;
  readonly default_events: readonly string[];
}

export function readAppManifest(): AppManifest {
  return parse(readFileSync(PATH, 'utf8')) as AppManifest;
}

/**
 * The page on GitHub that registers the App with everything filled in. A manifest itself can only be sent by a form.
 * Source: docs.github.com, "Registering a GitHub App using URL parameters".
 */
export function registrationUrl(
  manifest: AppManifest,
  { githubUrl, organization, serverUrl }: { githubUrl: string; organization: string | undefined; serverUrl: string },
): string {
  const owner = organization === undefined ? '' : `/organizations/${encodeURIComponent(organization)}`;
  const url = new URL(`${githubUrl}${owner}/settings/apps/new`);
  const { name, url: homepage, description } = manifest;
  const fields = { name, url: homepage, description, public: String(manifest.public), webhook_active: 'true' };
  for (const [key, value] of Object.entries(fields)) url.searchParams.set(key, value);
  url.searchParams.set('webhook_url', `${serverUrl}/api/github/webhooks`);
  for (const [permission, access] of Object.entries(manifest.default_permissions))
    url.searchParams.set(permission, access);
  for (const event of manifest.default_events) url.searchParams.append('events[]', event);
  return url.href;
}
