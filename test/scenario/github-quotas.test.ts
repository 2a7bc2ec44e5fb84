import { afterAll, beforeAll, expect, it } from 'vitest';
import { eventually, type GitHubWorld, openGitHubWorld } from './github-world.ts';

/** Longer than a check waits before it says something new. */
const SLOW = `name: slow
kind: ci
on:
  pull_request: {}
defaults: { runner: ubuntu-latest, timeout: 5m }
steps:
  - id: first
    run: sleep 12
`;

let world: GitHubWorld;
beforeAll(async () => {
  world = await openGitHubWorld({
    files: { '.maestro/slow.yaml': SLOW, '.maestro/policy.yaml': 'quota: { runs: 1 }\n' },
  });
});
afterAll(() => world.close());

it('a repository whose policy lets one run at once work has the others wait, which say so, until it is their turn', async () => {
  const first = await world.propose('first', { 'README.md': 'First.\n' });
  await eventually('the first job', () => world.sandbox.jobs()[0]);
  const second = await world.propose('second', { 'README.md': 'Second.\n' });
  const waiting = await eventually(
    'the check to say what is waited for',
    async () => (await world.checks(second.sha)).find(({ summary }) => summary.includes('waits')),
    () => world.checks(second.sha),
  );
  expect(waiting.summary).toContain('waits: the repository has 1 of 1 runs at work');
  expect(world.sandbox.jobs()).toHaveLength(1);
  await world.check(first.sha, 'maestro / slow', 'success');
  const { summary } = await world.check(second.sha, 'maestro / slow', 'success');
  expect(summary).not.toContain('waits');
  await world.sandbox.settled();
  expect(world.sandbox.jobs().map(({ conclusion }) => conclusion)).toEqual(['success', 'success']);
});
