import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import { readConfig } from '../../../app/config.ts';
import { openLocal } from '../../../app/wire.ts';
import { EXIT } from '../../../src/cli/exit-codes.ts';
import type { Client } from '../../../src/protocol/client.ts';
import type { RunEvent } from '../../../src/protocol/event.ts';
import { verifyReceipt } from '../../../src/provenance/verify.ts';
import { type Ended, Project } from '../../scenario/maestro.ts';
import { addUp, CLEAN, isSound, type Judgement, judge, readEffects } from './ledger.ts';
import { SHAPES } from './shapes.ts';

/** A crashed run is at its end within this long after `resume` was called. */
const RESUME_MS_MAX = 60_000;
const KILLS_PER_RUN_MAX = 4;
/** In so many cases nothing of Maestro is left that could end the orphaned steps: `resume` must. */
const REAPER_SHARE = 0.4;
/** When the kill comes, as a share of an undisturbed life. Before, there is only Node's own start. */
const EARLIEST = 0.3;
const FROM_BEGIN_SHARE = 0.3;
/** From the first word of `maestro` about its run to its end, before that was measured. */
const WORK_MS = 700;
/** A lane that finds so many faults has shown enough. */
const FAULTS_MAX = 5;

export interface LaneReport {
  /** What the first run took, the database being made; 0 where it was not measured. */
  readonly firstLifeMs: number;
  readonly kills: number;
  /** Kills before the run was stored: nothing of it may have happened. */
  readonly killsBeforeStart: number;
  readonly runs: number;
  readonly judgement: Judgement;
  /** Most attempts that one kill cost. */
  readonly maxPerKill: number;
  readonly resumeMs: readonly number[];
  /** What went wrong, in words. */
  readonly faults: readonly string[];
}

export interface LaneOptions {
  readonly kills: number;
  readonly databaseUrl: string | undefined;
  /** Kills also the very first run, while the database is made, which takes about this long. */
  readonly firstLifeMs?: number;
  /** Uniform in [0, 1). */
  readonly random: () => number;
}

/** Kills `maestro` again and again in one project, with one state folder (or database), and holds the end of every run to its effects. */
export async function killRepeatedly(options: LaneOptions): Promise<LaneReport> {
  const lane = new Lane(options);
  try {
    return await lane.run();
  } finally {
    lane.project.remove();
  }
}

interface Launch {
  readonly name: string;
  readonly shape: string;
  readonly run: string;
  readonly kills: number;
}

class Lane {
  readonly project: Project;
  readonly #options: LaneOptions;
  /** What an undisturbed process takes, by what it does: kills are spread over all of it. */
  readonly #durationMs = new Map<string, number>();
  readonly #launches: Launch[] = [];
  readonly #resumeMs: number[] = [];
  readonly #faults: string[] = [];
  readonly #warmRuns: (string | undefined)[] = [];
  #firstLifeMs = 0;
  #lifeMs: number;
  #kills = 0;
  #killsBeforeStart = 0;

  constructor(options: LaneOptions) {
    this.#options = options;
    this.#lifeMs = options.firstLifeMs ?? 0;
    this.project = new Project(options.databaseUrl === undefined ? {} : { DATABASE_URL: options.databaseUrl });
    for (const [name, text] of Object.entries(SHAPES)) this.project.write(`.maestro/${name}.yaml`, text);
    writeFileSync(join(this.project.root, 'effects'), '');
  }

  async run(): Promise<LaneReport> {
    if (this.#options.firstLifeMs === undefined) await this.#warmUp();
    const shapes = Object.keys(SHAPES);
    const offset = Math.floor(this.#options.random() * shapes.length);
    for (let turn = 0; this.#kills < this.#options.kills && this.#faults.length < FAULTS_MAX; turn++)
      await this.#launch(`L${turn}`, shapes[(turn + offset) % shapes.length] as string);
    const judged = await this.#judge();
    return {
      firstLifeMs: this.#firstLifeMs,
      kills: this.#kills,
      killsBeforeStart: this.#killsBeforeStart,
      runs: this.#launches.length,
      ...judged,
      resumeMs: this.#resumeMs,
      faults: this.#faults,
    };
  }

  /** Makes the database, then measures how long an undisturbed run takes here. */
  async #warmUp(): Promise<void> {
    const first = await this.#unharmed(['run', 'chain', '--param', 'launch=W0']);
    const second = await this.#unharmed(['run', 'chain', '--param', 'launch=W1']);
    if (first.code !== EXIT.ok || second.code !== EXIT.ok)
      this.#faults.push(`cannot run: ${first.stdout}${second.stdout}`);
    this.#warmRuns.push(idOf(first), idOf(second));
    this.#firstLifeMs = first.tookMs;
    this.#lifeMs = second.tookMs;
  }

  /** One run: killed once or more, then resumed to its end. */
  async #launch(name: string, shape: string): Promise<void> {
    const before = this.#kills;
    let ended = await this.#killed(`run ${shape}`, ['run', shape, '--param', `launch=${name}`]);
    while (ended.signal !== null) {
      // Every third resume is killed too.
      const resume = ['resume'];
      const isKilledToo = this.#kills - before < KILLS_PER_RUN_MAX && this.#options.random() < 0.33;
      ended = await (isKilledToo ? this.#killed(`resume ${shape}`, resume) : this.#timedResume(resume));
      if (ended.signal === null && this.#isNotOurs(ended)) return this.#nothingBegan(name, this.#kills - before);
    }
    if (ended.code === EXIT.waiting) ended = await this.#approve(shape);
    const run = idOf(ended);
    if (ended.code !== EXIT.ok || run === undefined)
      this.#faults.push(`${shape} ${name} ended with ${ended.code}: ${ended.stdout}${ended.stderr}`);
    if (run !== undefined) this.#launches.push({ name, shape, run, kills: this.#kills - before });
  }

  /** The answer may be killed as well; then it is either recorded or not, and never half. */
  async #approve(shape: string): Promise<Ended> {
    let ended = await this.#killed(`approve ${shape}`, ['approve', 'latest']);
    if (ended.signal !== null) ended = await this.#timedResume(['resume']);
    return ended.code === EXIT.waiting ? this.#unharmed(['approve', 'latest']) : ended;
  }

  /**
   * Starts `maestro` and kills it at a random moment of its life; it may end before. Most kills count from the moment at
   * which the run is there: what comes before is longer, and the same every time.
   */
  async #killed(kind: string, words: readonly string[]): Promise<Ended> {
    const { random } = this.#options;
    const isFromBegin = random() < FROM_BEGIN_SHARE;
    const isReaperKilledToo = random() < REAPER_SHARE;
    const lifeMs = this.#durationMs.get(`${kind} ${isFromBegin}`) ?? (isFromBegin ? this.#lifeMs : WORK_MS);
    const delayMs = lifeMs * (isFromBegin ? EARLIEST + (1 - EARLIEST) * random() : random());
    const { child, ended } = this.project.start(words);
    let timer: NodeJS.Timeout | undefined;
    let beganMs = performance.now();
    const arm = (): void => {
      beganMs = performance.now();
      timer = setTimeout(() => {
        if (isReaperKilledToo) killReaperOf(child.pid);
        child.kill('SIGKILL');
      }, delayMs);
    };
    if (isFromBegin) arm();
    else child.stdout?.once('data', arm);
    const end = await ended;
    clearTimeout(timer);
    if (end.signal !== null) this.#kills++;
    else this.#durationMs.set(`${kind} ${isFromBegin}`, performance.now() - beganMs);
    return end;
  }

  async #timedResume(words: readonly string[]): Promise<Ended> {
    const ended = await this.#unharmed(words);
    this.#resumeMs.push(ended.tookMs);
    return ended;
  }

  async #unharmed(words: readonly string[]): Promise<Ended> {
    const { child, ended } = this.project.start([...words, '--json']);
    const timer = setTimeout(() => child.kill('SIGTERM'), RESUME_MS_MAX);
    const end = await ended;
    clearTimeout(timer);
    if (end.tookMs > RESUME_MS_MAX) this.#faults.push(`${words.join(' ')} took ${Math.round(end.tookMs)} ms`);
    return end;
  }

  /** What was resumed is an older run, or there is none: the kill came before ours was stored. */
  #isNotOurs(ended: Ended): boolean {
    const run = idOf(ended);
    if (run === undefined) return `${ended.stdout}${ended.stderr}`.includes('RUN_NOT_FOUND');
    return this.#warmRuns.includes(run) || this.#launches.some((launch) => launch.run === run);
  }

  #nothingBegan(name: string, kills: number): void {
    this.#killsBeforeStart += kills;
    if (readEffects(this.#effects, name).length > 0) this.#faults.push(`${name} had effects, but no run`);
  }

  get #effects(): string {
    return join(this.project.root, 'effects');
  }

  async #judge(): Promise<{ readonly judgement: Judgement; readonly maxPerKill: number }> {
    let judgement = CLEAN;
    let maxPerKill = 0;
    const maestro = await openLocal(readConfig(this.project.environment, this.project.root), {});
    try {
      for (const launch of this.#launches) {
        const one = await this.#judgeLaunch(launch, maestro.client);
        if (!isSound(one)) this.#faults.push(`${launch.shape} ${launch.name}: ${JSON.stringify(one)}`);
        judgement = addUp(judgement, one);
        maxPerKill = Math.max(maxPerKill, one.inFlightRepeated / Math.max(1, launch.kills));
      }
    } finally {
      await maestro.close();
    }
    return { judgement, maxPerKill };
  }

  async #judgeLaunch({ name, run }: Launch, client: Client): Promise<Judgement> {
    const view = await client.readRun(run);
    const events: RunEvent[] = [];
    for await (const event of client.followRun(run, 0, AbortSignal.timeout(RESUME_MS_MAX))) events.push(event);
    const receipt = await client.readReceipt(run);
    // Throws where it does not hold.
    verifyReceipt({
      bundle: Buffer.from(receipt.bundle),
      key: receipt.publicKey,
      runRecord: Buffer.from(receipt.runRecord),
    });
    const isExcused = (id: string): boolean =>
      view.steps.some((step) => step.id === id && (step.isCacheHit || step.kind !== 'work'));
    return judge(readEffects(this.#effects, name), events, isExcused);
  }
}

function idOf({ stdout }: Ended): string | undefined {
  return /^(?: {2}"id": "|run )([0-9a-z]{26})\b/m.exec(stdout)?.[1];
}

/** Nothing where there is none (yet): only Linux shows who belongs to whom. */
function killReaperOf(pid: number | undefined): void {
  for (const child of childrenOf(pid)) {
    try {
      if (readFileSync(`/proc/${child}/cmdline`, 'utf8').includes('maestro-reaper')) process.kill(child, 'SIGKILL');
    } catch {
      // It has ended meanwhile.
    }
  }
}

function childrenOf(pid: number | undefined): readonly number[] {
  try {
    return readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ').filter(Boolean).map(Number);
  } catch {
    return [];
  }
}
