import type { CodeEvent, RepositoryFacts } from './code-event.ts';

export interface StartChoice {
  /** Only this pipeline, by name or path, also where its triggers do not match. */
  readonly pipeline?: string;
  readonly params?: Readonly<Record<string, string>>;
  /** A fork's head that somebody with write access vouched for (`/maestro ok-to-test`). */
  readonly isTrusted?: boolean;
  /** Part of the idempotency key: a command or re-run starts anew on a commit that ran before. */
  readonly occasion?: string;
}

/** What came of an event. Everything in it stands on the check board already. */
export interface StartReport {
  readonly started: readonly { readonly runId: string; readonly pipeline: string }[];
  /** Filtered out: reported as `skipped` under the name that a branch rule may require. */
  readonly skipped: readonly string[];
  /** Do not compile: reported as `failure` with annotations on the lines. */
  readonly broken: readonly string[];
  /** Of a fork that nobody vouched for: reported as `action_required`. */
  readonly held: readonly string[];
  /** Nothing was looked at: word of the commit came when its branch had gone on. */
  readonly isOutdated?: true;
}

/** Keeps the policy by which a repository is judged what its default branch says. */
export interface PolicyKeeper {
  /** To be called before anything of the repository is judged anew. */
  bringPolicy(repository: RepositoryFacts): Promise<void>;
}

/** Starts what matches an event. The same event and occasion start a pipeline once, however often it is asked. */
export interface Starter {
  start(event: CodeEvent, choice?: StartChoice): Promise<StartReport>;
}
