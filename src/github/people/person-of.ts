import type { Principal } from '../../base/principal.ts';
import type { Octokit } from '../octokit.ts';
import { type Person, type RoleHolder, type RolePlace, roleOf } from './role-of.ts';
import { teamsOf } from './teams-of.ts';

/** Somebody as policy judges them: asked of GitHub for this request, and kept for no other. */
export interface KnownPerson extends RoleHolder {
  readonly principal: Principal;
  /** Teams that were asked about. */
  readonly asked: readonly string[];
  /** Why they may be in a team that `principal` lacks. */
  readonly teamsProblem: string | null;
}

/**
 * The person behind a deed, now: who was removed has no permission any more, who was renamed is the same account.
 * @param teamsNamed those that matter for the deed
 */
export async function personOf(
  octokit: Octokit,
  place: RolePlace,
  person: Person,
  teamsNamed: readonly string[],
): Promise<KnownPerson> {
  return withTeams(octokit, place, holderOf(await roleOf(octokit, place, person)), teamsNamed);
}

/** Of whom only the role is known yet. */
export function holderOf(holder: RoleHolder): KnownPerson {
  const { id, login, role: permission, isApp } = holder;
  const principal = { provider: 'github', account: String(id), login, permission, teams: [], isApp };
  return { ...holder, principal, asked: [], teamsProblem: null };
}

/** Asks about further teams. Who has no role is in none that counts: GitHub is not asked. */
export async function withTeams(
  octokit: Octokit,
  { owner }: RolePlace,
  person: KnownPerson,
  teamsNamed: readonly string[],
): Promise<KnownPerson> {
  const more = teamsNamed.map((team) => team.toLowerCase()).filter((team) => !person.asked.includes(team));
  if (more.length === 0 || person.role === 'none') return person;
  const { teams, problem } = await teamsOf(octokit, owner, person.login, more);
  return {
    ...person,
    principal: { ...person.principal, teams: [...person.principal.teams, ...teams].toSorted() },
    asked: [...person.asked, ...more],
    teamsProblem: person.teamsProblem ?? problem,
  };
}
