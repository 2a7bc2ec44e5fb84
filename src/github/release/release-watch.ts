import type { Clock } from '../../base/clock.ts';
import type { GitHubRuns } from '../../protocol/github-run.ts';
import type { ReleaseBoard, UnjudgedRelease } from '../../protocol/release-board.ts';
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
/** A week of tries, by the pauses between them. */
const JUDGE_TRIES_MAX = 320;
/** To say that it was given up. */
const GIVE_UP_TRIES_MAX = 10;

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
    const waiting = { nowMs, limit: UNJUDGED_MAX, triesMax: JUDGE_TRIES_MAX + GIVE_UP_TRIES_MAX };
    for (const page of await releases.unjudged(waiting)) await this.#judge(page).catch(onError);
  }

  async #judge(page: UnjudgedRelease): Promise<void> {
    const { runs, feed, tell } = this.#options;
    if (page.tries > JUDGE_TRIES_MAX) return this.#giveUp(page);
    const { runId } = page.spec;
    const place = await runs.find(runId);
    const version = (await feed.versions([runId])).get(runId);
    if (!place || version === undefined) return;
    const [run, plan] = await Promise.all([feed.readRun(runId), feed.readPlan(runId)]);
    await tell({ place, run, plan, jobs: [], version: Math.floor(version) });
  }

  /** Said of what the page itself holds: of the run there may be nothing any more. */
  async #giveUp({ target, spec, version }: UnjudgedRelease): Promise<void> {
    const reason = `the verdict of its release gate could not be signed, though it was tried ${JUDGE_TRIES_MAX} times in a week`;
    const gate = { isPassed: false, reasons: [reason], papers: [] };
    await this.#options.releases.putRelease(target, { ...spec, gate }, version);
  }
}
