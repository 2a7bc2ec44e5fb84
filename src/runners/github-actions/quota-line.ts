import type { ClassDemand } from '../../protocol/demand.ts';
import type { GitHubRun } from '../../protocol/github-run.ts';
import type { JobQuotas, JobWait, QuotaFull, Quotas } from '../../protocol/quota.ts';

type Place = Pick<GitHubRun, 'installationId' | 'repositoryId'>;

/**
 * Who waits for whom, within one look that takes the oldest run first. Where one has found a quota full, none behind it asks:
 * what becomes free meanwhile is for the older one. And of the runs that a repository may have at work, one place is kept for
 * the oldest that waits for something else as well, or it would find now the one full and now the other.
 */
export class QuotaLine {
  readonly #installationJobs: number;
  /** By what is full: how full. */
  readonly #full = new Map<string, string>();
  /** By repository: the run that a place is kept for. */
  readonly #kept = new Map<number, string>();
  /** Runs and classes that got a job. */
  readonly #served = new Set<string>();
  readonly #waits = new Map<string, string>();

  /** @param installationJobs live jobs of a class that an installation may have */
  constructor(installationJobs: number) {
    this.#installationJobs = installationJobs;
  }

  /** Whether an older one waits for the same. */
  isBehind(demand: ClassDemand, place: Place): boolean {
    const names = QUOTAS.filter((quota) => quota !== 'repositoryRuns' || !this.#isInside(demand));
    const reason = names.flatMap((quota) => this.#full.get(keyOf(quota, demand, place)) ?? [])[0];
    if (reason !== undefined) this.#wait(demand, place, reason);
    return reason !== undefined;
  }

  /** What its job has to stay within. */
  quotasOf(demand: ClassDemand, place: Place, { runsMax, jobsMax }: Quotas): JobQuotas {
    return {
      installationJobs: this.#installationJobs,
      repositoryJobs: jobsMax.get(demand.class) ?? null,
      repositoryRuns: runsMax === null ? null : runsMax - Number(this.#isKeptFromIt(demand, place)),
    };
  }

  stop(demand: ClassDemand, place: Place, { quota, used }: QuotaFull, { runsMax, jobsMax }: Quotas): void {
    const max = {
      installationJobs: this.#installationJobs,
      repositoryJobs: jobsMax.get(demand.class) ?? 0,
      repositoryRuns: runsMax ?? 0,
    }[quota];
    const isKept = quota === 'repositoryRuns' && used < max;
    const reason = `${textOf(quota, used, max, demand.class)}${isKept ? ', and an older one comes first' : ''}`;
    // It will never go: nobody waits for that.
    if (max < 1) return this.hold(demand, reason);
    this.#full.set(keyOf(quota, demand, place), reason);
    this.#wait(demand, place, reason);
  }

  /** It waits for something that is no place: others do not wait behind it. */
  hold(demand: ClassDemand, reason: string): void {
    const isServed = demand.waitingJobs + demand.runningJobs > 0 || this.#served.has(nameOf(demand));
    if (!isServed) this.#waits.set(nameOf(demand), reason);
  }

  /** It got a job. */
  enter(demand: ClassDemand, { repositoryId }: Place): void {
    this.#served.add(nameOf(demand)).add(demand.runId);
    if (this.#kept.get(repositoryId) === demand.runId) this.#kept.delete(repositoryId);
  }

  /** What is to be said anew of what these wait for. */
  changes(demands: readonly ClassDemand[]): readonly JobWait[] {
    return demands.flatMap((demand) => {
      const reason = this.#waits.get(nameOf(demand)) ?? null;
      return reason === demand.waits ? [] : [{ runId: demand.runId, class: demand.class, reason }];
    });
  }

  #wait(demand: ClassDemand, { repositoryId }: Place, reason: string): void {
    this.hold(demand, reason);
    if (!this.#isInside(demand) && !this.#kept.has(repositoryId)) this.#kept.set(repositoryId, demand.runId);
  }

  #isInside({ isInside, runId }: ClassDemand): boolean {
    return isInside || this.#served.has(runId);
  }

  #isKeptFromIt({ runId }: ClassDemand, { repositoryId }: Place): boolean {
    return (this.#kept.get(repositoryId) ?? runId) !== runId;
  }
}

const QUOTAS = [
  'installationJobs',
  'repositoryRuns',
  'repositoryJobs',
] as const satisfies readonly QuotaFull['quota'][];

function keyOf(quota: QuotaFull['quota'], demand: ClassDemand, { installationId, repositoryId }: Place): string {
  if (quota === 'installationJobs') return `${quota} ${installationId} ${demand.class}`;
  return quota === 'repositoryJobs' ? `${quota} ${repositoryId} ${demand.class}` : `${quota} ${repositoryId}`;
}

function textOf(quota: QuotaFull['quota'], used: number, max: number, runnerClass: string): string {
  if (quota === 'repositoryRuns') return `the repository has ${used} of ${max} runs at work`;
  return `the ${quota === 'repositoryJobs' ? 'repository' : 'installation'} has ${used} of ${max} ${runnerClass} jobs`;
}

function nameOf({ runId, class: runnerClass }: ClassDemand): string {
  return `${runId}/${runnerClass}`;
}
