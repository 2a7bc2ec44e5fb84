import type { Octokit } from '../octokit.ts';
import { foldRole, type Role } from './role.ts';

/** A person as a webhook names them. `id` stays equal when they are renamed; the login may pass to somebody else. */
export interface Person {
  readonly id: number;
  readonly login: string;
  /** A program, or somebody through one: as far as whoever names them can tell. */
  readonly isApp?: boolean;
}

export interface RolePlace {
  readonly owner: string;
  readonly repo: string;
}

export interface RoleHolder extends Person {
  /** As GitHub has it now. `login` is the present one too. */
  readonly role: Role;
  readonly isApp: boolean;
}

/**
 * The role of a person now: asked each time, because a stale answer would grant what was taken away.
 *
 * A login that has passed to somebody else since the event gives nothing: the person is looked up by id, and has no role
 * where that fails.
 */
export async function roleOf(octokit: Octokit, place: RolePlace, person: Person): Promise<RoleHolder> {
  const found = await find(octokit, place, person);
  const isApp = person.isApp === true || found?.isApp === true;
  return found ? { ...found, isApp } : { ...person, role: 'none', isApp };
}

async function find(octokit: Octokit, place: RolePlace, person: Person): Promise<RoleHolder | undefined> {
  const named = await ask(octokit, place, person.login);
  if (named?.id === person.id) return named;
  const login = await loginOf(octokit, person.id);
  const renamed = login === undefined ? undefined : await ask(octokit, place, login);
  return renamed?.id === person.id ? renamed : undefined;
}

async function ask(octokit: Octokit, place: RolePlace, username: string): Promise<RoleHolder | undefined> {
  const { data } = await octokit.rest.repos
    .getCollaboratorPermissionLevel({ ...place, username })
    .catch(nothingWhereNotFound);
  if (!data?.user) return undefined;
  const { id, login, type } = data.user;
  return { id, login, role: foldRole(data.role_name, data.permission), isApp: type === 'Bot' };
}

async function loginOf(octokit: Octokit, id: number): Promise<string | undefined> {
  const { data } = await octokit.request('GET /user/{account_id}', { account_id: id }).catch(nothingWhereNotFound);
  return data?.login;
}

function nothingWhereNotFound(error: unknown): { readonly data: undefined } {
  if (error instanceof Error && 'status' in error && error.status === 404) return { data: undefined };
  throw error;
}
