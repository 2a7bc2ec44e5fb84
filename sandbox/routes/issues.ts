import { ApiError } from '../api-error.ts';
import { type Call, found, listed, type Reply, type Routes } from '../call.ts';
import { noteEvent } from '../issue-events.ts';
import type { Issue } from '../model.ts';
import type { Fields } from '../shape.ts';
import { issueEventView } from '../view/issue-event.ts';
import { issueView, labelView } from '../view/pull.ts';
import { announcePull } from './pulls.ts';

/** What issues and pull requests have in common. Each issue of the sandbox is a pull request. */
export const ISSUES: Routes = {
  'issues/get': (call) => ({ status: 200, body: issueView(call.world, call.repository, issueOf(call)) }),
  'issues/list-events': (call) =>
    listed(call, issueOf(call).events, (event) => issueEventView(call.world, call.repository, event)),
  'issues/list-labels-on-issue': (call) =>
    listed(call, issueOf(call).labels, (name) => labelView(call.world, call.repository, name)),
  'issues/add-labels': addLabels,
  'issues/remove-label': removeLabel,
  'issues/lock': async (call) => await setLock(call, true),
  'issues/unlock': async (call) => await setLock(call, false),
};

export function issueOf(call: Call): Issue {
  return found(call.repository.issues.get(call.number('issue_number')));
}

async function addLabels(call: Call): Promise<Reply> {
  const { labels } = issueOf(call);
  const body: unknown = call.body;
  const given = Array.isArray(body) ? (body as unknown[]) : ((call.body['labels'] ?? []) as unknown[]);
  for (const item of given) {
    const name = typeof item === 'string' ? item : (item as { readonly name: string }).name;
    if (labels.includes(name)) continue;
    labels.push(name);
    await announceLabel(call, 'labeled', name);
  }
  return { status: 200, body: labels.map((name) => labelView(call.world, call.repository, name)) };
}

async function removeLabel(call: Call): Promise<Reply> {
  const { labels } = issueOf(call);
  const name = call.param('name');
  const at = labels.indexOf(name);
  if (at < 0) throw new ApiError(404, 'Label does not exist');
  labels.splice(at, 1);
  await announceLabel(call, 'unlabeled', name);
  return { status: 200, body: labels.map((left) => labelView(call.world, call.repository, left)) };
}

async function announceLabel(call: Call, action: string, name: string): Promise<void> {
  const label = labelView(call.world, call.repository, name);
  noteEvent(call, issueOf(call), action, { label: { name, color: label['color'] } });
  await announce(call, action, { label });
}

async function setLock(call: Call, isLocked: boolean): Promise<Reply> {
  const issue = issueOf(call);
  if (issue.isLocked !== isLocked) {
    issue.isLocked = isLocked;
    issue.lockReason = call.text('lock_reason') ?? null;
    const action = isLocked ? 'locked' : 'unlocked';
    noteEvent(call, issue, action, isLocked ? { lock_reason: issue.lockReason } : {});
    await announce(call, action, {});
  }
  return { status: 204 };
}

/** A locked conversation is for people with write access: an app has none, whatever its permissions. */
export function needUnlocked({ parts, world, repository }: Call, issue: Issue): void {
  const { credential } = parts;
  const isInsider = credential.kind === 'user' && world.hasRole(credential.account, repository, 'write');
  if (issue.isLocked && !isInsider) throw new ApiError(403, 'Unable to create comment because issue is locked.');
}

async function announce(call: Call, action: string, more: Fields): Promise<void> {
  const pull = call.repository.pulls.get(call.number('issue_number'));
  if (pull !== undefined) await announcePull(call, pull, action, more);
}
