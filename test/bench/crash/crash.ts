import { generator } from '../random.ts';
import { dropScratch, makeScratch } from '../scratch-database.ts';
import { forEachLimited, percentile } from '../statistics.ts';
import { killRepeatedly, type LaneOptions, type LaneReport } from './lane.ts';
import { addUp, CLEAN, isSound, type Judgement } from './ledger.ts';

export interface CrashOptions {
  readonly database: 'embedded' | 'postgres';
  /** Kills in all. */
  readonly times: number;
  /** Projects at once, each with a database of its own. */
  readonly lanes: number;
  readonly seed: number;
}

export interface CrashReport extends Judgement {
  readonly bench: 'crash';
  readonly database: CrashOptions['database'];
  readonly ok: boolean;
  readonly kills: number;
  readonly killsBeforeStart: number;
  readonly runs: number;
  readonly maxPerKill: number;
  readonly resumeP50Ms: number;
  readonly resumeP95Ms: number;
  readonly resumeMaxMs: number;
  readonly tookMs: number;
  readonly faults: readonly string[];
}

/** One kill in eight is in a project that is new; most come upon a state folder that was killed many times before. */
const FRESH_SHARE = 8;

/** Kills many times, in several projects at once. */
export async function crash({ database, times, lanes, seed }: CrashOptions): Promise<CrashReport> {
  const beganMs = performance.now();
  const random = generator(seed);
  const reports: LaneReport[] = [];
  const fresh = Math.floor(times / FRESH_SHARE);
  const shares = Array.from({ length: lanes }, (_, lane) => Math.max(1, Math.ceil((times - fresh - lane) / lanes)));
  await Promise.all(
    shares.map(async (kills) => {
      reports.push(await oneLane(database, { kills, random }));
    }),
  );
  const firstLifeMs = Math.max(...reports.map((report) => report.firstLifeMs));
  await forEachLimited(fresh, lanes, async () => {
    reports.push(await oneLane(database, { kills: 1, random, firstLifeMs }));
  });
  return summary(database, reports, Math.round(performance.now() - beganMs));
}

let databases = 0;

async function oneLane(kind: CrashOptions['database'], options: Omit<LaneOptions, 'databaseUrl'>): Promise<LaneReport> {
  if (kind === 'embedded') return killRepeatedly({ ...options, databaseUrl: undefined });
  const database = await makeScratch('postgres', `crash_${databases++}`);
  try {
    return await killRepeatedly({
      ...options,
      databaseUrl: database.kind === 'postgres' ? database.url : undefined,
    });
  } finally {
    await dropScratch(database);
  }
}

function summary(database: CrashOptions['database'], lanes: readonly LaneReport[], tookMs: number): CrashReport {
  const judgement = lanes.map((lane) => lane.judgement).reduce(addUp, CLEAN);
  const faults = lanes.flatMap((lane) => lane.faults);
  const resumeMs = lanes.flatMap((lane) => lane.resumeMs).sort((one, other) => one - other);
  return {
    bench: 'crash',
    database,
    ok: faults.length === 0 && isSound(judgement),
    kills: sum(lanes.map(({ kills }) => kills)),
    killsBeforeStart: sum(lanes.map(({ killsBeforeStart }) => killsBeforeStart)),
    runs: sum(lanes.map(({ runs }) => runs)),
    ...judgement,
    maxPerKill: Math.max(0, ...lanes.map(({ maxPerKill }) => maxPerKill)),
    resumeP50Ms: Math.round(percentile(resumeMs, 50) ?? 0),
    resumeP95Ms: Math.round(percentile(resumeMs, 95) ?? 0),
    resumeMaxMs: Math.round(resumeMs.at(-1) ?? 0),
    tookMs,
    faults,
  };
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
