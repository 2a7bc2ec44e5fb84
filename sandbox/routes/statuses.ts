import { invalid } from '../api-error.ts';
import { type Call, listed, type Reply, type Routes } from '../call.ts';
import { commitView, statusView } from '../view/commit.ts';
import { pageUrl, repositoryUrl, repositoryView } from '../view/repository.ts';
import { commitOf } from './commits.ts';

/** Per commit and context. */
const STATUSES_MAX = 1000;

export const STATUSES: Routes = {
  'repos/create-commit-status': createStatus,
  'repos/list-commit-statuses-for-ref': async (call) => {
    const sha = await commitOf(call, call.param('ref'));
    const own = call.repository.statuses.filter((status) => status.sha === sha).toReversed();
    return listed(call, own, (status) => statusView(call.world, call.repository, status));
  },
  'repos/get-combined-status-for-ref': combined,
};

async function createStatus(call: Call): Promise<Reply> {
  const { world, repository, actor } = call;
  const sha = await commitOf(call, call.param('sha'));
  const context = call.text('context') ?? 'default';
  const count = repository.statuses.filter((status) => status.sha === sha && status.context === context).length;
  if (count >= STATUSES_MAX) throw invalid('This SHA and context has reached the maximum number of statuses.');
  const status = {
    id: world.nextId(),
    sha,
    state: call.needText('state'),
    context,
    description: call.text('description') ?? null,
    targetUrl: call.text('target_url') ?? null,
    creator: actor,
    createdAt: world.now(),
  };
  repository.statuses.push(status);
  const payload = {
    id: status.id,
    sha,
    name: `${call.param('owner')}/${call.param('repo')}`,
    target_url: status.targetUrl,
    context,
    description: status.description,
    state: status.state,
    commit: await commitView(world, repository, sha),
    branches: [],
    created_at: status.createdAt,
    updated_at: status.createdAt,
  };
  world.emit({ event: 'status', repository, sender: actor, payload });
  return { status: 201, body: statusView(world, repository, status) };
}

async function combined(call: Call): Promise<Reply> {
  const { world, repository } = call;
  const sha = await commitOf(call, call.param('ref'));
  const own = repository.statuses.filter((status) => status.sha === sha);
  const latest = [...new Map(own.map((status) => [status.context, status])).values()];
  const states = latest.map(({ state }) => state);
  const isBad = states.some((state) => state === 'failure' || state === 'error');
  const isGood = states.length > 0 && states.every((state) => state === 'success');
  const body = {
    state: isBad ? 'failure' : isGood ? 'success' : 'pending',
    statuses: latest.map((status) => statusView(world, repository, status)),
    sha,
    total_count: latest.length,
    repository: repositoryView(world, repository),
    commit_url: `${repositoryUrl(world, repository)}/commits/${sha}`,
    url: `${pageUrl(world, repository)}/commits/${sha}/status`,
  };
  return { status: 200, body };
}
