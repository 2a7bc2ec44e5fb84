import { setTimeout as sleep } from 'node:timers/promises';
import { isMaestroError } from '../../base/errors.ts';
import type { Plan } from '../../pipeline/plan.ts';
import type { CheckBoard } from '../../protocol/check.ts';
import type { GitHubRun, GitHubRuns } from '../../protocol/github-run.ts';
import type { ChangedPull, StandingCheck } from '../../protocol/report-book.ts';
import { isRunFinal, type RunView } from '../../protocol/run.ts';
import { type CheckOptions, checksOf, failedSteps } from './checks-of.ts';
import { stickyComment } from './sticky-comment.ts';
import { supersededChecks } from './superseded.ts';
import { Writing, type WritingOptions } from './writing.ts';

/** What the reporter knows of runs. The door joins it to the engine. */
export interface RunFeed {
  /** Resolves when runs may have changed, after `waitMs`, or when the signal fires. */
  next(waitMs: number, signal: AbortSignal): Promise<void>;
  /**
   * A number of each run that changes with everything to be told of it. Its whole part counts the events of the run: it is
   * equal in every process, and orders what they say.
   */
  versions(runIds: readonly string[]): Promise<ReadonlyMap<string, number>>;
  /** @throws RUN_NOT_FOUND */
  readRun(runId: string): Promise<RunView>;
  readPlan(runId: string): Promise<Plan>;
  /** Pages of the jobs that its steps ran in, the newest first. */
  readJobs(runId: string): Promise<readonly string[]>;
  /** The last lines of a step's log, bounded by the caller of GitHub's limits; empty where there is none. */
  readLogTail?(runId: string, stepId: string): Promise<string>;
}

/** A run as it is to be told of now. */
interface RunTelling {
  readonly place: GitHubRun;
  readonly run: RunView;
  readonly plan: Plan;
  /** Pages of the jobs that its steps ran in, the newest first. */
  readonly jobs: readonly string[];
  /** Orders what is said of the run. */
  readonly version: number;
}

/** Puts on a board of its own what else is to be said of a run. The same told again changes nothing. */
export type TellRun = (telling: RunTelling) => Promise<void>;

export interface ReporterOptions extends WritingOptions {
  readonly runs: GitHubRuns;
  readonly board: CheckBoard;
  readonly feed: RunFeed;
  /** Of deployments, say: what is told beside checks. */
  readonly tellers: readonly TellRun[];
  /** `https://maestro.example.com`; null where the server has no address that people reach. */
  readonly publicUrl: string | null;
}

const POLL_MS = 1000;
/** News comes with every event; a look costs queries. */
const PAUSE_MS = 250;
const RUNS_MAX = 500;
const PULLS_MAX = 100;
/** A receipt is signed moments after the end: so long the last word waits, to be one write instead of two. */
const RECEIPT_GRACE_MS = 1000;
/** A run whose receipt is not signed by then is closed without it. */
const RECEIPT_WAIT_MS = 600_000;
/** GitHub gives up a check that it hears nothing of for 14 days, as one at a gate may be. */
const REFRESH_AFTER_MS = 7 * 86_400_000;
const REFRESH_EVERY_MS = 3_600_000;
/** Version of a check that was taken back: nothing the run says later undoes that. */
const LAST_WORD = Number.MAX_SAFE_INTEGER;

interface KnownRun {
  readonly version: number;
  /** When it was first seen to have ended. */
  readonly endedMs: number | null;
  /** Whether its last word is on the board: all that is left is to see it written. */
  readonly isLast: boolean;
}

/**
 * Reports runs to GitHub: looks at those that changed, puts on the board what their checks should say, writes the comment
 * of their pull requests, and brings GitHub to it. Any number of processes may do so at once.
 */
export class Reporter {
  readonly #options: ReporterOptions;
  /** What is said, and the pages of releases where they are filled: no upload keeps a check waiting. */
  readonly #writings: readonly Writing[];
  /** Open runs as they were told last. A hint: what is put again changes nothing. */
  #known = new Map<string, KnownRun>();
  #refreshAtMs = 0;

  constructor(options: ReporterOptions) {
    this.#options = options;
    const lanes = options.releases ? (['words', 'releases'] as const) : (['words'] as const);
    this.#writings = lanes.map((lane) => new Writing(options, lane));
  }

  /** Works until the signal fires, then ends what it began. */
  async run(signal: AbortSignal): Promise<void> {
    const { feed, onError } = this.#options;
    // At once: a lane that ends while this waits would begin the next write.
    const stop = (): void => {
      for (const writing of this.#writings) writing.stop();
    };
    signal.addEventListener('abort', stop, { once: true });
    while (!signal.aborted) {
      const pause = sleep(PAUSE_MS, undefined, { signal }).catch(() => {});
      // Before the look: what changes during it is seen by the next one.
      const news = feed.next(POLL_MS, signal).catch(onError);
      try {
        await this.look();
        await this.#begin();
      } catch (error) {
        onError(error);
      }
      await news;
      await pause;
    }
    await this.#idle();
  }

  /** One look, and everything that is due now written. */
  async turn(): Promise<void> {
    await this.look();
    await this.#begin();
    await this.#idle();
  }

  async #begin(): Promise<void> {
    for (const writing of this.#writings) await writing.begin();
  }

  async #idle(): Promise<void> {
    await Promise.all(this.#writings.map((writing) => writing.idle()));
  }

  /** Puts on the board what changed. */
  async look(): Promise<void> {
    const { runs, feed, onError } = this.#options;
    const known = new Map<string, KnownRun>();
    for (let after: string | undefined; ; ) {
      const page = await runs.open(RUNS_MAX, after);
      const versions = await feed.versions(page.map((run) => run.runId));
      for (const place of page) {
        try {
          const next = await this.#lookAt(place, versions.get(place.runId) ?? 0);
          if (next) known.set(place.runId, next);
        } catch (error) {
          onError(error);
        }
      }
      after = page.at(-1)?.runId;
      if (page.length < RUNS_MAX) break;
    }
    this.#known = known;
    await this.#writeComments();
    await this.#refresh();
  }

  async #lookAt(place: GitHubRun, version: number): Promise<KnownRun | undefined> {
    const known = this.#known.get(place.runId);
    if (known?.version === version) {
      if (known.endedMs === null) return known;
      if (known.isLast) return (await this.#closeWritten(place)) ? undefined : known;
    }
    const run = await this.#readRun(place);
    if (run === undefined) return undefined;
    if (!isRunFinal(run.status)) {
      await this.#put(place, run, version);
      return { version, endedMs: null, isLast: false };
    }
    return this.#lookAtEnded(place, run, version, known?.endedMs ?? this.#options.clock.now());
  }

  async #lookAtEnded(place: GitHubRun, run: RunView, version: number, endedMs: number): Promise<KnownRun> {
    const passedMs = this.#options.clock.now() - endedMs;
    const isSigned = run.receipt?.status === 'signed';
    if (isSigned || passedMs >= RECEIPT_GRACE_MS) await this.#put(place, run, version);
    return { version, endedMs, isLast: isSigned || passedMs >= RECEIPT_WAIT_MS };
  }

  /** A run that is gone has nothing to say any more. */
  async #readRun(place: GitHubRun): Promise<RunView | undefined> {
    try {
      return await this.#options.feed.readRun(place.runId);
    } catch (error) {
      if (!isMaestroError(error, 'RUN_NOT_FOUND')) throw error;
      await this.#options.runs.close(place.runId);
      return undefined;
    }
  }

  async #closeWritten(place: GitHubRun): Promise<boolean> {
    const { runs, book } = this.#options;
    if (await book.isPending(place.repositoryId, place.headSha, place.runId)) return false;
    await runs.close(place.runId);
    return true;
  }

  async #put(place: GitHubRun, run: RunView, version: number): Promise<void> {
    const { runs, board, book, feed, tellers, publicUrl } = this.#options;
    const siblings = (await runs.ofCommit(place.repositoryId, place.headSha))
      .filter((one) => one.checkName === place.checkName)
      .map((one) => one.runId);
    const standing = await book.standing(place.repositoryId, place.headSha);
    const jobs = await feed.readJobs(place.runId);
    const options: CheckOptions = {
      publicUrl,
      jobs,
      standing: stepsWithCheck(standing, place.runId),
      logTails: await this.#logTails(run),
      isSuperseded: siblings.indexOf(place.runId) > 0,
    };
    const plan = await feed.readPlan(place.runId);
    const whole = Math.floor(version);
    for (const spec of checksOf(run, plan, place, options)) await board.put(place, spec, whole);
    for (const tell of tellers) await tell({ place, run, plan, jobs, version: whole });
    if (siblings.length < 2) return;
    const now = await book.standing(place.repositoryId, place.headSha);
    for (const { target, spec } of supersededChecks(now, siblings)) await board.put(target, spec, LAST_WORD);
  }

  async #logTails(run: RunView): Promise<ReadonlyMap<string, string>> {
    const { feed, onError } = this.#options;
    const tails = new Map<string, string>();
    if (!feed.readLogTail) return tails;
    for (const { id } of failedSteps(run)) {
      try {
        tails.set(id, await feed.readLogTail(run.id, id));
      } catch (error) {
        // A verdict without its log is worth more than none.
        onError(error);
      }
    }
    return tails;
  }

  /** Says once more of what is under way that it is. */
  async #refresh(): Promise<void> {
    const { book, clock } = this.#options;
    const nowMs = clock.now();
    if (nowMs < this.#refreshAtMs) return;
    await book.refresh(nowMs - REFRESH_AFTER_MS);
    this.#refreshAtMs = nowMs + REFRESH_EVERY_MS;
  }

  async #writeComments(): Promise<void> {
    const { book, onError } = this.#options;
    for (const pull of await book.changedPulls(PULLS_MAX)) await this.#thinkOver(pull).catch(onError);
  }

  async #thinkOver(pull: ChangedPull): Promise<void> {
    const { book } = this.#options;
    const comment = stickyComment(await book.ofPull(pull), pull);
    await book.putComment(pull, comment?.body ?? null, comment?.isUrgent ?? false);
  }
}

function stepsWithCheck(standing: readonly StandingCheck[], runId: string): readonly string[] {
  const prefix = `${runId}/`;
  return standing.flatMap(({ spec }) =>
    spec.externalId.startsWith(prefix) ? [spec.externalId.slice(prefix.length)] : [],
  );
}
