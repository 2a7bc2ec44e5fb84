import { isJsonObject, type Json } from '../base/json.ts';
import type { RunTrigger } from '../protocol/client.ts';
import { repositoryKey } from './repository-key.ts';

const BRANCH = 'refs/heads/';

/**
 * Whose cached results a run may read, the nearest first; it writes to the first.
 *
 * Results stay within a repository, and on GitHub within a ref, as Actions keeps its caches: a pull request may read what
 * its base branch and the default branch left, and never leaves anything for them. On a person's own machine every
 * branch is theirs.
 */
export function cacheScopes(trigger: RunTrigger): readonly [string, ...string[]] {
  const repository = repositoryKey(trigger);
  const { ref } = trigger.source;
  if (trigger.actor.provider !== 'github' || ref === null) return [repository];
  const branches = [trigger.github.base_ref, defaultBranch(trigger)].filter(
    (name): name is string => typeof name === 'string' && name !== '',
  );
  return [`${repository}#${ref}`, ...new Set(branches.map((name) => `${repository}#${BRANCH}${name}`))];
}

function defaultBranch({ github: { event } }: RunTrigger): Json | undefined {
  const repository = isJsonObject(event) ? event.repository : undefined;
  return isJsonObject(repository) ? repository.default_branch : undefined;
}
