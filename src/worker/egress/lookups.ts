import { lookup } from 'node:dns/promises';
import { ADDRESSES_MAX, LOOKUPS_MAX } from './limits.ts';

/** The addresses of a name. Rejects where it has none. */
export type Resolve = (host: string) => Promise<readonly string[]>;

/** As programs of this machine find them: its hosts file counts too. */
export const SYSTEM_RESOLVE: Resolve = async (host) =>
  (await lookup(host, { all: true })).map(({ address }) => address);

/** Looks names up, a few at a time, and each once however many ask for it. Nothing is kept: addresses change. */
export class Lookups {
  readonly #resolve: Resolve;
  readonly #underWay = new Map<string, Promise<readonly string[]>>();
  readonly #waiting: (() => void)[] = [];
  #running = 0;

  constructor(resolve: Resolve) {
    this.#resolve = resolve;
  }

  find(host: string): Promise<readonly string[]> {
    const known = this.#underWay.get(host);
    if (known) return known;
    const found = this.#inTurn(host).finally(() => this.#underWay.delete(host));
    this.#underWay.set(host, found);
    return found;
  }

  async #inTurn(host: string): Promise<readonly string[]> {
    while (this.#running >= LOOKUPS_MAX) await new Promise<void>((resolve) => this.#waiting.push(resolve));
    this.#running++;
    try {
      return (await this.#resolve(host)).slice(0, ADDRESSES_MAX);
    } finally {
      this.#running--;
      this.#waiting.shift()?.();
    }
  }
}
