import { join } from 'node:path';
import type { Narrator } from '../../../app/demo/narrator.ts';
import { ClaimFailed } from '../../../app/demo/narrator.ts';
import type { Person } from '../../../app/demo/person.ts';
import { openStage, type Stage } from '../../../app/demo/stage.ts';
import { tellStory } from '../../../app/demo/story.ts';
import type { Json } from '../../../src/base/json.ts';
import { differences, endingOf, nameCommits } from './ending.ts';
import { judge, openWork } from './judge.ts';
import { type Kill, Killer } from './killer.ts';
import { type Counts, watch } from './moments.ts';
import { waitUntilStill } from './quiet.ts';

/**
 * After its last act a story is over within this time, however often its server was killed. It makes as many writes as an installation has
 * in an hour at once: each that a kill costs beyond them takes ten seconds.
 */
const STILL_MS_MAX = 240_000;

export interface Told {
  readonly ending: Json;
  readonly moments: Counts;
  readonly kills: number;
  readonly killed: Killer['done'];
  readonly runs: number;
  readonly stepsRepeated: number;
  readonly tookMs: number;
  /** From the last act until everything was done. */
  readonly stillMs: number;
  readonly faults: readonly string[];
}

export interface TellOptions {
  /** Of everything that it leaves behind. */
  readonly folder: string;
  readonly databaseUrl: string | undefined;
  readonly plan: readonly Kill[];
  readonly killsMax: number;
  readonly random: () => number;
  /** How it must end; null for the story that others are held to. */
  readonly expected: Json;
}

const SILENT: Narrator = {
  act: () => {},
  say: () => {},
  claim: (text, isTrue, found) => {
    if (!isTrue) throw new ClaimFailed(`${text}${found === undefined ? '' : `; found ${JSON.stringify(found)}`}`);
  },
};

/** Tells the story once, with its server being killed as planned, and says how it ended. */
export async function tell({ folder, databaseUrl, plan, killsMax, random, expected }: TellOptions): Promise<Told> {
  const beganMs = performance.now();
  const output = join(folder, 'stage');
  const stage = await openStage({ output, ...(databaseUrl === undefined ? {} : { databaseUrl }) });
  const shas: string[] = [];
  const killer = new Killer(stage.server, plan, killsMax, random);
  const watching = watch(stage.sandbox, (kind, count) => killer.hear(kind, count));
  const faults: string[] = [];
  try {
    const first = await tipOf(stage);
    const people = {
      ada: noting(stage.ada, shas),
      grace: noting(stage.grace, shas),
      mallory: noting(stage.mallory, shas),
    };
    await tellStory({ ...stage, ...people }, SILENT);
    watching.end();
    await killer.idle();
    const toldMs = performance.now();
    await finish(stage, shas);
    const stillMs = performance.now() - toldMs;
    const ending = await endingOf(stage, nameCommits(first, shas));
    const verdict = await judge(stage, shas);
    if (expected !== null) faults.push(...differences(ending, expected));
    faults.push(...verdict.faults);
    return { ...common(), ...verdict, faults, ending, stillMs: Math.round(stillMs) };
  } catch (error) {
    faults.push(error instanceof Error ? error.message : String(error));
    return { ...common(), ending: null, faults, runs: 0, stepsRepeated: 0, stillMs: 0 };
  } finally {
    watching.end();
    await killer.idle().catch(() => {});
    await stage.close();
  }

  function common(): Pick<Told, 'moments' | 'kills' | 'killed' | 'tookMs'> {
    const tookMs = Math.round(performance.now() - beganMs);
    return { moments: watching.counts(), kills: killer.kills, killed: killer.done, tookMs };
  }
}

async function tipOf({ ada, repository }: Stage): Promise<string> {
  const { data } = await ada.octokit.rest.git.getRef({ ...repository, ref: 'heads/main' });
  return data.object.sha;
}

/** The same person, whose commits are noted in the order in which they were made. */
function noting(person: Person, shas: string[]): Person {
  const noted = async (sha: Promise<string>): Promise<string> => {
    const made = await sha;
    if (!shas.includes(made)) shas.push(made);
    return made;
  };
  return {
    ...person,
    push: (...what) => noted(person.push(...what)),
    tag: (...what) => noted(person.tag(...what)),
  };
}

/** Waits until nothing happens any more, then stops the server and looks into its database; what is open there is waited for. */
async function finish(stage: Stage, shas: readonly string[]): Promise<void> {
  const deadlineMs = performance.now() + STILL_MS_MAX;
  for (;;) {
    await waitUntilStill(stage, shas, STILL_MS_MAX);
    await stage.server.stop();
    const open = await openWork(stage);
    if (open.length === 0) return;
    if (performance.now() > deadlineMs)
      throw new Error(`not done ${STILL_MS_MAX / 1000} s after the story: ${open.join(', ')}`);
    await stage.server.restart();
  }
}
