import type { Clock } from '../../base/clock.ts';
import type { GitHubRuns } from '../../protocol/github-run.ts';
import type { ReleaseBoard } from '../../protocol/release-board.ts';
import type { RunFeed, TellRun } from '../report/reporter.ts';

export interface ReleaseWatchOptions {
  readonly releases: ReleaseBoard;
  readonly runs: Pick<GitHubRuns, 'find'>;
  readonly feed: Pick<RunFeed, 'versions' | 'readRun' | 'readPlan'>;
  /** Puts on the board what the page of a run's release should hold. */
  readonly tell: TellRun;
  readonly clock: Clock;
  readonly onError: (error: unknown) => void;
}

/** GitHub tells of no file that is replaced: pages are read once an hour, each for as long as its run is remembered. */
const LOOK_EVERY_MS = 3_600_000;
const WATCHED_MS = 90 * 86_400_000;
/** Of a sweep. */
const PAGES_MAX = 25;
const UNJUDGED_MAX = 25;

/**
 * Has the files of released pages compared with what passed the gate, and the gate judged of runs whose receipts came after
 * their last word.
 */
export class ReleaseWatch {
  readonly #options: ReleaseWatchOptions;

  constructor(options: ReleaseWatchOptions) {
    this.#options = options;
  }

  async sweep(): Promise<void> {
    const { releases, clock, onError } = this.#options;
    const nowMs = clock.now();
    const seen = { beforeMs: nowMs - LOOK_EVERY_MS, addedAfter: new Date(nowMs - WATCHED_MS), limit: PAGES_MAX };
    await releases.lookAgainBefore(seen);
    for (const runId of await releases.unjudged(UNJUDGED_MAX)) await this.#judge(runId).catch(onError);
  }

  async #judge(runId: string): Promise<void> {
    const { runs, feed, tell } = this.#options;
    const place = await runs.find(runId);
    const version = (await feed.versions([runId])).get(runId);
    if (!place || version === undefined) return;
    const [run, plan] = await Promise.all([feed.readRun(runId), feed.readPlan(runId)]);
    await tell({ place, run, plan, jobs: [], version: Math.floor(version) });
  }
}
