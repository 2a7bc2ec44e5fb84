import { randomBytes } from 'node:crypto';
import type { Account, Role } from './model.ts';
import type { World } from './world.ts';

const TOKEN_BYTES = 18;

/** How a token begins says what it is: made by hand, for some repositories, by an OAuth app, by a GitHub App for a person. */
type UserTokenKind = 'ghp_' | 'github_pat_' | 'gho_' | 'ghu_';

/** What changes about people while others look. */
export interface PeopleVerbs {
  /** The account stays; the old login is free for anybody. */
  renameUser(login: string, next: string): void;
  /** Null: is no collaborator any more. */
  setRole(owner: string, name: string, login: string, role: Role | null): void;
  /** Makes the team where there is none. Null: is no member any more. `pending` was invited. */
  setTeamMember(organization: string, team: string, login: string, state: 'active' | 'pending' | null): void;
  /** Scopes are of classic tokens: those of the other kinds have none, and see every repository of their person here. */
  issueUserToken(login: string, kind: UserTokenKind, scopes?: readonly string[]): string;
}

export function peopleVerbs(world: World): PeopleVerbs {
  return {
    renameUser: (login, next) => rename(world, world.account(login), next),
    setRole: (owner, name, login, role) => {
      const { collaborators } = world.repository(owner, name);
      if (role === null) collaborators.delete(login.toLowerCase());
      else collaborators.set(login.toLowerCase(), role);
    },
    setTeamMember: (organization, team, login, state) => {
      const key = `${world.account(organization).login}/${team}`.toLowerCase();
      const members = world.teams.get(key) ?? new Map<number, 'active' | 'pending'>();
      world.teams.set(key, members);
      const { id } = world.account(login);
      if (state === null) members.delete(id);
      else members.set(id, state);
    },
    issueUserToken: (login, kind, scopes = []) => {
      const token = `${kind}${randomBytes(TOKEN_BYTES).toString('hex')}`;
      const isClassic = kind === 'ghp_' || kind === 'gho_';
      world.credentials.set(token, {
        kind: 'user',
        account: world.account(login),
        scopes: isClassic ? scopes : null,
      });
      return token;
    },
  };
}

/** Collaborators are kept by login. */
function rename(world: World, account: Account, next: string): void {
  if (world.accounts.has(next.toLowerCase())) throw new Error(`the sandbox has an account ${next} already`);
  const before = account.login.toLowerCase();
  world.accounts.delete(before);
  account.login = next;
  world.accounts.set(next.toLowerCase(), account);
  for (const { collaborators } of world.repositories.values()) {
    const role = collaborators.get(before);
    if (role === undefined) continue;
    collaborators.delete(before);
    collaborators.set(next.toLowerCase(), role);
  }
}
