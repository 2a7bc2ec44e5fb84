import type { JsonObject } from '../../src/base/json.ts';
import type { Workload } from './workloads.ts';

/**
 * An engine under measurement, Maestro or a peer.
 *
 * `engines/maestro.ts` and every file of `peers/` export `create: CreateEngine`. The harness calls, in this order:
 * `start`, many `submit` (and, where runs follow one another, `settle`), `drain`, `verify`, `close`. Only what happens
 * between the first `submit` and the end of `drain` is timed.
 *
 * All engines run in the measuring process, so a step's body can note the time. An engine does everything it would do in
 * earnest: what is not durable when `submit`, `settle` or `drain` answer is a defect of the adapter.
 */
export interface BenchEngine {
  /** Version of the engine's package. */
  readonly version: string;
  /** What was tuned away from the engine's defaults. */
  readonly settings: JsonObject;
  /** Makes the schema, connects, starts workers. */
  start(): Promise<void>;
  /** Resolves when the run is durably accepted. `run` counts from `workload.firstRun`. */
  submit(run: number): Promise<void>;
  /** Resolves when the engine itself has recorded the end of the run; its last body may have returned before. */
  settle(run: number): Promise<void>;
  /** Resolves when the engine has recorded the end of everything that was submitted. */
  drain(): Promise<void>;
  /** Counts from the engine's own tables; throws where they contradict what was submitted. */
  verify(): Promise<JsonObject>;
  close(): Promise<void>;
}

export interface BenchSetting {
  readonly database: BenchDatabase;
  readonly workload: Workload;
  readonly body: StepBody;
  /** Free options of the engine, from the command line: `--set=key:value`. */
  readonly options: ReadonlyMap<string, string>;
}

/** A database that the harness made and will drop, or a folder that it made and will delete. */
export type BenchDatabase =
  | { readonly kind: 'postgres'; readonly url: string }
  | { readonly kind: 'pglite'; readonly folder: string };

/** The work of a step. Engines call it for every attempt, duplicates included: they are counted. */
export interface StepBody {
  execute(run: number, index: number): Promise<void>;
}

export type CreateEngine = (setting: BenchSetting) => Promise<BenchEngine>;
