import { setTimeout as wait } from 'node:timers/promises';
import type { JsonObject } from '../../src/base/json.ts';
import type { BenchDatabase, BenchEngine } from './engine.ts';
import { PostgresMeter } from './postgres-meter.ts';
import { Recorder } from './recorder.ts';
import { type EngineName, loadEngine, ROSTER } from './roster.ts';
import { forEachLimited, median, percentile, rounded } from './statistics.ts';
import type { Workload } from './workloads.ts';

export interface Measurement {
  readonly engine: EngineName;
  readonly database: BenchDatabase;
  readonly workload: Workload;
  readonly options: ReadonlyMap<string, string>;
  /** Length of a step's body. */
  readonly workMs: number;
  readonly timeoutMs: number;
}

/** Runs one workload on one engine and answers what it took. Throws where the engine lost, repeated or reordered work. */
export async function measure(what: Measurement): Promise<JsonObject> {
  const { workload, database } = what;
  const recorder = new Recorder(workload, what.workMs);
  const create = await loadEngine(what.engine);
  const options = new Map([...Object.entries(ROSTER[what.engine].options), ...what.options]);
  const engine = await create({ database, workload, body: recorder, options });
  await engine.start();
  const meter = database.kind === 'postgres' ? new PostgresMeter(database.url) : undefined;
  await meter?.begin();
  const cpu = process.cpuUsage();
  const begin = performance.now();
  const submitMs: number[] = [];
  await inTime(
    drive(engine, recorder, workload, submitMs),
    what.timeoutMs,
    () => `${recorder.executed} of ${recorder.total} steps ran`,
  );
  const seconds = (performance.now() - begin) / 1000;
  const { user, system } = process.cpuUsage(cpu);
  await meter?.mark();
  const verified = await engine.verify();
  const rssMb = Math.round(process.memoryUsage().rss / 1_048_576);
  await engine.close();
  const summary = recorder.summary();
  const cost = meter
    ? await meter.perStep(recorder.total)
    : { cpuMicrosPerStep: rounded((user + system) / recorder.total, 1) };
  if (recorder.executed !== recorder.total || summary.duplicates !== 0 || summary.orderViolations !== 0) {
    throw new Error(`${what.engine} broke the contract: ${JSON.stringify(summary)}`);
  }
  return {
    engine: what.engine,
    version: engine.version,
    workload: workload.name,
    database: database.kind,
    runs: workload.runs,
    steps: recorder.total,
    workMs: what.workMs,
    seconds: rounded(seconds, 3),
    stepsPerSecond: rounded(recorder.total / seconds, 0),
    runsPerSecond: rounded(workload.runs / seconds, 1),
    submitP50Ms: rounded(median(submitMs), 3),
    submitP95Ms: rounded(
      percentile(
        submitMs.toSorted((a, b) => a - b),
        95,
      ),
      3,
    ),
    ...summary,
    ...cost,
    rssMb,
    verified,
    settings: engine.settings,
    node: process.version,
  };
}

async function drive(engine: BenchEngine, recorder: Recorder, workload: Workload, submitMs: number[]): Promise<void> {
  const { runs, firstRun, arrival } = workload;
  const submit = async (offset: number): Promise<void> => {
    recorder.noteSubmission(firstRun + offset);
    const begin = performance.now();
    await engine.submit(firstRun + offset);
    submitMs.push(performance.now() - begin);
  };
  if (arrival.type === 'burst') await forEachLimited(runs, arrival.submittersMax, submit);
  else if (arrival.type === 'rate') await submitAtRate(runs, arrival.runsPerSecond, submit);
  else {
    for (let offset = 0; offset < runs; offset++) {
      await submit(offset);
      await recorder.runReturned(firstRun + offset);
      await engine.settle(firstRun + offset);
    }
  }
  await recorder.allReturned;
  await engine.drain();
}

/** Open loop: a slow answer does not slow the arrivals down. */
async function submitAtRate(runs: number, perSecond: number, submit: (offset: number) => Promise<void>): Promise<void> {
  const begin = performance.now();
  const submissions: Promise<void>[] = [];
  for (let offset = 0; offset < runs; offset++) {
    const earlyMs = begin + (offset * 1000) / perSecond - performance.now();
    if (earlyMs > 0) await wait(earlyMs);
    submissions.push(submit(offset));
  }
  await Promise.all(submissions);
}

async function inTime(work: Promise<void>, timeoutMs: number, state: () => string): Promise<void> {
  const timer = new AbortController();
  const late = wait(timeoutMs, undefined, { signal: timer.signal }).then(() => {
    throw new Error(`the workload did not end within ${timeoutMs} ms: ${state()}`);
  });
  try {
    await Promise.race([work, late]);
  } finally {
    timer.abort();
    late.catch(() => {}); // its abort is ours
  }
}
