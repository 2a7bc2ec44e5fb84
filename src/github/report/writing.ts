import type { Clock } from '../../base/clock.ts';
import { RELEASE_FILES_FEW } from '../../protocol/release-board.ts';
import type { DueReport, ReportBook, ReportLane } from '../../protocol/report-book.ts';
import type { WriteAllowance, WritePurpose } from '../../protocol/write-allowance.ts';
import type { GitHubAccess } from '../octokit.ts';
import type { ReleaseTools } from '../release/release-writer.ts';
import type { AppIdentity } from './comment-writer.ts';
import { failureOf } from './github-failure.ts';
import { Outages } from './outages.ts';
import { writeReport } from './write-report.ts';

export interface WritingOptions {
  readonly book: ReportBook;
  readonly allowance: WriteAllowance;
  readonly access: Pick<GitHubAccess, 'installation'>;
  readonly app: AppIdentity;
  /** What releases are filled with; where it is absent, nobody fills them here. */
  readonly releases?: ReleaseTools;
  readonly clock: Clock;
  /** Uniform in [0, 1). */
  readonly random: () => number;
  readonly onError: (error: unknown) => void;
}

/** Longer than a look-up and a request may take; whoever died is followed after it. */
const CLAIM_MS = 120_000;
const CLAIMS_MAX = 20;
/** Installations that are written to at the same time by one process. */
const LANES_MAX = 16;
const BACKOFF_FIRST_MS = 2000;
const BACKOFF_MAX_MS = 900_000;

/**
 * `lost`: nothing was asked of GitHub, somebody else has the claim. `looked`: it was asked, and nothing had to be written. `shut`:
 * nobody is to ask more of it now.
 */
type Attempt = 'made' | 'lost' | 'looked' | 'shut';

/**
 * Brings GitHub to what the book says. Each installation has a lane of its own, so one that is slow or at its limit delays
 * nobody else.
 */
export class Writing {
  readonly #options: WritingOptions;
  readonly #lane: ReportLane;
  readonly #outages = new Outages();
  readonly #lanes = new Map<number, Promise<void>>();
  #isStopped = false;

  constructor(options: WritingOptions, lane: ReportLane = 'words') {
    this.#options = options;
    this.#lane = lane;
  }

  /** Gives a lane to every installation that something is due for and that has none. */
  async begin(): Promise<void> {
    const { book, clock } = this.#options;
    while (!this.#isStopped && this.#lanes.size < LANES_MAX) {
      const installations = { except: [...this.#lanes.keys()] };
      const due = await book.claim({ ...this.#query(), nowMs: clock.now(), installations });
      if (due.length === 0) return;
      for (const [installationId, reports] of Map.groupBy(due, (one) => one.installationId))
        this.#open(installationId, reports);
    }
  }

  /** Writes no more than what is being written; what was claimed beyond that is given back. */
  stop(): void {
    this.#isStopped = true;
  }

  /** Resolves when every lane has ended. */
  async idle(): Promise<void> {
    while (this.#lanes.size > 0) await Promise.all(this.#lanes.values());
  }

  #open(installationId: number, first: readonly DueReport[]): void {
    const lane = this.#serve(installationId, first)
      .catch(this.#options.onError)
      .finally(() => this.#lanes.delete(installationId));
    this.#lanes.set(installationId, lane);
  }

  async #serve(installationId: number, first: readonly DueReport[]): Promise<void> {
    const { book, clock } = this.#options;
    for (let reports = first; reports.length > 0; ) {
      if (!(await this.#writeClaimed(installationId, reports))) return;
      const installations = { only: installationId };
      reports = await book.claim({ ...this.#query(), nowMs: clock.now(), installations });
    }
  }

  /** An upload takes as long as it takes: what was claimed beside it would wait in vain. */
  #query(): { readonly lane: ReportLane; readonly claimMs: number; readonly limit: number } {
    return { lane: this.#lane, claimMs: CLAIM_MS, limit: this.#lane === 'releases' ? 1 : CLAIMS_MAX };
  }

  /** Writes what the installation has writes for and gives back the rest. Answers whether more may follow. */
  async #writeClaimed(installationId: number, reports: readonly DueReport[]): Promise<boolean> {
    const { book, allowance, clock } = this.#options;
    const ask = { purpose: purposeOf(reports), atMost: reports.length, nowMs: clock.now() } as const;
    const { taken } = await allowance.take(installationId, ask);
    let [unused, next] = [taken, 0];
    for (let attempt: Attempt = 'made'; attempt !== 'shut' && unused > 0 && !this.#isStopped; next++) {
      const due = reports[next];
      if (!due) break;
      attempt = await this.#write(due);
      if (attempt !== 'lost' && attempt !== 'looked') unused--;
    }
    const left = reports.slice(next);
    await book.release(left);
    if (unused > 0) await allowance.giveBack(installationId, unused);
    return left.length === 0 && !this.#isStopped;
  }

  async #write(due: DueReport): Promise<Attempt> {
    const { book, access, app, releases, clock } = this.#options;
    const renew = (): Promise<boolean> => book.renew(due, clock.now() + CLAIM_MS);
    if (!(await renew())) return 'lost';
    try {
      const octokit = await access.installation(due.installationId);
      const written = await writeReport(octokit, due, { app, releases, renew });
      await book.record(due, { ...written, nowMs: clock.now() });
      this.#outages.end(due.installationId);
      return written.isLook ? 'looked' : 'made';
    } catch (error) {
      return this.#fail(due, error);
    }
  }

  async #fail(due: DueReport, error: unknown): Promise<Attempt> {
    const { book, allowance, clock, onError } = this.#options;
    const nowMs = clock.now();
    const failure = failureOf(error, nowMs);
    if (failure.type === 'unsure') return this.#putOff(due, error, failure.text);
    if (failure.type === 'limited') {
      await allowance.close(due.installationId, nowMs + failure.waitMs);
      await book.defer(due, { dueMs: nowMs + failure.waitMs, problem: null, isUnsure: due.isUnsure });
      return 'shut';
    }
    this.#outages.end(due.installationId);
    if (failure.type === 'missing' && due.kind === 'comment' && due.remoteId !== null) await book.forget(due);
    else {
      // This request did nothing; one before it may have.
      await book.bury(due, { problem: failure.text, isUnsure: due.isUnsure });
      onError(error);
    }
    return 'made';
  }

  /** Tries again, for ever: what was not refused may be said one day. */
  async #putOff(due: DueReport, error: unknown, problem: string): Promise<Attempt> {
    const { book, allowance, clock, onError } = this.#options;
    const nowMs = clock.now();
    const dueMs = nowMs + this.#backoffMs(due.failures);
    await book.defer(due, { dueMs, problem, isUnsure: true });
    if (fullBackoffMs(due.failures) === BACKOFF_MAX_MS) onError(error);
    const more = this.#outages.fail(due.installationId, due.id);
    if (more === undefined) return 'made';
    await allowance.rest(due.installationId, nowMs + this.#backoffMs(Math.max(more, due.failures)));
    return 'shut';
  }

  /** Whole milliseconds. Half of the delay is chance: processes that failed together do not come back together. */
  #backoffMs(failures: number): number {
    const fullMs = fullBackoffMs(failures);
    return Math.round(fullMs / 2 + (fullMs / 2) * this.#options.random());
  }
}

function fullBackoffMs(failures: number): number {
  return Math.min(BACKOFF_MAX_MS, BACKOFF_FIRST_MS * 2 ** failures);
}

/** Remainders and releases are claimed alone. */
function purposeOf(reports: readonly DueReport[]): WritePurpose {
  if (reports.every((due) => due.kind === 'release' && due.isSettled)) return 'remainder';
  if (reports.every((due) => due.kind === 'release' && due.spec.assets.length <= RELEASE_FILES_FEW)) return 'release';
  return reports.every((due) => due.kind === 'check' && due.isRemainder) ? 'remainder' : 'report';
}
