import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { eventually, type GitHubWorld, openGitHubWorld } from './github-world.ts';

const SLOW = `name: slow
kind: ci
purpose: build
on:
  pull_request: {}
defaults: { runner: ubuntu-latest, timeout: 2m }
steps:
  - id: first
    run: sleep $(cat seconds)
`;
const CHECK = 'maestro / slow';

describe('an installation', () => {
  let world: GitHubWorld;
  beforeAll(async () => {
    world = await openGitHubWorld({ files: { '.maestro/slow.yaml': SLOW, seconds: '1' } });
  });
  afterAll(() => world.close());

  const job = () => world.sandbox.jobs().at(-1);
  const atWork = async (sha: string): Promise<void> => {
    const isAtStep = () =>
      job()?.status === 'in_progress' && job()?.log.some((line) => line.startsWith('started first'));
    await eventually('a job at its step', isAtStep, job);
    await eventually('a check of the run', async () => (await world.checks(sha)).length > 0);
  };
  const givenUp = (): readonly string[] =>
    readFileSync(join(world.folder, 'server.log'), 'utf8')
      .split('\n')
      .filter((line) => line.includes('given up'));

  it('that is suspended amid a run hears of its end when the suspension is over', { timeout: 180_000 }, async () => {
    const { sha } = await world.propose('suspended', { seconds: '8' });
    await atWork(sha);
    world.sandbox.suspend(world.installationId);
    await eventually('the end of the job', () => job()?.status === 'completed', job);
    expect(job()?.conclusion).toBe('success');
    expect((await world.checks(sha)).map(({ conclusion }) => conclusion)).toEqual([null]);
    world.sandbox.unsuspend(world.installationId);
    await world.check(sha, CHECK, 'success');
    expect(givenUp()).toEqual([]);
  });

  it('that is taken away ends its runs, and the machines that work for them', { timeout: 180_000 }, async () => {
    const { sha } = await world.propose('uninstalled', { seconds: '100' });
    await atWork(sha);
    world.sandbox.uninstall(world.installationId);
    // Long before its step would have ended.
    await eventually('the end of the job', () => job()?.status === 'completed', job, 40_000);
    expect(givenUp()).toEqual([]);
  });
});
