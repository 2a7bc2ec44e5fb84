import type { GitHubRuns } from '../../protocol/github-run.ts';

/**
 * Has gates of a run judged when it is written down where it belongs. A gate may be waiting by then: until it is known whose
 * commit it promotes, GitHub can't be asked about it.
 * @param revisitGates takes public ids of runs
 */
export function judgeWhenKnown(
  runs: GitHubRuns,
  revisitGates: (runIds: readonly string[]) => Promise<void>,
): GitHubRuns {
  return {
    ...runs,
    add: async (run) => {
      await runs.add(run);
      await revisitGates([run.runId]);
    },
  };
}
