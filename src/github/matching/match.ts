import type { Triggers } from '../../pipeline/triggers.ts';
import type { CodeEvent, CodeEventType } from '../code-event.ts';
import { matchesList } from './glob.ts';

/** GitHub's own defaults; of a release only the moment that users see, where GitHub starts three times. */
const PULL_TYPES = ['opened', 'synchronize', 'reopened'];
const RELEASE_TYPES = ['published'];

/**
 * `other`: the pipeline does not wait for such an event. `filtered`: it does, but not on this branch or tag.
 * `start`: it does, where the files that changed pass the filter, if there is one.
 */
export type Match =
  | { readonly type: 'other' }
  | { readonly type: 'filtered'; readonly by: 'branch'; readonly reason: string }
  | { readonly type: 'start'; readonly files: FileFilter | null };

export interface FileFilter {
  readonly paths?: readonly string[];
  readonly pathsIgnore?: readonly string[];
}

const OTHER: Match = { type: 'other' };
const START: Match = { type: 'start', files: null };

/** What the triggers of a pipeline say to an event. */
export function matchTriggers(triggers: Triggers, event: CodeEvent): Match {
  return MATCHERS[event.type](triggers, event);
}

const MATCHERS: Readonly<Record<CodeEventType, (triggers: Triggers, event: CodeEvent) => Match>> = {
  push: matchPush,
  tag: matchTag,
  pull_request: matchPull,
  merge_group: ({ mergeGroup }, event) => (mergeGroup ? matchBranch(mergeGroup, event) : OTHER),
  release: ({ release }, event) => (isOfType(release, RELEASE_TYPES, event) ? START : OTHER),
  command: ({ command }, event) => (command && command.name === event.command?.name ? START : OTHER),
  dispatch: ({ dispatch }) => (dispatch ? START : OTHER),
};

/** Whether a pipeline waits for pushes to that branch, whatever they change. */
export function waitsForPush({ push }: Triggers, branch: string): boolean {
  return isForBranches(push) && !isFilteredOut(push, branch);
}

/** Whether any of the files counts: `paths` must hold one, and one must stay when those of `pathsIgnore` are left out. */
export function matchesFiles(filter: FileFilter, files: readonly string[]): boolean {
  const { paths, pathsIgnore } = filter;
  return files.some(
    (file) => (paths === undefined || matchesList(paths, file)) && !(pathsIgnore && matchesList(pathsIgnore, file)),
  );
}

function matchPush({ push }: Triggers, event: CodeEvent): Match {
  return isForBranches(push) ? matchBranch(push, event) : OTHER;
}

/** A filter of tags alone excludes branches, and the other way round. */
function isForBranches(push: Triggers['push']): push is NonNullable<Triggers['push']> {
  return push !== undefined && !(push.tags && !push.branches && !push.branchesIgnore);
}

/** Path filters do not apply to tags. */
function matchTag({ push, tag }: Triggers, event: CodeEvent): Match {
  const lists = [
    ...(tag ? [tag.tags ?? ['**']] : []),
    ...(push && (push.tags || !(push.branches || push.branchesIgnore)) ? [push.tags ?? ['**']] : []),
  ];
  return lists.some((list) => matchesList(list, event.tag ?? '')) ? START : OTHER;
}

function matchPull({ pullRequest }: Triggers, event: CodeEvent): Match {
  if (!pullRequest || !isOfType(pullRequest, PULL_TYPES, event)) return OTHER;
  return matchBranch(pullRequest, event);
}

function isOfType(
  trigger: { readonly types?: readonly string[] } | undefined,
  types: readonly string[],
  { action }: CodeEvent,
): boolean {
  return trigger !== undefined && action !== null && (trigger.types ?? types).includes(action);
}

interface BranchFilter {
  readonly branches?: readonly string[];
  readonly branchesIgnore?: readonly string[];
}

function isFilteredOut({ branches, branchesIgnore }: BranchFilter, name: string): boolean {
  return (
    (branches && !matchesList(branches, name)) || (branchesIgnore !== undefined && matchesList(branchesIgnore, name))
  );
}

function matchBranch(filter: FileFilter & BranchFilter, { branch }: CodeEvent): Match {
  const name = branch ?? '';
  const { paths, pathsIgnore } = filter;
  if (isFilteredOut(filter, name))
    return { type: 'filtered', by: 'branch', reason: `its filter of branches does not match ${name}` };
  if (!paths && !pathsIgnore) return START;
  return { type: 'start', files: { ...(paths && { paths }), ...(pathsIgnore && { pathsIgnore }) } };
}
