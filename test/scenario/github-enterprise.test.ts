import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type GitHubWorld, openGitHubWorld } from './github-world.ts';

const UNIT = `name: unit
kind: ci
purpose: build
on:
  pull_request: {}
defaults: { runner: ubuntu-latest, timeout: 2m }
steps:
  - id: first
    run: cat README.md
  - id: second
    needs: [first]
    run: test ! -f broken
`;
const CHECK = 'maestro / unit';

describe('a GitHub Enterprise Server of an older version', () => {
  let world: GitHubWorld;
  beforeAll(async () => {
    world = await openGitHubWorld({ files: { '.maestro/unit.yaml': UNIT }, isEnterprise: true });
  });
  afterAll(() => world.close());

  it('is served without being told which workflow run a dispatch became', async () => {
    const { sha } = await world.propose('older', { 'README.md': 'Older.\n' });
    await world.check(sha, CHECK, 'success');
    expect(
      world.sandbox
        .calls()
        .filter(({ operation }) => operation === 'actions/create-workflow-dispatch')
        .map(({ status }) => status),
    ).toContain(204);
    expect(world.sandbox.jobs()).toHaveLength(1);
  });
});
