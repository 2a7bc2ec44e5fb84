import { setTimeout as pause } from 'node:timers/promises';
import type { ServerProcess } from '../../../app/demo/server-process.ts';
import { type Counts, KINDS, type Kind } from './moments.ts';

/** So many kills are followed by one of the server that starts, and so many by one of the server that has just started. */
const DURING_START_SHARE = 0.3;
const TWICE_SHARE = 0.2;
/** Node needs about half a second before it runs a line of ours; then the database opens. */
const START_MS = 3500;
const TWICE_MS = 1500;

export interface Kill {
  readonly kind: Kind;
  /** The how-manieth of its kind, of a story without kills. */
  readonly at: number;
}

/** Kills spread over all kinds of moments and over the whole story. @param usual how many of each kind a story has */
export function planKills(usual: Counts, kills: number, random: () => number): readonly Kill[] {
  const kinds = Array.from({ length: kills }, (_, i) => Object.keys(KINDS)[i % Object.keys(KINDS).length] as Kind);
  return shuffled(kinds, random).map((kind, i) => ({
    kind,
    at: 1 + Math.floor((usual[kind] * (i + random())) / kills),
  }));
}

function shuffled<T>(items: readonly T[], random: () => number): readonly T[] {
  return items
    .map((item) => ({ item, rank: random() }))
    .toSorted((a, b) => a.rank - b.rank)
    .map(({ item }) => item);
}

/** Kills a server as planned and starts it again, one kill after the other. */
export class Killer {
  /** By what the server was in the midst of; `start` and `twice` for those that followed another one. */
  readonly done: Partial<Record<Kind | 'start' | 'twice', number>> = {};
  readonly #server: ServerProcess;
  readonly #random: () => number;
  readonly #killsMax: number;
  #plan: readonly Kill[];
  #isBusy = false;
  #killing: Promise<void> = Promise.resolve();
  #failure: unknown;

  constructor(server: ServerProcess, plan: readonly Kill[], killsMax: number, random: () => number) {
    this.#server = server;
    this.#plan = plan;
    this.#killsMax = killsMax;
    this.#random = random;
  }

  get kills(): number {
    return Object.values(this.done).reduce((total, count) => total + count, 0);
  }

  /** A moment has come. */
  hear(kind: Kind, count: number): void {
    if (this.#isBusy || this.#isEnough()) return;
    const due = this.#plan.find((kill) => kill.kind === kind && kill.at <= count);
    if (!due) return;
    this.#plan = this.#plan.filter((kill) => kill !== due);
    this.#killing = this.#kill(kind).catch((error: unknown) => {
      this.#failure = error;
    });
  }

  /** Resolves when the server stands again. Throws where it does not come up. */
  async idle(): Promise<void> {
    this.#plan = [];
    await this.#killing;
    if (this.#failure !== undefined) throw this.#failure;
  }

  async #kill(kind: Kind): Promise<void> {
    this.#isBusy = true;
    await pause(this.#random() * KINDS[kind]);
    await this.#once(kind);
    const chance = this.#random();
    if (chance < DURING_START_SHARE && !this.#isEnough()) {
      const starting = this.#server.restart().catch(() => {});
      await pause(this.#random() * START_MS);
      await this.#once('start');
      await starting;
      await this.#server.restart();
    } else if (chance < DURING_START_SHARE + TWICE_SHARE && !this.#isEnough()) {
      await this.#server.restart();
      await pause(this.#random() * TWICE_MS);
      await this.#once('twice');
      await this.#server.restart();
    } else await this.#server.restart();
    this.#isBusy = false;
  }

  async #once(kind: Kind | 'start' | 'twice'): Promise<void> {
    await this.#server.kill();
    this.done[kind] = (this.done[kind] ?? 0) + 1;
  }

  #isEnough(): boolean {
    return this.kills >= this.#killsMax;
  }
}
