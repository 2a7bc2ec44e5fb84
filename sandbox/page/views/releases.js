import { list, segment } from '../api.js';
import { h } from '../dom.js';
import { markdown } from '../markdown.js';
import { badge, empty, link, person, timeAgo } from '../parts.js';

/** All releases, or the one of a tag. */
export async function showReleases({ params }) {
  const base = `/${params.owner}/${params.repo}/releases`;
  const all = await list(`/repos${base}`);
  const tag = /^tag\/(.+)$/.exec(params.path ?? '')?.[1];
  const releases = all.filter(({ tag_name: name }) => tag === undefined || name === tag);
  return [
    h('h1', null, 'Releases'),
    tag !== undefined && h('p', null, link(base, 'All releases')),
    releases.length === 0 &&
      empty(tag === undefined ? 'Nothing has been released yet.' : `There is no release ${tag}.`),
    releases.map((release) => releaseCard(base, release)),
  ];
}

function releaseCard(base, release) {
  return h(
    'article',
    { class: 'card padded', key: `release${release.id}`, 'aria-label': `Release ${release.tag_name}` },
    h(
      'h2',
      null,
      link(`${base}/tag/${segment(release.tag_name)}`, release.name || release.tag_name),
      ' ',
      release.draft && badge('calm', 'Draft'),
      release.prerelease && badge('wait', 'Pre-release'),
      release.immutable && badge('good', 'Immutable'),
    ),
    h(
      'p',
      { class: 'quiet byline' },
      h('code', null, release.tag_name),
      ' ',
      person(release.author),
      ' ',
      timeAgo(release.published_at ?? release.created_at),
    ),
    release.body && markdown(release.body),
    h('h3', null, `Assets (${release.assets.length})`),
    release.assets.length > 0 && h('ul', { class: 'list' }, release.assets.map(assetRow)),
  );
}

function assetRow(asset) {
  return h(
    'li',
    { class: 'row' },
    h(
      'span',
      { class: 'grow' },
      asset.state === 'uploaded'
        ? h('a', { href: asset.browser_download_url, download: asset.name }, asset.name)
        : [asset.name, badge('bad', 'Upload broke off')],
      h('small', { class: 'quiet' }, asset.label, asset.label && ' · ', asset.content_type),
    ),
    asset.digest && h('code', { class: 'quiet sha', title: asset.digest }, `${asset.digest.slice(0, 19)}…`),
    h('span', { class: 'quiet' }, size(asset.size)),
  );
}

function size(bytes) {
  if (bytes < 1024) return `${bytes} B`;
  return bytes < 1_048_576 ? `${(bytes / 1024).toFixed(1)} KiB` : `${(bytes / 1_048_576).toFixed(1)} MiB`;
}
