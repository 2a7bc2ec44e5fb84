import { list, listOrNone } from '../api.js';
import { h } from '../dom.js';
import { empty, link, person, shortSha, statusIcon, timeAgo } from '../parts.js';

export async function showDeployments({ params }) {
  const base = `/${params.owner}/${params.repo}`;
  const api = `/repos${base}/deployments`;
  const deployments = await list(api);
  const statuses = await Promise.all(deployments.map(({ id }) => listOrNone(`${api}/${id}/statuses`)));
  return [
    h('h1', null, 'Deployments'),
    deployments.length === 0 && empty('Nothing has been deployed yet.'),
    h(
      'ul',
      { class: 'list' },
      deployments.map((deployment, index) => deploymentRow(base, deployment, statuses[index])),
    ),
  ];
}

function deploymentRow(base, deployment, statuses) {
  const [latest] = statuses;
  const state = latest?.state ?? 'queued';
  return h(
    'li',
    { class: 'row', key: `deployment${deployment.id}` },
    statusIcon(state === 'pending' ? 'queued' : state, null),
    h(
      'span',
      { class: 'grow' },
      h('strong', null, deployment.environment),
      ' ',
      h('span', { class: 'quiet' }, state.replaceAll('_', ' ')),
      h(
        'small',
        { class: 'quiet byline' },
        person(deployment.creator),
        ' ',
        timeAgo(deployment.created_at),
        (latest?.description || deployment.description) && ` · ${latest?.description || deployment.description}`,
      ),
    ),
    h('code', null, deployment.ref.slice(0, 24)),
    link(`${base}/commit/${deployment.sha}`, shortSha(deployment.sha)),
  );
}
