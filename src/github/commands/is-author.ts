import type { RunTrigger } from '../../protocol/client.ts';
import { textAt } from '../intake/payload.ts';
import type { Octokit } from '../octokit.ts';
import type { Person, RolePlace } from '../people/role-of.ts';

/** Types of triggers whose actor pushed the commit, of runs whose trigger does not say who did. */
const PUSHES = ['push', 'tag', 'dispatch', 'deployment'];

/** A change, as far as it tells whose it is. */
export interface AuthoredChange {
  readonly pull: { readonly authorId: number | null } | null;
  readonly trigger: RunTrigger;
  readonly headSha: string;
}

/**
 * Whether somebody opened the pull request, pushed it, or wrote or committed its newest commit. People are compared by id,
 * as logins change hands. Who pushed counts as well: a commit's author is what its maker wrote into it, which may be anybody
 * or nobody.
 */
export async function isAuthor(
  octokit: Octokit,
  { owner, repo }: RolePlace,
  person: Person,
  { pull, trigger, headSha }: AuthoredChange,
): Promise<boolean> {
  const { data } = await octokit.rest.repos.getCommit({ owner, repo, ref: headSha, per_page: 1 });
  const authors = [pull?.authorId, idOf(data.author), idOf(data.committer)];
  return authors.includes(person.id) || isPusher(trigger, person);
}

/** The account decides, where the trigger knows the one of whoever pushed: a login may be another person's by now. */
function isPusher({ type, actor, github }: RunTrigger, { id, login }: Person): boolean {
  const told = textAt(github, 'event.pusher.name');
  const pusher = told ?? (PUSHES.includes(type) && actor.provider === 'github' ? actor.id : undefined);
  if (pusher === undefined) return false;
  if (actor.account !== undefined && isSameLogin(pusher, actor.id)) return actor.account === String(id);
  return isSameLogin(pusher, login);
}

function isSameLogin(a: string, b: string): boolean {
  return a.toLowerCase() === b.toLowerCase();
}

function idOf(user: unknown): number | undefined {
  if (typeof user !== 'object' || user === null || !('id' in user)) return undefined;
  return typeof user.id === 'number' ? user.id : undefined;
}
