import { list } from '../api.js';
import { h } from '../dom.js';
import { markdown } from '../markdown.js';
import { badge, empty, person, timeAgo } from '../parts.js';

export async function showReleases({ params }) {
  const releases = await list(`/repos/${params.owner}/${params.repo}/releases`);
  return [
    h('h1', null, 'Releases'),
    releases.length === 0 && empty('Nothing has been released yet.'),
    releases.map(releaseCard),
  ];
}

function releaseCard(release) {
  return h(
    'article',
    { class: 'card padded', key: `release${release.id}` },
    h(
      'h2',
      null,
      release.name || release.tag_name,
      ' ',
      release.draft && badge('calm', 'Draft'),
      release.prerelease && badge('wait', 'Pre-release'),
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
    h('ul', { class: 'list' }, release.assets.map(assetRow)),
  );
}

function assetRow(asset) {
  return h(
    'li',
    { class: 'row' },
    h('span', { class: 'grow' }, h('a', { href: asset.browser_download_url, download: asset.name }, asset.name)),
    asset.digest && h('code', { class: 'quiet sha' }, asset.digest.slice(0, 19)),
    h('span', { class: 'quiet' }, size(asset.size)),
  );
}

function size(bytes) {
  if (bytes < 1024) return `${bytes} B`;
  return bytes < 1_048_576 ? `${(bytes / 1024).toFixed(1)} KiB` : `${(bytes / 1_048_576).toFixed(1)} MiB`;
}
