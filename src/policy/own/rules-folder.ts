import { readFile } from 'node:fs/promises';
import type { Clock } from '../../base/clock.ts';
import { messageOf } from '../../base/errors.ts';
import { type BundleFile, listBundles } from './list-bundles.ts';
import { openBundle } from './open-bundle.ts';
import { type OpenBundle, type OwnRules, ownRules } from './own-rules.ts';
import { readVerifyKeys, type VerifyKeys } from './verify-keys.ts';

export interface RulesFolderOptions {
  /** Holds the bundles: `NAME.tar.gz`. */
  readonly folder: string;
  /** Holds the public keys of whoever may sign them: `ID.pem`. */
  readonly keys: string;
  readonly clock: Clock;
  /** A file that is not taken, and why: told once, until the file or the keys change. */
  readonly onError: (error: unknown) => void;
}

/** Begins to judge by other rules. Where it fails, the old ones stay, and it is called again at the next look. */
export type TakeRules = (rules: OwnRules) => Promise<void>;

type Opened = ReadonlyMap<string, OpenBundle>;

const LOOK_EVERY_MS = 2000;
/** A file that is away for a moment is being replaced. */
const REMOVED_AFTER_MS = 10_000;
/** Whoever began to judge by rules that were replaced meanwhile ends by them: closed ones would deny. */
const RETIRED_FOR_MS = 60_000;

/**
 * The own rules in a folder, as they come and go there.
 *
 * A new file is taken when it is verified and its cases hold. Until then, and where it is refused, the one before it stays;
 * it also stays where the folder cannot be read. One that was deleted judges for REMOVED_AFTER_MS more.
 */
export class RulesFolder {
  readonly #options: RulesFolderOptions;
  readonly #takers = new Set<TakeRules>();
  /** What each file was when it was looked at last, taken or not. */
  readonly #seen = new Map<string, string>();
  readonly #goneMs = new Map<string, number>();
  #opened: Opened = new Map();
  #current = ownRules([]);
  /** Replaced, and still asked by whoever began before. */
  readonly #retired = new Set<OpenBundle>();
  #looking: Promise<void> = Promise.resolve();
  #timer: NodeJS.Timeout | undefined;
  /** The file system that the folder is on: where it is not mounted, its files are not deleted. */
  #device: number | undefined;
  #trouble: string | undefined;

  /** @throws MaestroError POLICY_INVALID, CONFIG_INVALID where one of the files cannot be taken: rules must not be missing */
  static async open(options: RulesFolderOptions): Promise<RulesFolder> {
    const folder = new RulesFolder(options);
    const refusals: unknown[] = [];
    await folder.#look((error) => refusals.push(error));
    if (refusals.length > 0) {
      await folder.close();
      throw refusals[0];
    }
    return folder;
  }

  private constructor(options: RulesFolderOptions) {
    this.#options = options;
  }

  current(): OwnRules {
    return this.#current;
  }

  /**
   * Begins to watch: until somebody takes what changes, `current` stays as it is, so nobody opens with rules that are old by
   * the time they listen.
   * @returns ends it
   */
  onChange(take: TakeRules): () => void {
    this.#takers.add(take);
    if (!this.#timer) this.#watch();
    return () => void this.#takers.delete(take);
  }

  /** Looks now, instead of waiting. Rejects where the folder or its keys cannot be read, or nobody could take new rules. */
  look(): Promise<void> {
    const look = this.#looking.then(() => this.#look(this.#options.onError));
    this.#looking = look.catch(() => {});
    return look;
  }

  async close(): Promise<void> {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    await this.#looking;
    await closeAll([...this.#opened.values(), ...this.#retired]);
    this.#retired.clear();
  }

  #watch(): void {
    this.#timer = setTimeout(() => {
      const end = (trouble: string | undefined): void => {
        this.#trouble = trouble;
        if (this.#timer) this.#watch();
      };
      this.look().then(
        () => end(undefined),
        (error: unknown) => {
          if (messageOf(error) !== this.#trouble) this.#options.onError(error);
          end(messageOf(error));
        },
      );
    }, LOOK_EVERY_MS).unref();
  }

  async #look(onError: (error: unknown) => void): Promise<void> {
    const keys = await readVerifyKeys(this.#options.keys);
    const { device, files } = await listBundles(this.#options.folder, this.#device);
    this.#device = device;
    const fresh = await this.#openChanged(files, keys, onError);
    await this.#take(new Map([...this.#withoutGone(files), ...fresh]), fresh);
  }

  /** Bundles whose file says something else than the one that judges now. */
  async #openChanged(
    files: readonly BundleFile[],
    keys: VerifyKeys,
    onError: (error: unknown) => void,
  ): Promise<Opened> {
    const fresh = new Map<string, OpenBundle>();
    for (const { name, path, version, problem } of files) {
      const seen = `${version} ${keys.digest}`;
      if (this.#seen.get(name) === seen) continue;
      this.#seen.set(name, seen);
      try {
        if (problem) throw problem;
        const bundle = await openBundle(name, await readFile(path), keys);
        if (bundle.digest === this.#opened.get(name)?.digest) await bundle.thread.close();
        else fresh.set(name, bundle);
      } catch (error) {
        onError(error);
      }
    }
    return fresh;
  }

  #withoutGone(files: readonly BundleFile[]): Opened {
    const nowMs = this.#options.clock.now();
    const present = new Set(files.map(({ name }) => name));
    // Whatever comes back is looked at anew.
    for (const name of this.#seen.keys()) if (!present.has(name)) this.#seen.delete(name);
    for (const name of this.#goneMs.keys()) if (present.has(name) || !this.#opened.has(name)) this.#goneMs.delete(name);
    for (const name of this.#opened.keys())
      if (!present.has(name) && !this.#goneMs.has(name)) this.#goneMs.set(name, nowMs);
    const isGone = (name: string): boolean => nowMs - (this.#goneMs.get(name) ?? nowMs) >= REMOVED_AFTER_MS;
    return new Map([...this.#opened].filter(([name]) => !isGone(name)));
  }

  #retire(bundles: readonly OpenBundle[]): void {
    for (const bundle of bundles) this.#retired.add(bundle);
    const end = (): void => {
      for (const bundle of bundles)
        if (this.#retired.delete(bundle)) bundle.thread.close().catch(this.#options.onError);
    };
    if (bundles.length > 0) setTimeout(end, RETIRED_FOR_MS).unref();
  }

  async #take(next: Opened, fresh: Opened): Promise<void> {
    const replaced = [...this.#opened.values()].filter((bundle) => next.get(bundle.name) !== bundle);
    if (fresh.size === 0 && replaced.length === 0) return;
    const rules = ownRules([...next.values()]);
    try {
      for (const take of this.#takers) await take(rules);
    } catch (error) {
      for (const name of fresh.keys()) this.#seen.delete(name);
      await closeAll(fresh.values());
      throw error;
    }
    this.#opened = next;
    this.#current = rules;
    this.#retire(replaced);
  }
}

async function closeAll(bundles: Iterable<OpenBundle>): Promise<void> {
  for (const { thread } of bundles) await thread.close();
}
