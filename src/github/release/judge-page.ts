import type { ReleaseSpec } from '../../protocol/release-board.ts';
import type { ReleaseAsset } from '../../protocol/release-evidence.ts';
import type { RemoteAsset, RemoteRelease } from './remote-release.ts';

/**
 * How a page stands against what it should hold.
 *
 * `waiting` for the gate → `filling`: files are missing → `ready` to be published → `done`. From each of them: `gone` where
 * somebody took the release away; `refused` where it must not, or cannot, be published; `changed` where what was attached is
 * not there any more as it was.
 */
export type PageState =
  | { readonly type: 'waiting' | 'ready' | 'done' | 'gone' }
  | { readonly type: 'filling'; readonly next: PieceOfWork }
  | { readonly type: 'refused' | 'changed'; readonly reasons: readonly string[] };

/** What a filling page needs next: one write. */
export type PieceOfWork =
  | { readonly type: 'upload'; readonly asset: ReleaseAsset }
  /** An upload of ours broke off, and its name is taken by what it left. */
  | { readonly type: 'discard'; readonly asset: RemoteAsset };

/** GitHub refuses a file of 2 GiB. */
const ASSET_BYTES_MAX = 2 * 1024 * 1024 * 1024 - 1;
/** Each costs the installation a write, and GitHub takes a thousand. */
const ASSETS_MAX = 500;
const REASONS_MAX = 20;

/** @param isSettled everything stood there once */
export function judgePage(spec: ReleaseSpec, page: RemoteRelease | undefined, isSettled: boolean): PageState {
  if (!page) return { type: 'gone' };
  if (!spec.gate) return { type: 'waiting' };
  if (!spec.gate.isPassed) return refused(gateReasons(spec, page));
  // Whoever gave it that tag did not have this run in mind; of one that was published the files are what counts.
  if (page.tag !== spec.tag && (page.isDraft || !isSettled))
    return refused([`its release is of the tag ${page.tag} now`]);
  const there = new Map(page.assets.map((asset) => [asset.name, asset]));
  if (isSettled) {
    const changes = spec.assets.flatMap((asset) => changeOf(asset, there.get(asset.name)) ?? []);
    return changes.length > 0 ? { type: 'changed', reasons: few(changes) } : whole(spec, page);
  }
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

/** Why a file cannot be attached under its name; what we did not upload is never taken away. */
function conflictOf(asset: ReleaseAsset, there: RemoteAsset | undefined): string | undefined {
  if (!there) return undefined;
  if (there.state !== 'uploaded')
    return there.isOurs ? undefined : `somebody else began to upload another file as ${asset.name}`;
  return isSame(asset, there) ? undefined : `another file is attached as ${asset.name}: ${difference(asset, there)}`;
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
