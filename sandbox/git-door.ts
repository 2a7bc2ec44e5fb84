import type { IncomingMessage, ServerResponse } from 'node:http';
import { relative } from 'node:path';
import type { Api } from './api.ts';
import { ApiError } from './api-error.ts';
import { authenticate, suspended } from './authenticate.ts';
import { ZERO_SHA } from './git.ts';
import { serveGit } from './git-http.ts';
import type { Account, Credential, Repository } from './model.ts';
import { announceRefChanges } from './refs.ts';
import type { World } from './world.ts';

const GIT_PATH = /^\/([^/]+)\/([^/]+?)\.git\/(info\/refs|git-upload-pack|git-receive-pack|HEAD|objects\/.*)$/;

/** Clone, fetch and push at `/OWNER/NAME.git`. True if the path was git's. A push has the same effects as one by the API. */
export async function serveGitDoor(
  world: World,
  api: Api,
  request: IncomingMessage,
  response: ServerResponse,
  url: URL,
): Promise<boolean> {
  const [, owner = '', name = '', service = ''] = GIT_PATH.exec(url.pathname) ?? [];
  if (service === '') return false;
  const isPush = service === 'git-receive-pack' || url.searchParams.get('service') === 'git-receive-pack';
  try {
    const repository = repositoryOf(world, decodeURIComponent(owner), decodeURIComponent(name));
    const credential = await authenticate(world, request.headers);
    const person = admit(world, credential, repository, isPush);
    const path = `/${relative(world.root, repository.git.folder)}/${service}`;
    const asked = { root: world.root, path, query: url.searchParams.toString(), user: person?.login ?? null };
    if (service !== 'git-receive-pack' || person === null) {
      await serveGit(request, response, asked, async () => undefined);
    } else {
      await api.exclusive(async () => {
        const before = await repository.git.refs();
        await serveGit(request, response, asked, async () => await announce(world, repository, before, person));
      });
    }
  } catch (error) {
    refuse(response, error);
  }
  return true;
}

/** Also under a name that it had before. */
function repositoryOf(world: World, owner: string, name: string): Repository {
  return world.movedRepository(owner, name) ?? world.repository(owner, name);
}

function refuse(response: ServerResponse, error: unknown): void {
  if (!(error instanceof ApiError)) throw error;
  // Git asks for a password only where it is told that one is wanted.
  response.writeHead(error.status, error.status === 401 ? { 'www-authenticate': 'Basic realm="GitHub"' } : {});
  response.end(error.message);
}

function admit(world: World, credential: Credential, repository: Repository, isPush: boolean): Account | null {
  const isAnonymous = credential.kind === 'anonymous';
  if (!world.canRead(credential, repository)) throw new ApiError(isAnonymous ? 401 : 404, 'Repository not found.');
  if (isPush && repository.isArchived) throw new ApiError(403, 'This repository was archived so it is read-only.');
  if (credential.kind === 'user') return admitPerson(world, credential.account, repository, isPush);
  if (credential.kind === 'installation') return admitInstallation(world, credential, repository, isPush);
  if (isPush) throw new ApiError(401, 'Authentication required');
  return null;
}

function admitPerson(world: World, account: Account, repository: Repository, isPush: boolean): Account {
  if (isPush && !world.hasRole(account, repository, 'write'))
    throw new ApiError(403, `Permission to ${repository.name} denied to ${account.login}.`);
  return account;
}

function admitInstallation(
  world: World,
  credential: Extract<Credential, { kind: 'installation' }>,
  repository: Repository,
  isPush: boolean,
): Account {
  if (credential.installation.suspendedAt !== null) throw suspended();
  const granted = world.reaches(credential, repository) ? credential.permissions['contents'] : undefined;
  const isAllowed = isPush ? granted === 'write' : granted !== undefined || !repository.isPrivate;
  if (!isAllowed) throw new ApiError(403, 'Resource not accessible by integration');
  return credential.installation.app.bot;
}

async function announce(
  world: World,
  repository: Repository,
  before: ReadonlyMap<string, string>,
  person: Account,
): Promise<void> {
  const after = await repository.git.refs();
  const names = new Set([...before.keys(), ...after.keys()]);
  const changes = [...names].map((ref) => ({
    ref,
    before: before.get(ref) ?? ZERO_SHA,
    after: after.get(ref) ?? ZERO_SHA,
  }));
  await announceRefChanges(world, repository, changes, person);
}
