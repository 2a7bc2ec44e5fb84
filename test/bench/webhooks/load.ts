import { setTimeout as pause } from 'node:timers/promises';
import type { JsonObject } from '../../../src/base/json.ts';
import type { Database } from '../../../src/store/database.ts';
import { stolenTicks } from '../machine.ts';
import { percentile, rounded } from '../statistics.ts';
import type { LoadReport } from './generator.ts';
import { type InboxState, inboxState, openTables, type RunTimes, runTimes } from './inbox-state.ts';
import type { CpuSeconds, Stage } from './stage.ts';
import type { JobTimes } from './warm-machine.ts';

export interface PartReport extends JsonObject {
  /** Everything was accepted and dealt with. */
  readonly isWhole: boolean;
  /** The bars of latency were held. */
  readonly isWithin: boolean;
}

const ANSWER_MS_MAX = 50;
const LEASE_LOAD_MS_MAX = 5000;
const LEASE_IDLE_MS_MAX = 1000;
/** What is late is not lost: on a busy machine it only takes longer. */
const DRAIN_MS_MAX = 300_000;
const POLL_MS = 200;
const WARM_UP_MS = 5000;
const NAME = 'load';

/** A mix of webhooks at a fixed rate; some start a run, whose steps are done by a worker that is there. */
export async function measureLoad(
  stage: Stage,
  { seconds, perSecond }: { readonly seconds: number; readonly perSecond: number },
): Promise<PartReport> {
  await warmUp(stage, 10);
  return measure(stage, { kind: 'mix', perSecond, count: seconds * perSecond }, LEASE_LOAD_MS_MAX);
}

/** Pushes one at a time, each on a system with nothing else to do. */
export async function measureLatency(
  stage: Stage,
  { count, perSecond }: { readonly count: number; readonly perSecond: number },
): Promise<PartReport> {
  await warmUp(stage, 3);
  return measure(stage, { kind: 'pushes', perSecond, count }, LEASE_IDLE_MS_MAX);
}

/** A process that was just started compiles and fills its caches first. */
async function warmUp(stage: Stage, count: number): Promise<void> {
  await stage.send({ kind: 'pushes', name: 'warm-up', perSecond: 2, count, used: 0 });
  await pause(WARM_UP_MS);
}

async function measure(
  stage: Stage,
  load: { readonly kind: 'mix' | 'pushes'; readonly perSecond: number; readonly count: number },
  leaseMsMax: number,
): Promise<PartReport> {
  const [cpu, ticks] = [stage.cpuSeconds(), stolenTicks()];
  const report = await stage.send({ ...load, name: NAME, used: 1 });
  const spent = spentSince(stage, cpu, ticks);
  return { ...load, ...(await judge(stage, report, leaseMsMax)), ...spent };
}

async function judge(stage: Stage, report: LoadReport, leaseMsMax: number): Promise<PartReport> {
  const endedMs = performance.now();
  const db = await openTables(stage);
  try {
    let inbox = await inboxState(db, NAME);
    const isOver = ({ waiting, working }: InboxState): boolean => waiting + working === 0;
    const deadline = endedMs + DRAIN_MS_MAX;
    while (!isOver(inbox) && performance.now() < deadline) {
      await pause(POLL_MS);
      inbox = await inboxState(db, NAME);
    }
    const drainMs = performance.now() - endedMs;
    const times = await settledTimes(db, report, deadline);
    const { jobs, reads, writes, violations } = await stage.counts();
    const accepted = report.statuses['202'] ?? 0;
    const stages = stagesOf(report, times, stage.machine.times);
    const answerP95Ms = percentile(report.answerMs, 95) ?? Number.POSITIVE_INFINITY;
    const leaseP95Ms = percentile(stages.toLease, 95) ?? Number.POSITIVE_INFINITY;
    return {
      isWhole:
        accepted === report.sent.length && inbox.done === report.sent.length && stages.toLease.length === stages.pushes,
      isWithin: answerP95Ms < ANSWER_MS_MAX && leaseP95Ms < leaseMsMax,
      sent: report.sent.length,
      megabytes: rounded(report.bytes / 1e6, 1),
      statuses: report.statuses,
      lateMaxMs: rounded(report.lateMaxMs, 1),
      inbox: { ...inbox },
      answer: spread(report.answerMs, 1),
      drainMs: rounded(drainMs, 0),
      runs: stages.pushes,
      webhookToRun: spread(stages.toRun, 0),
      webhookToJobAsked: spread(stages.toAsked, 0),
      webhookToLease: spread(stages.toLease, 0),
      jobAskedToJobRuns: spread(stages.askedToJob, 0),
      jobRunsToLease: spread(stages.jobToLease, 0),
      failures: stage.machine.failures.slice(0, 3),
      sandbox: { jobs, reads, writes, violations },
    };
  } finally {
    await db.close();
  }
}

/** From the first delivery to the last answer. The machine's share counts everything that runs on it. */
function spentSince(stage: Stage, before: CpuSeconds, ticks: ReturnType<typeof stolenTicks>): JsonObject {
  const [now, end] = [stage.cpuSeconds(), stolenTicks()];
  const all = Math.max(1, end.all - ticks.all);
  return {
    cpuSeconds: {
      server: rounded(now.server - before.server, 2),
      sandboxAndJobs: rounded(now.sandbox - before.sandbox, 2),
      worker: rounded(now.worker - before.worker, 2),
    },
    machineBusyPercent: rounded(100 - (100 * (end.idle - ticks.idle)) / all, 0),
    stolenPercent: rounded((100 * (end.stolen - ticks.stolen)) / all, 1),
  };
}

/** Waits until a step of every run that a push started was leased. */
async function settledTimes(
  db: Database,
  report: LoadReport,
  deadline: number,
): Promise<ReadonlyMap<string, RunTimes>> {
  const names = report.sent.flatMap(({ starts }) => (starts ? [nameOf(starts)] : []));
  for (;;) {
    const times = new Map((await runTimes(db)).map((run) => [nameOf(run), run]));
    if (names.every((name) => (times.get(name)?.leasedMs ?? null) !== null) || performance.now() > deadline)
      return times;
    await pause(POLL_MS);
  }
}

function nameOf({ repositoryId, sha }: Pick<RunTimes, 'repositoryId' | 'sha'>): string {
  return `${repositoryId}/${sha}`;
}

type Stages = Readonly<Record<'toRun' | 'toAsked' | 'toLease' | 'askedToJob' | 'jobToLease', readonly number[]>>;

/** Where the time went, in milliseconds; a run that never got so far is not among the numbers but in `runs`. */
function stagesOf(
  report: LoadReport,
  runs: ReadonlyMap<string, RunTimes>,
  jobs: ReadonlyMap<string, JobTimes>,
): Stages & { readonly pushes: number } {
  const pushes = report.sent.filter(({ starts }) => starts !== undefined);
  const walks = pushes.flatMap(({ starts, atMs }) => {
    const run = starts && runs.get(nameOf(starts));
    return run ? [{ ...run, atMs, jobMs: jobs.get(run.runId)?.jobMs ?? null }] : [];
  });
  const between = (read: (walk: (typeof walks)[number]) => readonly [number | null, number | null]): number[] =>
    walks
      .map(read)
      .flatMap(([from, to]) => (from === null || to === null ? [] : [to - from]))
      .toSorted((a, b) => a - b);
  return {
    pushes: pushes.length,
    toRun: between(({ atMs, startedMs }) => [atMs, startedMs]),
    toAsked: between(({ atMs, askedMs }) => [atMs, askedMs]),
    toLease: between(({ atMs, leasedMs }) => [atMs, leasedMs]),
    askedToJob: between(({ askedMs, jobMs }) => [askedMs, jobMs]),
    jobToLease: between(({ jobMs, leasedMs }) => [jobMs, leasedMs]),
  };
}

/** Of ascending values. */
export function spread(values: readonly number[], digits: number): JsonObject {
  const [p50, p95, p99] = [50, 95, 99].map((percent) => rounded(percentile(values, percent), digits));
  return {
    count: values.length,
    p50: p50 ?? null,
    p95: p95 ?? null,
    p99: p99 ?? null,
    max: rounded(values.at(-1) ?? null, digits),
  };
}
