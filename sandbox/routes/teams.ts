import { notFound } from '../api-error.ts';
import { type Call, found, type Reply, type Routes } from '../call.ts';

export const TEAMS: Routes = {
  'teams/get-membership-for-user-in-org': membership,
};

/** An app asks about teams of organizations that installed it. */
function membership(call: Call): Reply {
  const { world, parts } = call;
  const organization = world.account(call.param('org'));
  const team = call.param('team_slug').toLowerCase();
  const { credential } = parts;
  if (credential.kind === 'installation' && credential.installation.account.id !== organization.id) throw notFound();
  const members = found(world.teams.get(`${organization.login.toLowerCase()}/${team}`));
  const { id, login } = world.account(call.param('username'));
  const state = found(members.get(id));
  const url = `${world.apiUrl}/organizations/${organization.id}/team/${team}/memberships/${login}`;
  return { status: 200, body: { url, role: 'member', state } };
}
