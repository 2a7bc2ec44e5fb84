import { isRefusal, statusOf } from '../intake/failure.ts';
import type { Octokit } from '../octokit.ts';

/** Teams that are asked about for one person and request: each is a call to GitHub, and policy may name any number. */
const TEAMS_ASKED_MAX = 20;
const NOT_FOUND = 404;

export interface Teams {
  /** `organisation/team` in lower case. */
  readonly teams: readonly string[];
  /** Why the person may be in one that is not listed; null where all that were named were asked about. */
  readonly problem: string | null;
}

/**
 * To which of the named teams a person belongs, now. An installation sees those of its own organisation alone; where the
 * App may not read them, the person has none.
 * @param login the present one: see `roleOf`
 * @param named `organisation/team`
 */
export async function teamsOf(
  octokit: Octokit,
  organization: string,
  login: string,
  named: readonly string[],
): Promise<Teams> {
  const wanted = [...new Set(named.map((team) => team.toLowerCase()))];
  const own = wanted.filter((team) => team.startsWith(`${organization.toLowerCase()}/`));
  try {
    const asked = own.slice(0, TEAMS_ASKED_MAX);
    const found = await Promise.all(asked.map((team) => isMember(octokit, team, login)));
    return { teams: asked.filter((_, at) => found[at]), problem: problemOf(wanted, own) };
  } catch (error) {
    if (!isRefusal(error)) throw error;
    return { teams: [], problem: 'the App may not read teams: it needs the permission to read members' };
  }
}

function problemOf(wanted: readonly string[], own: readonly string[]): string | null {
  if (own.length > TEAMS_ASKED_MAX)
    return `of ${own.length} teams that policy names only the first ${TEAMS_ASKED_MAX} are asked about`;
  const foreign = wanted.find((team) => !own.includes(team));
  return foreign === undefined ? null : `${foreign} is a team of another organisation, which cannot be asked about`;
}

/** Invited is not in yet. A team that is not there has no members. */
async function isMember(octokit: Octokit, team: string, username: string): Promise<boolean> {
  const [org = '', slug = ''] = team.split('/');
  try {
    const { data } = await octokit.rest.teams.getMembershipForUserInOrg({ org, team_slug: slug, username });
    return data.state === 'active';
  } catch (error) {
    if (statusOf(error) === NOT_FOUND) return false;
    throw error;
  }
}
