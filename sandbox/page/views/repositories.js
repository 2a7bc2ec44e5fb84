import { list } from '../api.js';
import { h } from '../dom.js';
import { badge, empty, link, timeAgo } from '../parts.js';

export async function showRepositories() {
  const repositories = await list('/user/repos');
  return [
    h('h1', null, 'Repositories'),
    repositories.length === 0 && empty('Nothing is here for this user.'),
    h('ul', { class: 'list' }, repositories.map(repositoryRow)),
  ];
}

function repositoryRow(repository) {
  const { full_name: name, fork: isFork } = repository;
  return h(
    'li',
    { class: 'row' },
    h(
      'span',
      { class: 'grow' },
      link(`/${name}`, h('strong', null, name)),
      ' ',
      repository.private && badge('calm', 'private'),
      isFork && badge('calm', 'fork'),
    ),
    h('span', { class: 'quiet' }, 'changed ', timeAgo(repository.pushed_at ?? repository.updated_at)),
  );
}
