/** What the benchmark and its sandbox process tell each other. */
export interface SceneOptions {
  readonly serverUrl: string;
  readonly webhookSecret: string;
  /** Each in an organisation and installation of its own. */
  readonly repositories: number;
  /** Commits per repository that no webhook has told of. */
  readonly commits: number;
  /** Where jobs hand their identity over; null runs the real action in them. */
  readonly handOverPort: number | null;
}

export interface SceneRepository {
  readonly id: number;
  readonly owner: string;
  readonly name: string;
  readonly pull: number;
  /** In the order of their history. */
  readonly shas: readonly string[];
}

export interface Scene {
  readonly url: string;
  readonly appId: number;
  readonly privateKey: string;
  readonly repositories: readonly SceneRepository[];
}

export interface SandboxCounts {
  readonly jobs: number;
  readonly reads: number;
  /** Calls by operation. */
  readonly writes: Readonly<Record<string, number>>;
  readonly violations: number;
}
