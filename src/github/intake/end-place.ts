import type { GitHubRuns } from '../../protocol/github-run.ts';
import type { InstallationPlace, Installations } from '../../protocol/installation.ts';
import { type CodeHandlersOptions, cancelRuns } from './code-handlers.ts';

const RUNS_AT_ONCE = 100;
/** More are left to the next delivery, or to a sweep. */
const BATCHES_MAX = 100;

export interface EndPlaceOptions {
  readonly engine: CodeHandlersOptions['engine'];
  readonly runs: Pick<GitHubRuns, 'find' | 'close'>;
  readonly installations: Pick<Installations, 'openRuns' | 'abandon'>;
}

/**
 * Ends all that goes on for an installation, or for one of its repositories, which the App does not reach any more. Who asks
 * again goes on where the last one ended: runs are closed as they are cancelled. Answers a line for the record.
 */
export async function endPlace(
  { engine, runs, installations }: EndPlaceOptions,
  place: InstallationPlace,
  reason: string,
): Promise<string> {
  let count = 0;
  for (let batch = 0; batch < BATCHES_MAX; batch++) {
    const runIds = await installations.openRuns(place, RUNS_AT_ONCE);
    if (runIds.length === 0) break;
    const rows = await Promise.all(runIds.map((runId) => runs.find(runId)));
    await cancelRuns(
      { engine },
      rows.filter((row) => row !== undefined),
      reason,
    );
    for (const runId of runIds) await runs.close(runId);
    count += runIds.length;
  }
  await installations.abandon(place, reason);
  return `${reason}: ${count} open runs were ended`;
}
