import { getOwn, list, listOrNone } from '../api.js';
import { h } from '../dom.js';
import { markdown } from '../markdown.js';
import { empty, link, person, shortSha, statusIcon, timeAgo } from '../parts.js';

/** What was deployed to each environment, newest first, with what its gate and its deployer said. */
export async function showDeployments({ params }) {
  const base = `/${params.owner}/${params.repo}`;
  const api = `/repos${base}/deployments`;
  const [deployments, gates] = await Promise.all([list(api), getOwn(`/_sandbox/repos${base}/gates`, [])]);
  const statuses = await Promise.all(deployments.map(({ id }) => listOrNone(`${api}/${id}/statuses`)));
  const told = deployments.map((deployment, index) => ({
    ...deployment,
    statuses: statuses[index],
    gates: gates.filter(({ deployment: id }) => id === deployment.id),
  }));
  const environments = [...new Set(told.map(({ environment }) => environment))];
  return [
    h('h1', null, 'Deployments'),
    told.length === 0 && empty('Nothing has been deployed yet.'),
    environments.map((name) => [
      h('h2', { key: `name ${name}` }, name),
      h(
        'ul',
        { class: 'list', key: `list ${name}`, 'aria-label': name },
        told.filter(({ environment }) => environment === name).map((each, at) => deploymentItem(base, each, at === 0)),
      ),
    ]),
  ];
}

function deploymentItem(base, deployment, isNewest) {
  const { id, sha, ref, creator, description, statuses, gates, created_at: created } = deployment;
  const [latest] = statuses;
  const state = latest?.state ?? 'pending';
  const words = latest?.description || description;
  return h(
    'li',
    { key: `deployment${id}` },
    h(
      'details',
      { open: isNewest },
      h(
        'summary',
        { class: 'row' },
        statusIcon(state, null),
        h(
          'span',
          { class: 'grow' },
          h('strong', null, state.replaceAll('_', ' ')),
          words && ` · ${words}`,
          h('small', { class: 'quiet byline' }, person(creator), ' ', timeAgo(created)),
        ),
        h('code', null, ref.slice(0, 24)),
        link(`${base}/commit/${sha}`, shortSha(sha)),
      ),
      h('div', { class: 'steps' }, gates.map(gateLines), statuses.map(statusLine).reverse()),
    ),
  );
}

const ANSWERS = {
  approved: ['success', 'approved'],
  rejected: ['failure', 'rejected'],
  waiting: ['waiting', 'is being waited for'],
  unanswered: ['neutral', 'was not waited for to the end'],
};

/** What an app said of it, the last word last. */
function gateLines({ app, state, words }) {
  const [icon, verdict] = ANSWERS[state];
  return h(
    'section',
    { class: 'gate', 'aria-label': `Protection rule of ${app}` },
    h('p', null, statusIcon(icon, null), ' ', h('strong', null, app), ` ${verdict}`),
    words.map(({ comment, at }) =>
      h('div', { class: 'said' }, markdown(comment), h('p', { class: 'quiet' }, timeAgo(at))),
    ),
  );
}

/** Newest first, so that what is over no longer turns. */
function statusLine({ state, description, log_url: log, environment_url: place, created_at: created }, at) {
  return h(
    'p',
    null,
    at === 0 ? statusIcon(state, null) : h('span', { class: 'past', 'aria-hidden': 'true' }),
    ' ',
    state.replaceAll('_', ' '),
    description && ` · ${description}`,
    ' ',
    h('span', { class: 'quiet' }, timeAgo(created)),
    outward(log, 'Log'),
    outward(place, 'Open'),
  );
}

/** Addresses come from whoever deploys: anything but a web page is left out. */
function outward(address, words) {
  return /^https?:\/\//.test(address ?? '') && [' · ', h('a', { href: address, rel: 'nofollow noreferrer' }, words)];
}
