import type { Plan, PlanRelease } from '../../pipeline/plan.ts';
import type { GitHubRun } from '../../protocol/github-run.ts';
import type { ReleaseSpec } from '../../protocol/release-board.ts';
import type { ReleaseAsset, ReleaseGate } from '../../protocol/release-evidence.ts';
import type { RunView } from '../../protocol/run.ts';
import { plainLine } from '../report/safe-text.ts';

const TAG = 'refs/tags/';
/** Triggers that name a tag. A person's command may start the same pipeline, and releases nothing. */
const TRIGGERS = ['tag', 'release'];
const TITLE_CHARS_MAX = 255;

/** A run that releases something, and what. */
export interface Releasing {
  readonly run: Pick<RunView, 'id' | 'trigger'>;
  readonly place: Pick<GitHubRun, 'checkName'>;
  readonly tag: string;
  readonly wish: PlanRelease;
}

/** Undefined where the run releases nothing. */
export function releasingOf(run: Releasing['run'], plan: Plan, place: GitHubRun): Releasing | undefined {
  if (!plan.release || !TRIGGERS.includes(run.trigger.type) || !place.ref.startsWith(TAG)) return undefined;
  return { run, place, tag: place.ref.slice(TAG.length), wish: plan.release };
}

/** What the page of the release should hold. `gate` is null until it was judged. */
export function releaseOf(
  { run, place, tag, wish }: Releasing,
  gate: ReleaseGate | null,
  assets: readonly ReleaseAsset[],
): ReleaseSpec {
  return {
    externalId: `${run.id}/release/page`,
    runId: run.id,
    checkName: place.checkName,
    tag,
    isGiven: run.trigger.type === 'release',
    title: plainLine(wish.title ?? tag, TITLE_CHARS_MAX),
    notes: wish.notes ?? '',
    isPrerelease: wish.isPrerelease,
    isKeptDraft: wish.isKeptDraft,
    gate,
    assets,
  };
}
