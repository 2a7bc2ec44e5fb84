import picomatch from 'picomatch';
import type { Happening, World } from '../world.ts';
import type { Actions } from './actions.ts';
import { listWorkflows, triggersOf } from './workflow.ts';

const PULL_ACTIONS = new Set(['opened', 'synchronize', 'reopened']);

/** Starts a repository's own workflows on pushes and pull requests. Forks wait for an approval that nobody here gives. */
export async function startTriggered(world: World, actions: Actions, happening: Happening): Promise<void> {
  const { event, action, repository, sender, payload } = happening;
  if (sender.login === 'github-actions[bot]') return; // GitHub's guard against workflows that start themselves
  const head = headOf(event, action, payload);
  if (head === null || (await repository.git.resolve(head.sha)) === null) return;
  for (const workflow of await listWorkflows(repository, head.sha)) {
    const { events, pushBranches } = triggersOf(workflow.text);
    if (!events.has(event)) continue;
    const branch = head.ref.replace('refs/heads/', '');
    if (event === 'push' && pushBranches !== null && !picomatch.isMatch(branch, [...pushBranches])) continue;
    const full = { ...payload, ...(action === undefined ? {} : { action }) };
    await actions.start({
      repository,
      workflow,
      event,
      payload: full,
      inputs: {},
      ref: head.ref,
      headSha: head.sha,
      actor: sender,
    });
  }
  world.changed(repository.name);
}

function headOf(
  event: string,
  action: string | undefined,
  payload: Happening['payload'],
): { readonly sha: string; readonly ref: string } | null {
  if (event === 'push' && payload['deleted'] !== true)
    return { sha: String(payload['after']), ref: String(payload['ref']) };
  if (event !== 'pull_request' || !PULL_ACTIONS.has(action ?? '')) return null;
  const { head, base, number } = payload['pull_request'] as {
    readonly number: number;
    readonly head: { readonly sha: string; readonly repo: { readonly id: number } };
    readonly base: { readonly repo: { readonly id: number } };
  };
  return head.repo.id === base.repo.id ? { sha: head.sha, ref: `refs/pull/${number}/merge` } : null;
}
