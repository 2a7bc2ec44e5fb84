import type { Clock } from '../../base/clock.ts';
import { isMaestroError } from '../../base/errors.ts';
import { ulid } from '../../base/ids.ts';
import type { ClassDemand, Demand } from '../../protocol/demand.ts';
import type { Dispatches, DueDispatch } from '../../protocol/dispatch.ts';
import type { GitHubRun, GitHubRuns } from '../../protocol/github-run.ts';
import type { LeaseClient } from '../../protocol/lease.ts';
import type { JobQuotas, JobWait, Quotas } from '../../protocol/quota.ts';
import type { WorkflowDispatch } from '../../protocol/workflow-dispatch.ts';
import { type AttendTools, attend, HOLD_MS } from './attend.ts';
import { decide, hopelessness, type JobLimits } from './decide.ts';
import { GiveUps } from './give-ups.ts';
import { InstallationPause } from './installation-pause.ts';
import { type ClassLabels, labelsOf } from './labels.ts';
import { QuotaLine } from './quota-line.ts';

const CLAIM_MAX = 50;
/** Installations that are served at the same time. */
const LANES_MAX = 256;
const DEMANDS_MAX = 20_000;
const KNOWN_RUNS_MAX = 20_000;
/** News of ready steps comes by the thousand; a look covers all of it. */
const LOOK_PAUSE_MS = 250;
/** A look that failed is repeated ever later, up to this: the database may be away for a while. */
const FAILED_PAUSE_MS_MAX = 10_000;
/** The floor under lost news. */
const SWEEP_MS = 10_000;
/** A run's steps are ready a moment before its place on GitHub is written: it is looked for again so soon, then ever later. */
const UNPLACED_PAUSE_MS = 20;
const UNPLACED_LOOKS_MAX = 40;
const ULID_BYTES = 16;

interface DispatcherLimits extends JobLimits {
  /** Live jobs of one class of one installation. */
  readonly jobsPerInstallationMax: number;
}

export interface DispatcherOptions {
  readonly dispatches: Dispatches;
  readonly demand: Demand;
  readonly github: WorkflowDispatch;
  readonly runs: Pick<GitHubRuns, 'find'>;
  readonly leases: LeaseClient;
  /** What policy lets the repository of a run have at once. @throws POLICY_INVALID, which people are told */
  readonly quotasOf: (runId: string) => Promise<Quotas>;
  readonly clock: Clock;
  /** Uniform in [0, 1). */
  readonly random: () => number;
  readonly randomBytes: (size: number) => Uint8Array;
  readonly limits?: Partial<DispatcherLimits>;
  readonly labels?: ClassLabels;
  /** Calls the listener when steps became ready; answers how to end that. */
  readonly onReady: (listener: () => void) => () => void;
  /** What `Dispatches.problemOf` answers for the run may have changed: the check should be told again. */
  readonly onProblem: (runId: string) => void;
  /** A look that fails is repeated, ever later. */
  readonly onError: (error: unknown) => void;
}

/** Starts workers as GitHub Actions jobs where ready steps have none. Any number of them work on one database. */
export class Dispatcher {
  readonly #options: DispatcherOptions;
  readonly #limits: DispatcherLimits;
  readonly #giveUps: GiveUps;
  readonly #attendTools: AttendTools;
  readonly #runs = new Map<string, GitHubRun>();
  /** Classes of runs that lacked jobs at the last look. */
  #lacking: ReadonlySet<string> = new Set();
  /** Looks that found no place on GitHub, by run. */
  #unplaced: ReadonlyMap<string, number> = new Map();
  /** When the last look ended. */
  #lookedAtMs = Number.NEGATIVE_INFINITY;
  /** Looks that failed in a row. */
  #failures = 0;
  #isLooking = false;
  /** By installation: the end of what was begun for it. */
  readonly #lanes = new Map<number, Promise<void>>();
  /** Of them, those that a look left out. */
  readonly #passedOver = new Set<number>();
  #isNews = false;
  #looking: Promise<void> = Promise.resolve();
  #timer: NodeJS.Timeout | undefined;
  #wakesAtMs = Number.POSITIVE_INFINITY;
  #isOpen = false;
  #isClosing = false;
  #offReady = (): void => {};

  constructor(options: DispatcherOptions) {
    this.#options = options;
    this.#limits = { jobsPerClassMax: 1, stepsPerJob: 4, jobsPerInstallationMax: 100, ...options.limits };
    this.#giveUps = new GiveUps(options.leases);
    this.#attendTools = {
      dispatches: options.dispatches,
      github: options.github,
      pause: new InstallationPause(options.clock, options.random),
      giveUp: (runId, runnerClass, reason) => this.#giveUps.giveUp(runId, runnerClass, async () => reason),
      onProblem: options.onProblem,
      // Whoever waits for its place, of this run or another, has waited long enough.
      onEnded: () => this.wake(),
    };
  }

  start(): void {
    this.#isOpen = true;
    this.#offReady = this.#options.onReady(() => this.wake());
    this.wake();
  }

  /** Looks at once, or as soon as the pause since the last look is over. */
  wake(): void {
    // News that comes during a look calls for another one after it.
    if (this.#isLooking) this.#isNews = true;
    else this.#schedule(Math.max(0, this.#lookedAtMs + this.#pauseMs() - performance.now()));
  }

  /** Ends after the calls that are in progress. Nothing is lost: the rows say what is to be done. */
  async close(): Promise<void> {
    this.#isOpen = false;
    this.#isClosing = true;
    this.#offReady();
    clearTimeout(this.#timer);
    await this.#looking;
    await Promise.all([this.#giveUps.close(), this.#idle()]);
  }

  /** One look, and everything that it began. */
  async look(): Promise<void> {
    await this.#look();
    await this.#idle();
  }

  /** Asks for the jobs that are lacking, then takes every dispatch further whose time has come; does not wait for GitHub. */
  async #look(): Promise<void> {
    const demands = await this.#options.demand.unserved(this.#limits.jobsPerClassMax, DEMANDS_MAX);
    const before = this.#lacking;
    this.#lacking = new Set(demands.map(nameOf));
    const line = new QuotaLine(this.#limits.jobsPerInstallationMax);
    const unplaced = new Map<string, number>();
    for (const demand of demands) {
      if (this.#isClosing) return;
      try {
        const run = await this.#run(demand.runId);
        if (run) await this.#serve(demand, run, before.has(nameOf(demand)), line);
        // Dedicated, but not to GitHub, or not yet.
        else unplaced.set(demand.runId, (this.#unplaced.get(demand.runId) ?? 0) + 1);
      } catch (error) {
        // One run that cannot be served must not keep the others from it.
        this.#options.onError(error);
      }
    }
    this.#unplaced = unplaced;
    await this.#tell(line.changes(demands));
    while (this.#lanes.size < LANES_MAX && !this.#isClosing) {
      // What waited in the lane of a slow installation would be claimed again and again, and leave no room for others.
      const busy = [...this.#lanes.keys()];
      for (const installationId of busy) this.#passedOver.add(installationId);
      const due = await this.#options.dispatches.claimDue(CLAIM_MAX, HOLD_MS, busy);
      for (const one of due) this.#attend(one);
      if (due.length < CLAIM_MAX) return;
    }
  }

  #schedule(afterMs: number): void {
    const atMs = performance.now() + afterMs;
    if (!this.#isOpen || atMs >= this.#wakesAtMs) return;
    this.#wakesAtMs = atMs;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      this.#looking = this.#looking.then(() => this.#lookOnce());
    }, afterMs);
  }

  async #lookOnce(): Promise<void> {
    this.#wakesAtMs = Number.POSITIVE_INFINITY;
    this.#isNews = false;
    this.#isLooking = true;
    try {
      await this.#look();
      this.#failures = 0;
    } catch (error) {
      this.#failures++;
      this.#options.onError(error);
    }
    this.#isLooking = false;
    this.#lookedAtMs = performance.now();
    const looks = Math.min(...this.#unplaced.values());
    if (this.#failures > 0) this.#schedule(this.#pauseMs());
    else if (looks <= UNPLACED_LOOKS_MAX) this.#schedule(Math.min(LOOK_PAUSE_MS, UNPLACED_PAUSE_MS * 2 ** looks));
    else this.#schedule(this.#isNews ? LOOK_PAUSE_MS : SWEEP_MS);
  }

  /** The least time between two looks. */
  #pauseMs(): number {
    return Math.min(FAILED_PAUSE_MS_MAX, LOOK_PAUSE_MS * 2 ** this.#failures);
  }

  async #serve(demand: ClassDemand, run: GitHubRun, isLasting: boolean, line: QuotaLine): Promise<void> {
    const decision = decide(demand, this.#limits, isLasting);
    if (decision.type === 'enough') return;
    if (decision.type === 'give-up') return this.#beginGiveUp(demand);
    if (line.isBehind(demand, run)) return;
    const quotas = await this.#quotas(demand, line);
    if (!quotas) return;
    for (let i = 1; i <= decision.count; i++) {
      const answer = await this.#request(run, demand, demand.jobs + i, line.quotasOf(demand, run, quotas));
      if (answer === 'taken') return;
      if (answer !== 'written') return line.stop(demand, run, answer, quotas);
      line.enter(demand, run);
    }
  }

  /** Undefined where policy says what nobody understands: the run waits until that is mended. */
  async #quotas(demand: ClassDemand, line: QuotaLine): Promise<Quotas | undefined> {
    try {
      return await this.#options.quotasOf(demand.runId);
    } catch (error) {
      if (!isMaestroError(error, 'POLICY_INVALID')) throw error;
      line.hold(demand, error.message);
      return undefined;
    }
  }

  #request(
    run: GitHubRun,
    { class: runnerClass }: ClassDemand,
    ordinal: number,
    quotas: JobQuotas,
  ): ReturnType<Dispatches['request']> {
    const { clock, randomBytes, labels, dispatches } = this.#options;
    return dispatches.request(
      {
        dispatchId: ulid(clock.now(), randomBytes(ULID_BYTES)),
        runId: run.runId,
        class: runnerClass,
        ordinal,
        labels: labelsOf(runnerClass, labels),
        installationId: run.installationId,
        repositoryId: run.repositoryId,
        owner: run.owner,
        repo: run.repo,
        ref: run.defaultBranch,
      },
      quotas,
    );
  }

  async #tell(waits: readonly JobWait[]): Promise<void> {
    if (waits.length === 0) return;
    await this.#options.dispatches.noteWaits(waits);
    for (const runId of new Set(waits.map((wait) => wait.runId))) this.#options.onProblem(runId);
  }

  /** Takes its time beside the look: what a class of a run lacks must not keep the others waiting. */
  #beginGiveUp(demand: ClassDemand): void {
    const { runId, class: runnerClass } = demand;
    if (this.#giveUps.isOpen(runId, runnerClass)) return;
    const reasonOf = async (): Promise<string> => {
      const problem = await this.#options.dispatches.problemOf(runId);
      return problem === null ? hopelessness(demand) : `${hopelessness(demand)}; ${problem}`;
    };
    this.#giveUps.giveUp(runId, runnerClass, reasonOf).catch(this.#options.onError);
  }

  /** Installations in parallel, each one's calls in turn: one that is slow or limited holds up only itself. */
  #attend(due: DueDispatch): void {
    const { installationId } = due;
    const before = this.#lanes.get(installationId) ?? Promise.resolve();
    const lane = this.#attendAfter(before, due).finally(() => {
      if (this.#lanes.get(installationId) !== lane) return;
      this.#lanes.delete(installationId);
      const wasFull = this.#lanes.size === LANES_MAX - 1;
      if (this.#passedOver.delete(installationId) || wasFull) this.wake();
    });
    this.#lanes.set(installationId, lane);
  }

  async #attendAfter(before: Promise<void>, due: DueDispatch): Promise<void> {
    await before;
    if (this.#isClosing) return;
    await attend(this.#attendTools, due).catch(this.#options.onError);
  }

  async #idle(): Promise<void> {
    await this.#giveUps.idle();
    while (this.#lanes.size > 0) await Promise.all(this.#lanes.values());
  }

  async #run(runId: string): Promise<GitHubRun | undefined> {
    const known = this.#runs.get(runId);
    if (known) return known;
    const found = await this.#options.runs.find(runId);
    if (!found) return undefined;
    const [oldest] = this.#runs.keys();
    if (this.#runs.size >= KNOWN_RUNS_MAX && oldest !== undefined) this.#runs.delete(oldest);
    this.#runs.set(runId, found);
    return found;
  }
}

function nameOf(demand: ClassDemand): string {
  return `${demand.runId}/${demand.class}`;
}
