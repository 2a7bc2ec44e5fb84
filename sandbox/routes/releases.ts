import { hash, randomUUID } from 'node:crypto';
import { ApiError, invalid } from '../api-error.ts';
import { type Call, found, listed, type Reply, type Routes } from '../call.ts';
import { objectUrl } from '../downloads.ts';
import type { Asset, Release } from '../model.ts';
import { changeRef } from '../refs.ts';
import { assetView, releaseView } from '../view/deployment.ts';

export const RELEASES: Routes = {
  'repos/create-release': createRelease,
  'repos/get-release': (call) => ({ status: 200, body: view(call, releaseOf(call)) }),
  'repos/list-releases': (call) => listed(call, visible(call).toReversed(), (release) => view(call, release)),
  'repos/get-release-by-tag': (call) => {
    const release = visible(call).find(({ tag, isDraft }) => tag === call.param('tag') && !isDraft);
    return { status: 200, body: view(call, found(release)) };
  },
  'repos/get-latest-release': (call) => {
    const release = visible(call).findLast(({ isDraft, isPrerelease }) => !isDraft && !isPrerelease);
    return { status: 200, body: view(call, found(release)) };
  },
  'repos/update-release': updateRelease,
  'repos/delete-release': (call) => {
    call.repository.releases.delete(releaseOf(call).id);
    return { status: 204 };
  },
  'repos/list-release-assets': (call) => {
    const release = releaseOf(call);
    return listed(call, release.assets, (asset) => assetView(call.world, call.repository, release, asset));
  },
  'repos/upload-release-asset': uploadAsset,
  'repos/get-release-asset': (call) => {
    const { release, asset } = assetOf(call);
    const wantsBytes = (call.parts.headers.accept ?? '').includes('octet-stream');
    if (wantsBytes && asset.state !== 'uploaded') return found<never>(undefined);
    if (wantsBytes) return { status: 302, headers: { location: objectUrl(call.world, asset) } };
    return { status: 200, body: assetView(call.world, call.repository, release, asset) };
  },
  'repos/update-release-asset': (call) => {
    const { release, asset } = assetOf(call);
    refuseChange(call, release);
    const name = call.text('name') ?? asset.name;
    refuseTaken(release, name, asset);
    asset.name = name;
    asset.label = call.text('label') ?? asset.label;
    return { status: 200, body: assetView(call.world, call.repository, release, asset) };
  },
  'repos/delete-release-asset': (call) => {
    const { release, asset } = assetOf(call);
    refuseChange(call, release);
    release.assets.splice(release.assets.indexOf(asset), 1);
    return { status: 204 };
  },
};

function releaseOf(call: Call): Release {
  return found(call.repository.releases.get(call.number('release_id')));
}

/** Drafts are for those who can push. */
function visible(call: Call): readonly Release[] {
  const { credential } = call.parts;
  const isInsider =
    credential.kind === 'installation' ||
    (credential.kind === 'user' && call.world.hasRole(credential.account, call.repository, 'write'));
  return [...call.repository.releases.values()].filter(({ isDraft }) => isInsider || !isDraft);
}

async function createRelease(call: Call): Promise<Reply> {
  const { world, repository, actor } = call;
  const tag = call.needText('tag_name');
  if ([...repository.releases.values()].some((release) => release.tag === tag && !release.isDraft)) {
    throw invalid('Validation Failed', [{ resource: 'Release', code: 'already_exists', field: 'tag_name' }]);
  }
  const release: Release = {
    id: world.nextId(),
    author: actor,
    createdAt: world.now(),
    assets: [],
    tag,
    target: call.text('target_commitish') ?? repository.defaultBranch,
    name: call.text('name') ?? null,
    body: call.text('body') ?? null,
    isDraft: call.flag('draft'),
    isPrerelease: call.flag('prerelease'),
    publishedAt: null,
  };
  repository.releases.set(release.id, release);
  announce(call, release, 'created');
  if (!release.isDraft) await publish(call, release);
  return { status: 201, body: view(call, release) };
}

async function updateRelease(call: Call): Promise<Reply> {
  const release = releaseOf(call);
  const wasDraft = release.isDraft;
  release.tag = call.text('tag_name') ?? release.tag;
  release.target = call.text('target_commitish') ?? release.target;
  release.name = call.text('name') ?? release.name;
  release.body = call.text('body') ?? release.body;
  release.isPrerelease = typeof call.body['prerelease'] === 'boolean' ? call.body['prerelease'] : release.isPrerelease;
  release.isDraft = typeof call.body['draft'] === 'boolean' ? call.body['draft'] : release.isDraft;
  if (wasDraft && !release.isDraft) await publish(call, release);
  else announce(call, release, 'edited', { changes: {} });
  return { status: 200, body: view(call, release) };
}

/** Publishing makes the tag where it is missing. */
async function publish(call: Call, release: Release): Promise<void> {
  const { world, repository, actor } = call;
  release.publishedAt = world.now();
  if (!(await repository.git.refs()).has(`refs/tags/${release.tag}`)) {
    const sha = await repository.git.resolve(release.target);
    if (sha === null)
      throw invalid('Validation Failed', [{ resource: 'Release', code: 'invalid', field: 'target_commitish' }]);
    await changeRef(world, repository, `refs/tags/${release.tag}`, sha, actor);
  }
  announce(call, release, 'published');
  announce(call, release, release.isPrerelease ? 'prereleased' : 'released');
}

/** A name is used once; an upload that broke off leaves an asset in state `starter` in its place. */
function uploadAsset(call: Call): Reply {
  const { world, repository, actor } = call;
  const release = releaseOf(call);
  const name = call.query('name') ?? '';
  refuseChange(call, release);
  refuseTaken(release, name, null);
  const { bytes, headers, isEnterprise } = call.parts;
  const isBroken = world.brokenUploads.delete(name);
  const asset: Asset = {
    id: world.nextId(),
    key: randomUUID(),
    name,
    label: call.query('label') ?? null,
    contentType: headers['content-type'] ?? 'application/octet-stream',
    content: isBroken ? Buffer.alloc(0) : bytes,
    digest: isBroken || isEnterprise ? null : `sha256:${hash('sha256', bytes, 'hex')}`,
    state: isBroken ? 'starter' : 'uploaded',
    uploader: actor,
    createdAt: world.now(),
  };
  release.assets.push(asset);
  if (isBroken) throw new ApiError(502, 'Bad Gateway');
  return { status: 201, body: assetView(world, repository, release, asset) };
}

function refuseTaken(release: Release, name: string, but: Asset | null): void {
  if (release.assets.some((asset) => asset !== but && asset.name === name))
    throw invalid('Validation Failed', [{ resource: 'ReleaseAsset', code: 'already_exists', field: 'name' }]);
}

function refuseChange(call: Call, release: Release): void {
  if (call.repository.hasImmutableReleases && !release.isDraft) {
    throw invalid('Validation Failed', [
      { resource: 'ReleaseAsset', code: 'custom', message: 'Cannot change assets of an immutable release' },
    ]);
  }
}

function assetOf(call: Call): { readonly release: Release; readonly asset: Asset } {
  for (const release of call.repository.releases.values()) {
    const asset = release.assets.find(({ id }) => id === call.number('asset_id'));
    if (asset !== undefined) return { release, asset };
  }
  return found<never>(undefined);
}

function view(call: Call, release: Release): ReturnType<typeof releaseView> {
  return releaseView(call.world, call.repository, release);
}

function announce(call: Call, release: Release, action: string, more: Readonly<Record<string, unknown>> = {}): void {
  const { world, repository, actor } = call;
  if (release.isDraft && action !== 'created') return;
  world.emit({
    event: 'release',
    action,
    repository,
    sender: actor,
    payload: { release: { ...view(call, release), name: release.name ?? '', body: release.body ?? '' }, ...more },
  });
}
