import { MaestroError } from '../../base/errors.ts';
import type { GitHubRun } from '../../protocol/github-run.ts';
import { isUninstalled } from '../intake/failure.ts';
import type { Octokit } from '../octokit.ts';
import { type KnownPerson, personOf } from '../people/person-of.ts';
import { teamsOfRoles } from '../people/teams-named.ts';
import type { SeenRepository, TokenHolder } from '../people/token-holder.ts';
import { repositoryNamespace } from '../repository-namespace.ts';
import type { CommandTools } from './tools.ts';

export interface SeenRun {
  readonly row: GitHubRun;
  /** As the holder's own token shows it. */
  readonly repository: SeenRepository;
  /** Of the installation. */
  readonly octokit: Octokit;
  /** The holder, with a role in the repository. */
  readonly person: KnownPerson;
}

/**
 * A run, to somebody who may read its repository: by their own token, and by the role that the installation sees.
 * @throws RUN_NOT_FOUND, also where they may not: that a run exists is nothing for them to know
 */
export async function seenRun(
  tools: Pick<CommandTools, 'access' | 'engine' | 'runs'>,
  holder: TokenHolder,
  run: string,
): Promise<SeenRun> {
  const row = await tools.runs.find(run);
  const repository = row && (await holder.see(row.owner, row.repo));
  if (!row || repository?.id !== row.repositoryId) throw unknown(run);
  const { octokit, person } = await acquainted(tools, holder, row, repository).catch((error: unknown) => {
    throw isUninstalled(error) ? unknown(run) : error;
  });
  if (person.role === 'none') throw unknown(run);
  return { row, repository, octokit, person };
}

async function acquainted(
  { access, engine }: Pick<CommandTools, 'access' | 'engine'>,
  holder: TokenHolder,
  { installationId, repositoryId }: GitHubRun,
  { owner, name: repo }: SeenRepository,
): Promise<Pick<SeenRun, 'octokit' | 'person'>> {
  const octokit = await access.installation(installationId);
  const data = await engine.policyData(repositoryNamespace(installationId, repositoryId));
  return { octokit, person: await personOf(octokit, { owner, repo }, holder, teamsOfRoles(data)) };
}

function unknown(run: string): MaestroError {
  return new MaestroError('RUN_NOT_FOUND', `no run ${run} is known where you may look`);
}
