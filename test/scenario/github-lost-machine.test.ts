import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { eventually, type GitHubWorld, openGitHubWorld } from './github-world.ts';

const SLOW = `name: slow
kind: ci
purpose: build
on:
  pull_request: {}
defaults: { runner: ubuntu-latest, timeout: 5m }
steps:
  - id: first
    run: sleep 8; cat README.md
`;
/** Where nobody tells of its death, a worker may be silent for 90 s before somebody else gets its step. */
const LOST_MS = 100_000;

describe('a machine that dies', () => {
  let world: GitHubWorld;
  beforeAll(async () => {
    world = await openGitHubWorld({ files: { '.maestro/slow.yaml': SLOW } });
  });
  afterAll(() => world.close());

  it('is replaced by another one, which does its step again', { timeout: LOST_MS + 60_000 }, async () => {
    const { sandbox } = world;
    const { sha } = await world.propose('killed', { 'README.md': 'Killed.\n' });
    const job = await eventually('a job at its step', () =>
      sandbox
        .jobs()
        .find(({ status, log }) => status === 'in_progress' && log.some((line) => line.startsWith('serving run'))),
    );
    await sandbox.killRunner(job.id);
    await eventually(
      'another job',
      () => sandbox.jobs()[1],
      () => sandbox.jobs(),
      LOST_MS,
    );
    await world.check(sha, 'maestro / slow', 'success');
    await sandbox.settled();
    expect(sandbox.jobs().map(({ conclusion }) => conclusion)).toEqual(['failure', 'success']);
  });
});
