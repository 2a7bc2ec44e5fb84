import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { generator } from '../random.ts';
import { dropScratch, makeScratch } from '../scratch-database.ts';
import { planKills } from './killer.ts';
import { type TellOptions, type Told, tell } from './told.ts';

export interface AppCrashOptions {
  readonly database: 'embedded' | 'postgres';
  /** Kills in all. */
  readonly kills: number;
  readonly seed: number;
}

export interface AppCrashReport {
  readonly bench: 'app-crash';
  readonly database: AppCrashOptions['database'];
  readonly seed: number;
  readonly ok: boolean;
  readonly stories: number;
  readonly kills: number;
  /** By what the server was in the midst of. */
  readonly killed: Readonly<Record<string, number>>;
  readonly runs: number;
  /** Attempts that a kill cost, and that another one made good. */
  readonly stepsRepeated: number;
  /** How long the story takes without kills, and at most with them. */
  readonly referenceMs: number;
  readonly storyMsMax: number;
  /** Longest time from the last act until everything was done. */
  readonly stillMsMax: number;
  readonly tookMs: number;
  readonly faults: readonly string[];
}

const KILLS_PER_STORY = 10;
/** A seed that finds so many faults has shown enough. */
const FAULTS_MAX = 10;
/** A story may end before the moment of a kill has come. */
const STORIES_PER_KILL_MAX = 0.4;

/** Tells the story once undisturbed, then again and again under kills, until there were as many as wanted. */
export async function appCrash({ database, kills, seed }: AppCrashOptions): Promise<AppCrashReport> {
  const beganMs = performance.now();
  const random = generator(seed);
  const reference = await onScratch(database, { plan: [], killsMax: 0, random, expected: null });
  const stories: Told[] = [];
  const faults = reference.faults.map((fault) => `without kills: ${fault}`);
  const killsOf = (): number => stories.reduce((total, story) => total + story.kills, 0);
  while (killsOf() < kills && faults.length < FAULTS_MAX && stories.length < 2 + kills * STORIES_PER_KILL_MAX) {
    const left = kills - killsOf();
    const plan = planKills(reference.moments, Math.min(left, KILLS_PER_STORY), random);
    const story = await onScratch(database, { plan, killsMax: left, random, expected: reference.ending });
    stories.push(story);
    faults.push(...story.faults.map((fault) => `story ${stories.length}: ${fault}`));
    process.stderr.write(`${JSON.stringify({ ...story, ending: undefined })}\n`);
  }
  return { ...summary(stories), bench: 'app-crash', database, seed, ok: faults.length === 0, ...timesOf() };

  function timesOf() {
    const [storyMsMax, stillMsMax] = [stories.map(({ tookMs }) => tookMs), stories.map(({ stillMs }) => stillMs)].map(
      (times) => Math.max(0, ...times),
    ) as [number, number];
    const tookMs = Math.round(performance.now() - beganMs);
    return { referenceMs: reference.tookMs, storyMsMax, stillMsMax, tookMs, faults };
  }
}

function summary(
  stories: readonly Told[],
): Pick<AppCrashReport, 'stories' | 'kills' | 'killed' | 'runs' | 'stepsRepeated'> {
  const killed: Record<string, number> = {};
  for (const story of stories)
    for (const [kind, count] of Object.entries(story.killed)) killed[kind] = (killed[kind] ?? 0) + count;
  const sum = (numbers: readonly number[]): number => numbers.reduce((total, one) => total + one, 0);
  return {
    stories: stories.length,
    kills: sum(stories.map(({ kills }) => kills)),
    killed,
    runs: sum(stories.map(({ runs }) => runs)),
    stepsRepeated: sum(stories.map(({ stepsRepeated }) => stepsRepeated)),
  };
}

let databases = 0;

/** A folder and a database of its own. The folder stays where a story failed, with the server's log. */
async function onScratch(
  kind: AppCrashOptions['database'],
  options: Omit<TellOptions, 'folder' | 'databaseUrl'>,
): Promise<Told> {
  const folder = mkdtempSync(join(tmpdir(), 'maestro-app-crash-'));
  const database = kind === 'postgres' ? await makeScratch('postgres', `app_crash_${databases++}`) : undefined;
  try {
    const told = await tell({
      ...options,
      folder,
      databaseUrl: database?.kind === 'postgres' ? database.url : undefined,
    });
    if (told.faults.length === 0) rmSync(folder, { recursive: true, force: true });
    return told.faults.length === 0
      ? told
      : { ...told, faults: [...told.faults, `see ${join(folder, 'stage', 'server.log')}`] };
  } finally {
    if (database) await dropScratch(database);
  }
}
