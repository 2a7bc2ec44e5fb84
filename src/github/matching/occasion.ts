import type { CodeEvent } from '../code-event.ts';

/** Types of a pull request that mean "its code is new": a push means the same. */
const CODE_TYPES = ['opened', 'synchronize', 'reopened'];

/**
 * What must be equal, beside repository, pipeline and commit, for two events to mean one run.
 *
 * A push and the pull request of its branch are one occasion, whichever comes first. The branch is part of it: a commit
 * that is merged by moving `main` to it runs again there, as it may deploy. Anything else that happens to a pull request,
 * a label say, is an occasion of its own, and so is every command.
 */
export function occasionOf(event: CodeEvent): string {
  const { type, action, pull, deliveryId } = event;
  switch (type) {
    case 'push':
      return `code/${event.ref}`;
    case 'pull_request':
      if (!pull || !CODE_TYPES.includes(action ?? '')) return `${action}/${deliveryId}`;
      return pull.isFork ? `code/pull/${pull.number}` : `code/refs/heads/${pull.headRef}`;
    case 'tag':
      return `tag/${event.tag}`;
    case 'merge_group':
      return `merge_group/${event.ref}`;
    case 'release':
      return `release/${event.tag}/${action}`;
    case 'command':
    case 'dispatch':
      return deliveryId;
  }
}
