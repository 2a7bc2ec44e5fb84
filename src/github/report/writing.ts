import type { Clock } from '../../base/clock.ts';
import type { DueCheck, DueComment, DueReport, ReportBook } from '../../protocol/report-book.ts';
import type { GitHubAccess, Octokit } from '../octokit.ts';
import { ANNOTATIONS_PER_WRITE, findCheck, writeCheck } from './check-writer.ts';
import { type AppIdentity, findComment, writeComment } from './comment-writer.ts';
import { failureOf } from './github-failure.ts';
import { WriteBudget } from './write-budget.ts';

export interface WritingOptions {
  readonly book: ReportBook;
  readonly access: Pick<GitHubAccess, 'installation'>;
  readonly app: AppIdentity;
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
/** With the backoff above about 3 hours. */
const FAILURES_MAX = 20;

/**
 * Brings GitHub to what the book says. Each installation has a lane of its own, so one that is slow or at its limit delays
 * nobody else.
 */
export class Writing {
  readonly #options: WritingOptions;
  readonly #budget = new WriteBudget();
  readonly #lanes = new Map<number, Promise<void>>();
  #isStopped = false;

  constructor(options: WritingOptions) {
    this.#options = options;
  }

  /** Gives a lane to every installation that something is due for and that has none. */
  async begin(): Promise<void> {
    const { book, clock } = this.#options;
    while (this.#lanes.size < LANES_MAX) {
      const installations = { except: [...this.#lanes.keys()] };
      const due = await book.claim({ nowMs: clock.now(), claimMs: CLAIM_MS, limit: CLAIMS_MAX, installations });
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
      for (const due of reports) await (this.#isStopped ? this.#giveBack(due) : this.#write(due));
      if (this.#isStopped) return;
      const installations = { only: installationId };
      reports = await book.claim({ nowMs: clock.now(), claimMs: CLAIM_MS, limit: CLAIMS_MAX, installations });
    }
  }

  async #giveBack(due: DueReport): Promise<void> {
    await this.#options.book.defer(due, { dueMs: 0, problem: null, isUnsure: due.isUnsure });
  }

  async #write(due: DueReport): Promise<void> {
    try {
      const octokit = await this.#options.access.installation(due.installationId);
      if (due.kind === 'check') await this.#writeCheck(octokit, due);
      else await this.#writeComment(octokit, due);
    } catch (error) {
      await this.#fail(due, error);
    }
  }

  async #writeCheck(octokit: Octokit, due: DueCheck): Promise<void> {
    if (!(await this.#mayWrite(due))) return;
    let at = due.remoteId === null ? undefined : { id: due.remoteId, annotations: due.sentAnnotations };
    if (due.isUnsure) at = await findCheck(octokit, due, this.#options.app.id);
    const total = due.spec.annotations.length;
    for (;;) {
      const id = await writeCheck(octokit, due, at);
      at = { id, annotations: Math.min(total, (at?.annotations ?? 0) + ANNOTATIONS_PER_WRITE) };
      const isWhole = at.annotations >= total;
      const isOurs = await this.#record(due, id, at.annotations, isWhole);
      if (isWhole || !isOurs || !(await this.#mayWrite(due))) return;
    }
  }

  async #writeComment(octokit: Octokit, due: DueComment): Promise<void> {
    if (!(await this.#mayWrite(due))) return;
    const known = due.remoteId ?? (await findComment(octokit, due, this.#options.app));
    await this.#record(due, await writeComment(octokit, due, known), 0, true);
  }

  /** Takes a write from the installation's budget, or lays the report aside until there is one. */
  async #mayWrite(due: DueReport): Promise<boolean> {
    const nowMs = this.#options.clock.now();
    if (!(await this.#options.book.renew(due, nowMs + CLAIM_MS))) return false;
    const waitMs = this.#budget.take(due.installationId, nowMs);
    if (waitMs === 0) return true;
    await this.#options.book.defer(due, { dueMs: nowMs + waitMs, problem: null, isUnsure: due.isUnsure });
    return false;
  }

  async #record(due: DueReport, remoteId: number, sentAnnotations: number, isWhole: boolean): Promise<boolean> {
    const nowMs = this.#options.clock.now();
    return this.#options.book.record(due, { remoteId, sentAnnotations, isWhole, nowMs, claimMs: CLAIM_MS });
  }

  async #fail(due: DueReport, error: unknown): Promise<void> {
    const { book, clock, onError } = this.#options;
    const nowMs = clock.now();
    const failure = failureOf(error, nowMs);
    if (failure.type === 'limited') {
      this.#budget.close(due.installationId, nowMs + failure.waitMs, nowMs);
      await book.defer(due, { dueMs: nowMs + failure.waitMs, problem: null, isUnsure: due.isUnsure });
      return;
    }
    if (failure.type === 'missing' && due.kind === 'comment' && due.remoteId !== null) return book.forget(due);
    if (failure.type !== 'unsure' || due.failures + 1 >= FAILURES_MAX) {
      await book.bury(due, failure.text);
      onError(error);
      return;
    }
    await book.defer(due, { dueMs: nowMs + this.#backoffMs(due.failures), problem: failure.text, isUnsure: true });
  }

  /** Whole milliseconds. Half of the delay is chance: processes that failed together do not come back together. */
  #backoffMs(failures: number): number {
    const fullMs = Math.min(BACKOFF_MAX_MS, BACKOFF_FIRST_MS * 2 ** failures);
    return Math.round(fullMs / 2 + (fullMs / 2) * this.#options.random());
  }
}
