import type { CodeEvent, PullFacts } from '../../../../src/github/code-event.ts';

export const HEAD = 'a'.repeat(40);
export const BASE = 'b'.repeat(40);

export function pullFacts(change: Partial<PullFacts> = {}): PullFacts {
  return {
    number: 7,
    headSha: HEAD,
    headRef: 'feature',
    baseRef: 'main',
    baseSha: BASE,
    author: 'mona',
    isFork: false,
    isDraft: false,
    labels: [],
    ...change,
  };
}

export function codeEvent(change: Partial<CodeEvent> = {}): CodeEvent {
  return {
    type: 'push',
    action: null,
    deliveryId: 'guid-1',
    repository: {
      installationId: 3,
      id: 11,
      owner: 'octo',
      name: 'app',
      defaultBranch: 'main',
      url: 'https://github.com/octo/app',
    },
    actor: 'mona',
    happenedAt: null,
    pushedBy: 'mona',
    headSha: HEAD,
    baseSha: BASE,
    beforeSha: BASE,
    definitionsSha: HEAD,
    ref: 'refs/heads/main',
    branch: 'main',
    tag: null,
    pull: null,
    commitMessage: null,
    command: null,
    ...change,
  };
}
