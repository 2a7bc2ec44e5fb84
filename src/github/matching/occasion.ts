import type { CodeEvent, CodeEventType } from '../code-event.ts';

/** Types of a pull request that mean "its code is new": a push means the same. */
const CODE_TYPES = ['opened', 'synchronize', 'reopened'];

/**
 * What must be equal, beside repository, pipeline and commit, for two events to mean one run.
 *
 * A push and the pull request of its branch are one occasion, whichever comes first. The branch is part of it: a commit
 * that is merged by moving `main` to it runs again there, as it may deploy. Anything else that happens to a pull request,
 * a label say, is an occasion of its own, and so is every command.
 * Of a fork the base branch is part of it too, because that is where its pipelines come from.
 */
export function occasionOf(event: CodeEvent): string {
  return OCCASIONS[event.type](event);
}

const OCCASIONS: Readonly<Record<CodeEventType, (event: CodeEvent) => string>> = {
  push: ({ ref }) => `code/${ref}`,
  pull_request: ({ action, pull, deliveryId }) => {
    if (!pull || !CODE_TYPES.includes(action ?? '')) return `${action}/${deliveryId}`;
    return pull.isFork ? `code/pull/${pull.number}/${pull.baseRef}` : `code/refs/heads/${pull.headRef}`;
  },
  tag: ({ tag }) => `tag/${tag}`,
  merge_group: ({ ref }) => `merge_group/${ref}`,
  release: ({ tag, action }) => `release/${tag}/${action}`,
  command: ({ deliveryId }) => deliveryId,
  dispatch: ({ deliveryId }) => deliveryId,
};
