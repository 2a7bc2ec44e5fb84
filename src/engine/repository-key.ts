import type { RunTrigger } from '../protocol/client.ts';

/** What results and concurrency groups are kept apart by. On GitHub the id: a name may be somebody else's tomorrow. */
export function repositoryKey({ actor, source, github }: Pick<RunTrigger, 'actor' | 'source' | 'github'>): string {
  const { repository_id: id } = github;
  return actor.provider === 'github' && typeof id === 'string' && id !== '' ? `github:${id}` : source.uri;
}
