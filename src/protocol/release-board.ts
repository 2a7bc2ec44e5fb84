import type { CheckTarget } from './check.ts';
import type { ReleaseAsset, ReleaseGate } from './release-evidence.ts';

/**
 * What the page of a release on GitHub should hold: what one run made of one tag. Texts are plain, but for `notes`, which is
 * its author's own Markdown.
 */
export interface ReleaseSpec {
  /** Unique per commit in Maestro: `<run id>/release/page`. */
  readonly externalId: string;
  readonly runId: string;
  /** Name of the run's own check. */
  readonly checkName: string;
  /** `v1.4.0` */
  readonly tag: string;
  /** Somebody made the release, and that started the run: where it is gone, none is made. */
  readonly isGiven: boolean;
  /** Of a release that is made. */
  readonly title: string;
  readonly notes: string;
  readonly isPrerelease: boolean;
  /** It is filled, and people publish it. */
  readonly isKeptDraft: boolean;
  /** Null while the run goes on, or its receipt is not signed. */
  readonly gate: ReleaseGate | null;
  /** What is attached once the gate has passed, in this order. */
  readonly assets: readonly ReleaseAsset[];
}

/** A page that waits for a verdict, as it is. */
export interface UnjudgedRelease {
  readonly target: CheckTarget;
  readonly spec: ReleaseSpec;
  readonly version: number;
  /** How often the verdict was looked for, this time included. */
  readonly tries: number;
}

/** What should stand on pages of releases. Implemented by the store; a loop of its own brings GitHub to it. */
export interface ReleaseBoard {
  /**
   * Says what the page of a tag should hold; `version` orders words of several processes, as for checks. A newer run of the tag
   * takes the place of one that has not published yet. Answers the run that has: then nothing is changed.
   */
  putRelease(target: CheckTarget, spec: ReleaseSpec, version: number): Promise<string | null>;
  /**
   * Pages of runs that were reported to their end and whose gate was not judged, as when their receipts were signed late: those that
   * were tried the longest ago first, each again after a pause that grows with its tries. What is answered counts as tried.
   */
  unjudged(query: {
    readonly nowMs: number;
    readonly limit: number;
    /** Whoever was tried so often is not tried again. */
    readonly triesMax: number;
  }): Promise<readonly UnjudgedRelease[]>;
  /** Has the page looked at once more: somebody changed it. False where it is none of ours. */
  lookAgain(repositoryId: number, releaseId: number): Promise<boolean>;
  /**
   * Has pages looked at once more that were judged and last looked at before that time, where their run ended after the other: the
   * longest unseen first. Of refused ones too, which somebody may publish all the same. Answers how many.
   */
  lookAgainBefore(seen: {
    readonly beforeMs: number;
    readonly addedAfter: Date;
    readonly limit: number;
  }): Promise<number>;
}

/** A release of no more files goes before checks: it takes little from them, and a larger one would keep them waiting for an hour. */
export const RELEASE_FILES_FEW = 20;
