import type { JsonObject } from '../../base/json.ts';
import type { Installations } from '../../protocol/installation.ts';
import type { Delivery, DeliveryHandler } from '../delivery-handler.ts';
import { repositoryOf } from '../matching/code-events.ts';
import type { GitHubAccess } from '../octokit.ts';
import { type EndPlaceOptions, endPlace } from './end-place.ts';
import { numberAt, objectsAt, textAt } from './payload.ts';

const NOT_FOUND = 404;

export interface InstallationHandlersOptions extends EndPlaceOptions {
  readonly access: GitHubAccess;
  readonly installations: Installations;
}

/**
 * Handlers of the webhooks about the App's own installations, and about repositories as a whole. What is gone for good is
 * believed; what may have come back since is asked for, because a webhook may come late.
 */
export function installationHandlers(options: InstallationHandlersOptions): Readonly<Record<string, DeliveryHandler>> {
  const { installations } = options;
  const resumed = async (installationId: number, repositoryId: number | null = null): Promise<string> => {
    await installations.resume({ installationId, repositoryId });
    return 'what could not be told is told now';
  };
  return {
    'installation.deleted': ofInstallation((installationId) =>
      endPlace(options, { installationId, repositoryId: null }, 'the App was uninstalled'),
    ),
    // Its runs go on: the owner may resume it at any time.
    'installation.suspend': ofInstallation(async (installationId) => {
      await installations.suspend(installationId);
      return 'nothing is tried there until the suspension is over';
    }),
    'installation.unsuspend': ofInstallation((installationId) => resumed(installationId)),
    // What was refused for want of a permission may be allowed now.
    'installation.new_permissions_accepted': ofInstallation((installationId) => resumed(installationId)),
    'installation_repositories.added': ofInstallation(async (installationId, { payload }) => {
      const ids = objectsAt(payload, 'repositories_added').flatMap((repository) => numberAt(repository, 'id') ?? []);
      for (const id of ids) await resumed(installationId, id);
      return `what could not be told of ${ids.length} repositories is told now`;
    }),
    'installation_repositories.removed': ofInstallation((installationId, { payload }) =>
      removed(options, installationId, objectsAt(payload, 'repositories_removed')),
    ),
    'installation_target.renamed': ofInstallation(async (installationId, { payload }) => {
      const owner = textAt(payload, 'account.login');
      if (!owner) return 'ignored: names no account';
      await installations.renameOwner(installationId, owner);
      return `its owner is ${owner} from now on`;
    }),
    'repository.deleted': (delivery) => end(options, delivery, 'the repository was deleted'),
    'repository.archived': (delivery) => archived(options, delivery),
    'repository.unarchived': async (delivery) => {
      const repository = repositoryOf(delivery);
      return repository ? resumed(repository.installationId, repository.id) : 'ignored: names no repository';
    },
    'repository.renamed': (delivery) => move(options, delivery),
    'repository.transferred': (delivery) => move(options, delivery),
  };
}

function ofInstallation(handle: (installationId: number, delivery: Delivery) => Promise<string>): DeliveryHandler {
  return async (delivery) =>
    delivery.installationId === null ? 'ignored: names no installation' : handle(delivery.installationId, delivery);
}

async function removed(
  options: InstallationHandlersOptions,
  installationId: number,
  repositories: readonly JsonObject[],
): Promise<string> {
  const notes: string[] = [];
  for (const repository of repositories) {
    const repositoryId = numberAt(repository, 'id');
    const name = textAt(repository, 'full_name') ?? '';
    if (repositoryId === undefined) continue;
    const place = { installationId, repositoryId };
    // Most have nothing open, and then there is nothing to ask.
    if ((await options.installations.openRuns(place, 1)).length === 0) continue;
    if (await isReached(options, name)) notes.push(`${name} was added again since, or belongs to somebody else`);
    else notes.push(await endPlace(options, place, `the App was removed from ${name}`));
  }
  return notes.join('; ') || 'nothing was going on there';
}

/** A repository that was transferred leaves one installation, and may be of another one that says so itself. */
async function isReached({ access }: InstallationHandlersOptions, name: string): Promise<boolean> {
  const [owner = '', repo = ''] = name.split('/');
  return (await access.app.rest.apps.getRepoInstallation({ owner, repo }).catch(missing)) !== undefined;
}

function missing(error: unknown): undefined {
  if ((error as { readonly status?: unknown }).status !== NOT_FOUND) throw error;
}

async function end(options: InstallationHandlersOptions, delivery: Delivery, reason: string): Promise<string> {
  const repository = repositoryOf(delivery);
  if (!repository) return 'ignored: names no repository';
  const { installationId, id: repositoryId } = repository;
  return endPlace(options, { installationId, repositoryId }, reason);
}

/** Nothing can be written there, and no workflow starts. */
async function archived(options: InstallationHandlersOptions, delivery: Delivery): Promise<string> {
  const repository = repositoryOf(delivery);
  if (!repository) return 'ignored: names no repository';
  const octokit = await options.access.installation(repository.installationId);
  const place = { owner: repository.owner, repo: repository.name };
  const found = await octokit.rest.repos.get(place).catch(missing);
  if (found && !found.data.archived) return 'it is not archived any more';
  return end(options, delivery, 'the repository was archived');
}

async function move({ installations }: InstallationHandlersOptions, delivery: Delivery): Promise<string> {
  const repository = repositoryOf(delivery);
  if (!repository) return 'ignored: names no repository';
  const { installationId, id, owner, name: repo } = repository;
  await installations.move(id, { installationId, owner, repo });
  return `it is ${owner}/${repo} from now on`;
}
