import { get, getText, list, send } from '../api.js';
import { h } from '../dom.js';
import { deed, duration, empty, link, shortSha, statusIcon, timeAgo } from '../parts.js';
import { logLines } from './log.js';

export async function showRuns({ params }) {
  const base = `/${params.owner}/${params.repo}`;
  const runs = await list(`/repos${base}/actions/runs`, 'workflow_runs');
  const rows = runs.map((run) =>
    h(
      'li',
      { class: 'row', key: `run${run.id}` },
      statusIcon(run.status, run.conclusion),
      h(
        'span',
        { class: 'grow' },
        link(`${base}/actions/runs/${run.id}`, h('strong', null, run.display_title ?? run.name)),
        h(
          'small',
          { class: 'quiet' },
          `${run.name} #${run.run_number} · ${run.event} by ${run.actor?.login} · `,
          timeAgo(run.created_at),
        ),
      ),
      h('code', null, run.head_branch),
    ),
  );
  return [
    h('h1', null, 'Workflow runs'),
    runs.length === 0 ? empty('No workflow has run yet.') : h('ul', { class: 'list' }, rows),
  ];
}

export async function showRun({ params, act }) {
  const { owner, repo, run: id } = params;
  const base = `/${owner}/${repo}`;
  const api = `/repos${base}/actions/runs/${id}`;
  const [run, jobs] = await Promise.all([get(api), list(`${api}/jobs`, 'jobs')]);
  const again = deed('Re-run', () => act('Asked for a new attempt.', () => send('POST', `${api}/rerun`)), {
    key: 'again',
  });
  const cancel = deed('Cancel', () => act('Asked to cancel.', () => send('POST', `${api}/cancel`)), { key: 'cancel' });
  return [
    h('h1', null, statusIcon(run.status, run.conclusion), ' ', run.display_title ?? run.name),
    h(
      'p',
      { class: 'quiet' },
      `${run.name} #${run.run_number}, attempt ${run.run_attempt} · `,
      link(`${base}/commit/${run.head_sha}`, shortSha(run.head_sha)),
      ' · ',
      timeAgo(run.created_at),
    ),
    h('div', { class: 'tools' }, run.status === 'completed' ? again : cancel),
    h('h2', null, 'Jobs'),
    h(
      'ul',
      { class: 'list' },
      jobs.map((job) => jobRow(base, id, job)),
    ),
  ];
}

function jobRow(base, run, job) {
  const time = duration(job.started_at, job.completed_at);
  return h(
    'li',
    { class: 'row', key: `job${job.id}` },
    statusIcon(job.status, job.conclusion),
    h(
      'span',
      { class: 'grow' },
      link(`${base}/actions/runs/${run}/job/${job.id}`, h('strong', null, job.name)),
      h('small', { class: 'quiet' }, job.labels?.join(', '), job.runner_name && ` · ${job.runner_name}`),
    ),
    h('span', { class: 'quiet' }, time),
  );
}

export async function showJob({ params }) {
  const { owner, repo, run, job: id } = params;
  const base = `/${owner}/${repo}`;
  const api = `/repos${base}/actions/jobs/${id}`;
  const job = await get(api);
  const log = await getText(`${api}/logs`).catch(() => '');
  const steps = (job.steps ?? []).map((step) =>
    h(
      'li',
      { class: 'row', key: `step${step.number}` },
      statusIcon(step.status, step.conclusion),
      h('span', { class: 'grow' }, step.name),
      h('span', { class: 'quiet' }, duration(step.started_at, step.completed_at)),
    ),
  );
  return [
    h('h1', null, statusIcon(job.status, job.conclusion), ' ', job.name),
    h('p', { class: 'quiet' }, link(`${base}/actions/runs/${run}`, 'All jobs of this run')),
    h('ul', { class: 'list' }, steps),
    h('h2', null, 'Log'),
    log === '' ? empty('Nothing has been logged yet.') : logLines(log),
  ];
}
