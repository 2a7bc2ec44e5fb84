import type { ReleaseSpec } from '../../protocol/release-board.ts';
import type { ReleaseAsset } from '../../protocol/release-evidence.ts';
import type { RemoteAsset, RemoteRelease } from './remote-release.ts';

/**
 * How a page stands against what it should hold.
 *
 * `waiting` for the gate → `filling`: files are missing → `ready` to be published → `done`. From each of them: `gone` where
 * somebody took the release away; `withdrawn` where somebody made a published one a draft again; `refused` where it must not, or cannot, be published; `changed` where what was attached is
 * not there any more as it was.
 */
export type PageState =
  | { readonly type: 'waiting' | 'ready' | 'done' | 'withdrawn' | 'gone' }
  | { readonly type: 'filling'; readonly next: PieceOfWork }
  | { readonly type: 'refused' | 'changed'; readonly reasons: readonly string[] };

/** What a filling page needs next: one write. */
export type PieceOfWork =
  | { readonly type: 'upload'; readonly asset: ReleaseAsset }
  /** The name is taken by what an upload of ours left that broke off, or by the file of a run that this one replaced. */
  | { readonly type: 'discard'; readonly asset: RemoteAsset };

/** GitHub refuses a file of 2 GiB. */
const ASSET_BYTES_MAX = 2 * 1024 * 1024 * 1024 - 1;
/** Each costs the installation a write, and GitHub takes a thousand. */
const ASSETS_MAX = 500;
const REASONS_MAX = 20;

export interface PageHistory {
  /** Everything stood there once. */
  readonly isSettled: boolean;
  /** An earlier run of the tag wrote of itself there, which this one replaced. */
  readonly isTakenOver: boolean;
}

export function judgePage(
  spec: ReleaseSpec,
  page: RemoteRelease | undefined,
  { isSettled, isTakenOver }: PageHistory,
): PageState {
  if (!page) return { type: 'gone' };
  if (!spec.gate) return { type: 'waiting' };
  if (!spec.gate.isPassed) return refused(gateReasons(spec, page));
  // Whoever gave it that tag did not have this run in mind; of one that was published the files are what counts.
  if (page.tag !== spec.tag && (page.isDraft || !isSettled))
    return refused([`its release is of the tag ${page.tag} now`]);
  if (isSettled) {
    if (page.isDraft && !spec.isKeptDraft) return { type: 'withdrawn' };
    const there = new Map(page.assets.map((asset) => [asset.name, asset]));
    const changes = spec.assets.flatMap((asset) => changeOf(asset, there.get(asset.name)) ?? []);
    return changes.length > 0 ? { type: 'changed', reasons: few(changes) } : whole(spec, page);
  }
  return judgeFilling(spec, page, isTakenOver);
}

/** Of a page that never held everything. */
function judgeFilling(spec: ReleaseSpec, page: RemoteRelease, isTakenOver: boolean): PageState {
  const there = new Map(page.assets.map((asset) => [asset.name, asset]));
  // First of all: what is refused for another reason says that the page is this run's, and who attached these would be forgotten.
  const stale =
    page.isDraft && isTakenOver ? spec.assets.flatMap((one) => staleOf(one, there.get(one.name)) ?? []) : [];
  if (stale[0]) return { type: 'filling', next: { type: 'discard', asset: stale[0] } };
  const obstacles = [
    ...limits(spec),
    ...spec.assets.flatMap((asset) => conflictOf(asset, there.get(asset.name)) ?? []),
  ];
  if (obstacles.length > 0) return refused(obstacles);
  const missing = spec.assets.filter(({ name }) => there.get(name)?.state !== 'uploaded');
  const [first] = missing;
  if (!first) return whole(spec, page);
  if (page.isImmutable) return refused(missing.map(({ name }) => `${name} is missing, and the release is immutable`));
  const left = there.get(first.name);
  return { type: 'filling', next: left ? { type: 'discard', asset: left } : { type: 'upload', asset: first } };
}

function whole({ isKeptDraft }: ReleaseSpec, { isDraft }: RemoteRelease): PageState {
  return { type: isDraft && !isKeptDraft ? 'ready' : 'done' };
}

function gateReasons({ gate }: ReleaseSpec, { isDraft }: RemoteRelease): readonly string[] {
  const reasons = gate && gate.reasons.length > 0 ? gate.reasons : ['the release gate did not pass'];
  return isDraft ? reasons : [...reasons, 'somebody published the release all the same'];
}

function limits({ assets }: ReleaseSpec): readonly string[] {
  const large = assets.filter(({ sizeBytes }) => sizeBytes > ASSET_BYTES_MAX);
  return [
    ...(assets.length > ASSETS_MAX
      ? [`${assets.length} files are more than the ${ASSETS_MAX} that a release gets`]
      : []),
    ...large.map(({ name }) => `${name} has 2 GiB or more, which GitHub does not take`),
  ];
}

/** Of ours, and not what this run made: no reader has seen it in a draft. */
function staleOf(asset: ReleaseAsset, there: RemoteAsset | undefined): RemoteAsset | undefined {
  return there?.isOurs && there.state === 'uploaded' && !isSame(asset, there) ? there : undefined;
}

/** Why a file cannot be attached under its name; what we did not upload is never taken away. */
function conflictOf(asset: ReleaseAsset, there: RemoteAsset | undefined): string | undefined {
  if (!there) return undefined;
  if (there.state !== 'uploaded')
    return there.isOurs ? undefined : `somebody else began to upload another file as ${asset.name}`;
  if (isSame(asset, there)) return undefined;
  const way = there.isOurs ? ', by the App: take it away, or delete the draft and run the pipeline once more' : '';
  return `another file is attached as ${asset.name}${way}: ${difference(asset, there)}`;
}

function changeOf(asset: ReleaseAsset, there: RemoteAsset | undefined): string | undefined {
  if (there?.state !== 'uploaded') return `${asset.name} was taken away`;
  return isSame(asset, there) ? undefined : `${asset.name} was replaced: ${difference(asset, there)}`;
}

/** Where a server knows no digests, what has the same size and came from the App is taken for the same. */
function isSame({ digest, sizeBytes }: ReleaseAsset, there: RemoteAsset): boolean {
  return there.digest === null ? there.isOurs && there.sizeBytes === sizeBytes : there.digest === digest;
}

function difference({ digest }: ReleaseAsset, there: RemoteAsset): string {
  return there.digest === null ? 'its digest is not known' : `its digest is ${there.digest}, not ${digest}`;
}

function refused(reasons: readonly string[]): PageState {
  return { type: 'refused', reasons: few(reasons) };
}

function few(reasons: readonly string[]): readonly string[] {
  const [rest, shown] = [reasons.length - REASONS_MAX, reasons.slice(0, REASONS_MAX)];
  return rest > 0 ? [...shown, `and ${rest} more`] : shown;
}
