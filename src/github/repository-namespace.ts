import type { Namespace } from '../protocol/namespace.ts';

/** A tenant is an installation of the App, a namespace one repository of it: both by number, which no renaming changes. */
export function repositoryNamespace(installationId: number, repositoryId: number): Namespace {
  return { tenant: `github:${installationId}`, name: `github:${repositoryId}` };
}
