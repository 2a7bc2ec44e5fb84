import type { Clock } from '../base/clock.ts';
import type { Plan } from '../pipeline/plan.ts';
import type { Client, PlanPreview, StartRun } from '../protocol/client.ts';
import type { Explanation, PackView } from '../protocol/explain.ts';
import type { KeyRingPlace } from '../provenance/key-ring.ts';
import type { Output, Streams } from './output.ts';

/** What the process gives to the commands: everything that touches the machine comes from here. */
export interface Door {
  readonly version: string;
  readonly streams: Streams;
  readonly terminal: Terminal;
  /** Called once, after the arguments were understood; loads settings, so that `--help` need not. */
  openContext(globals: GlobalOptions): Promise<Omit<CommandContext, 'output' | 'terminal' | 'version'>>;
}

export interface GlobalOptions {
  /** `-C DIR`: the folder in which to work. */
  readonly directory: string | undefined;
}

export interface CommandContext {
  readonly version: string;
  readonly output: Output;
  readonly terminal: Terminal;
  /** Names of files given by the user start here. Absolute. */
  readonly cwd: string;
  /** The project: the nearest folder upwards that holds `.maestro`, else `cwd`. Absolute. */
  readonly root: string;
  readonly clock: Clock;
  readonly principal: Principal;
  /** A variable of the user's environment, for `--secret` and tokens. */
  environment(name: string): string | undefined;
  /** Asks a server. */
  readonly fetch: typeof fetch;
  /** Where the keys are that sign here. */
  readonly keyRing: KeyRingPlace;
  /** Hears Ctrl-C and SIGTERM until the returned function is called; nobody hearing them, they end the process. */
  onInterrupt(listener: (signal: 'interrupt' | 'terminate') => void): () => void;
  openMaestro(options?: OpenOptions): Promise<LocalMaestro>;
  /** Answers `plan` without a database, and writes nothing. */
  openPreview(): Promise<(request: StartRun) => Promise<PlanPreview>>;
  openCompiler(): Promise<Compiler>;
  /** The rules of the project, and beside them own rules where their folders are named. No database. */
  openPolicyDesk(ownRules?: OwnRulesFolders): Promise<PolicyDesk>;
}

/** Absolute. */
export interface OwnRulesFolders {
  readonly bundles: string;
  /** Public keys of whoever may sign them. */
  readonly keys: string;
}

/** Answers what policy would say; the door joins it with the policy room. */
export interface PolicyDesk {
  /** Of a pipeline that does not run yet. Throws STEP_NOT_FOUND. */
  explain(request: StartRun, step?: string): Explanation;
  /** Tries a file of cases. Throws POLICY_INVALID where the file is not one. */
  test(source: PipelineSource): readonly CaseResult[];
  close(): Promise<void>;
}

export interface CaseResult {
  readonly name: string;
  /** What is not as expected; null where the case passed. */
  readonly problem: string | null;
  readonly verdict: PackView['verdict'];
  readonly reasons: readonly string[];
  readonly obligations: PackView['obligations'];
}

export interface Principal {
  readonly provider: string;
  readonly id: string;
}

export interface Terminal {
  /** Standard output is a terminal on which the cursor can be moved. */
  readonly isTty: boolean;
  readonly hasColors: boolean;
  readonly hasUnicode: boolean;
  size(): { readonly columns: number; readonly rows: number };
}

export interface OpenOptions {
  /** Values by name, released to steps by policy; never stored. */
  readonly secrets?: Readonly<Record<string, string>>;
}

/** Maestro in this process: what one asks, and the hands that do the work. */
export interface LocalMaestro {
  readonly client: Client;
  /**
   * Works until the run has ended, or only waits for people, or the signal fires (work in flight is then given back).
   * Returns after the receipt of an ended run is signed.
   */
  drive(run: string, signal: AbortSignal): Promise<void>;
  close(): Promise<void>;
}

/** Source of a pipeline. `path` is relative to the project, `/` as separator: it is part of the plan. */
export interface PipelineSource {
  readonly path: string;
  readonly text: string;
}

export interface Finding {
  /** From 1. */
  readonly line: number;
  readonly column: number;
  readonly severity: 'error' | 'warning';
  readonly code: string;
  readonly message: string;
}

/** From source to findings and plans; the door joins the pipeline room with the catalog of steps. */
export interface Compiler {
  lint(source: PipelineSource): readonly Finding[];
  /** No plan where a finding is an error. `params` are texts as given; the pipeline's types decide what they mean. */
  compile(
    source: PipelineSource,
    params: Readonly<Record<string, string>>,
  ): { readonly plan: Plan | undefined; readonly findings: readonly Finding[] };
}
