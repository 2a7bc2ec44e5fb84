import type { DeploymentBoard } from '../../protocol/deployment-board.ts';
import type { GitHubRun } from '../../protocol/github-run.ts';
import type { TellRun } from '../report/reporter.ts';
import { deploymentsOf, type EnvironmentFacts } from './deployments-of.ts';

/** Environments of a repository by name, as far as its policy's data know them. */
export type ReadEnvironments = (
  place: Pick<GitHubRun, 'installationId' | 'repositoryId'>,
) => Promise<ReadonlyMap<string, EnvironmentFacts>>;

const UNKNOWN: EnvironmentFacts = { url: null, isProduction: false };

/** Puts on the board what runs deploy, as far as their plans act on environments. */
export function openDeploymentTeller(board: DeploymentBoard, readEnvironments: ReadEnvironments): TellRun {
  return async ({ place, run, plan, jobs, version }) => {
    if (!run.steps.some(({ environment }) => environment !== null)) return;
    const known = await readEnvironments(place);
    const specs = deploymentsOf(run, plan, {
      environmentOf: (name) => known.get(name) ?? UNKNOWN,
      standing: await board.deployedBy(place, place.runId),
      logUrl: jobs[0] ?? null,
    });
    for (const spec of specs) await board.putDeployment(place, spec, version);
  };
}
