/**
 * What a write to GitHub is for. `answer`: a person or a job waits for it. `release`: one of few files, which people wait for.
 * `report`: checks, comments and large releases. `remainder`: the annotations beyond the first of a check, and looks at pages
 * that were whole. Each leaves something to those before it.
 */
export type WritePurpose = 'answer' | 'release' | 'report' | 'remainder';

export interface WriteAsk {
  readonly purpose: WritePurpose;
  /** As many as are of use; fewer may be there. */
  readonly atMost: number;
  readonly nowMs: number;
}

export interface WriteGrant {
  readonly taken: number;
  /** Where nothing was taken: milliseconds until there is a write again. Otherwise 0. */
  readonly waitMs: number;
}

/**
 * Writes to GitHub that an installation may still be burdened with: GitHub counts them per installation, whichever process
 * makes them. Implemented by the store; all processes of a database share it.
 */
export interface WriteAllowance {
  /** Takes what there is, up to `atMost`. Who dies with writes that it took has lost them: there are new ones soon. */
  take(installationId: number, ask: WriteAsk): Promise<WriteGrant>;
  /** Gives back what was taken and not used. */
  giveBack(installationId: number, count: number): Promise<void>;
  /** No writes for any purpose before that time: GitHub asked for it. */
  close(installationId: number, untilMs: number): Promise<void>;
  /** None but answers before that time: GitHub does not answer, and reports are not what should find out that it does again. */
  rest(installationId: number, untilMs: number): Promise<void>;
}
