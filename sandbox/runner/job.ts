import type { JsonObject } from '../../src/base/json.ts';

/** What the runner is asked to do: one job of one workflow file, as GitHub would have queued it. */
export interface JobRequest {
  readonly workflowText: string;
  /** From the repository's root: `.github/workflows/maestro.yml`. */
  readonly workflowPath: string;
  readonly inputs: Readonly<Record<string, string>>;
  readonly event: JsonObject;
  readonly eventName: string;
  readonly repository: {
    readonly owner: string;
    readonly name: string;
    readonly id: number;
    readonly ownerId: number;
    readonly defaultBranch: string;
  };
  readonly sha: string;
  /** In full: `refs/heads/main`. */
  readonly ref: string;
  readonly actor: string;
  readonly runId: number;
  readonly runNumber: number;
  readonly runAttempt: number;
  readonly jobId: number;
  readonly serverUrl: string;
  readonly apiUrl: string;
  readonly token: string;
  /** Reaches actions only where the job has `id-token: write`. */
  readonly idToken: { readonly requestUrl: string; readonly requestToken: string } | null;
  /** `owner/name` -> absolute folder that stands for every ref of that repository. */
  readonly actionSources: Readonly<Record<string, string>>;
  /** Absolute; created if it is missing. The workspace is `<workFolder>/<name>/<name>`. */
  readonly workFolder: string;
  /** One masked line without its line end. */
  readonly onLog: (line: string) => void;
  readonly onStep: (name: string, status: StepStatus) => void;
}

export type StepConclusion = 'success' | 'failure' | 'cancelled' | 'skipped';
type StepStatus = 'in_progress' | StepConclusion;

export interface JobAnnotation {
  readonly level: 'notice' | 'warning' | 'failure';
  readonly message: string;
  readonly title: string | null;
  /** Null where the command named no file. */
  readonly path: string | null;
  readonly startLine: number;
  readonly endLine: number;
  readonly startColumn: number | null;
  readonly endColumn: number | null;
}

export interface JobResult {
  readonly conclusion: 'success' | 'failure' | 'cancelled';
  readonly steps: readonly { readonly name: string; readonly conclusion: StepConclusion }[];
  /** Markdown that the steps wrote to GITHUB_STEP_SUMMARY, masked, in their order. */
  readonly summary: string;
  /** What the steps said with `::error file=…::` and its sisters. */
  readonly annotations: readonly JobAnnotation[];
}

/** How long a cancelled process gets. The defaults are those of GitHub's runner. */
export interface StopTimes {
  /** From SIGINT to SIGTERM. */
  readonly sigtermMs: number;
  /** From SIGINT to SIGKILL of the whole process tree. */
  readonly sigkillMs: number;
  /** For everything that still runs after a cancellation, post steps among it. */
  readonly cleanUpMs: number;
  /** How long a step's output may stay open after its process has ended: a daemon can hold it. */
  readonly outputMs: number;
}

export const STOP_TIMES: StopTimes = { sigtermMs: 7500, sigkillMs: 10_000, cleanUpMs: 300_000, outputMs: 5000 };
