import type { RunTrigger } from '../protocol/client.ts';

const BRANCH = 'refs/heads/';

/**
 * Whose cached results a run may read, the nearest first; it writes to the first.
 *
 * Results stay within a repository, and on GitHub within a ref, as Actions keeps its caches: a pull request may read what
 * its base branch and the default branch left, and never leaves anything for them. On a person's own machine every
 * branch is theirs.
 */
export function cacheScopes(trigger: RunTrigger): readonly [string, ...string[]] {
  const { uri, ref } = trigger.source;
  if (trigger.actor.provider !== 'github' || ref === null) return [uri];
  const { base_ref: base, default_branch: standard } = trigger.github;
  const branches = [base, standard].filter((name): name is string => typeof name === 'string' && name !== '');
  return [`${uri}#${ref}`, ...new Set(branches.map((name) => `${uri}#${BRANCH}${name}`))];
}
