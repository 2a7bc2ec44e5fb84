import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { eventually, type GitHubWorld, openGitHubWorld } from './github-world.ts';

const UNIT = `name: unit
kind: ci
purpose: build
on:
  push: {}
  pull_request: {}
concurrency: { group: "\${{ github.ref }}", cancel-in-progress: true }
defaults: { runner: ubuntu-latest, timeout: 2m }
steps:
  - id: test
    run: if [ -f slow ]; then sleep 60; fi; cat README.md
`;
const DOCS = `name: docs
kind: ci
purpose: build
on:
  pull_request: { paths: ["docs/**"] }
defaults: { runner: ubuntu-latest, timeout: 2m }
steps:
  - id: spell
    run: if [ -f slow ]; then sleep 60; fi; ls docs
`;
const QUEUE = `name: queue
kind: ci
purpose: build
on: { merge_group: {}, release: { types: [published] } }
defaults: { runner: ubuntu-latest, timeout: 2m }
steps:
  - id: test
    run: cat README.md
`;
const CHECK = 'maestro / unit';

describe('what happens to a repository', () => {
  let world: GitHubWorld;
  beforeAll(async () => {
    const files = { '.maestro/unit.yaml': UNIT, '.maestro/docs.yaml': DOCS, '.maestro/queue.yaml': QUEUE };
    world = await openGitHubWorld({ files });
  });
  afterAll(() => world.close());

  const jobs = () => world.sandbox.jobs().length;
  /** The job of a run is at work on its step. */
  const isAtWork = () =>
    eventually('a job at its step', () =>
      world.sandbox
        .jobs()
        .some(({ status, log }) => status === 'in_progress' && log.some((line) => line.includes('##[group]'))),
    );

  it('runs a pipeline once for a push and the pull request of one commit, and reports the filtered one as skipped', async () => {
    const before = jobs();
    const { sha } = await world.propose('once', { 'README.md': 'Once.\n' });
    await world.check(sha, CHECK, 'success');
    await world.check(sha, 'maestro / docs', 'skipped');
    await world.sandbox.settled();
    expect(jobs() - before).toBe(1);
    expect((await world.checks(sha)).map(({ name }) => name).toSorted()).toEqual(['maestro / docs', CHECK]);
  });

  it('leaves a commit alone that asks to be skipped', async () => {
    const { ada, repository, sandbox } = world;
    const before = jobs();
    const sha = await ada.push(repository, 'quiet', {
      message: 'docs: a word [skip ci]',
      files: { 'README.md': 'Shh.\n' },
    });
    const pull = await ada.openPull(repository, 'A word', 'quiet');
    // Answered after the events before it: the inbox keeps the order of a pull request.
    expect(await world.ask(ada, pull, '/maestro status')).toMatch(/no run/i);
    await sandbox.settled();
    expect(await world.checks(sha)).toEqual([]);
    expect(jobs()).toBe(before);
  });

  it('cancels the run of a commit that a force-push took away while it was at work, and ends its checks', async () => {
    const { ada, repository } = world;
    const { sha } = await world.propose('forced', { slow: '', 'README.md': 'Slow.\n' });
    await isAtWork();
    const other = await ada.push(repository, 'forced-other', {
      message: 'feat: other',
      files: { 'README.md': 'Other.\n' },
    });
    await ada.octokit.rest.git.updateRef({ ...repository, ref: 'heads/forced', sha: other, force: true });
    await world.check(sha, CHECK, 'cancelled');
    await world.check(other, CHECK, 'success');
    await world.sandbox.settled();
    expect((await world.checks(sha)).filter(({ conclusion }) => conclusion === null)).toEqual([]);
  });

  it('cancels the runs of a branch when it is deleted', async () => {
    const { ada, repository } = world;
    const sha = await ada.push(repository, 'gone', {
      message: 'feat: gone',
      files: { slow: '', 'README.md': 'Gone.\n' },
    });
    await isAtWork();
    await ada.octokit.rest.git.deleteRef({ ...repository, ref: 'heads/gone' });
    expect(await world.check(sha, CHECK, 'cancelled')).toMatchObject({ title: expect.stringMatching(/branch gone/) });
    await world.sandbox.settled();
  });

  it('cancels the runs of a pull request that is closed', async () => {
    const { ada, repository } = world;
    const { sha, pull } = await world.propose('closed', { 'docs/a.md': 'A.\n' });
    await world.check(sha, 'maestro / docs', 'success');
    const slow = await ada.push(repository, 'closed', { message: 'docs: slow [skip ci]', files: { slow: '' } });
    // Who asks for a pipeline by its name is not kept from it by a marker.
    expect(await world.ask(ada, pull, '/maestro run docs')).toContain('Started **docs**');
    await isAtWork();
    await ada.octokit.rest.pulls.update({ ...repository, pull_number: pull, state: 'closed' });
    expect(await world.check(slow, 'maestro / docs', 'cancelled')).toMatchObject({
      title: expect.stringMatching(/closed/),
    });
    await world.sandbox.settled();
  });

  it('fails the check of a pipeline with errors, with a remark on the line of each', async () => {
    const { ada, repository } = world;
    const broken = UNIT.replace('run: if', 'runs: if').replace('timeout: 2m', 'timeout: soon');
    const { sha } = await world.propose('broken', { '.maestro/unit.yaml': broken });
    const { id } = await world.check(sha, CHECK, 'failure');
    const { data } = await ada.octokit.rest.checks.listAnnotations({ ...repository, check_run_id: id });
    const lineOf = (word: string): number => broken.split('\n').findIndex((line) => line.includes(word)) + 1;
    expect(data.map(({ path, start_line: line }) => `${path}:${line}`)).toEqual(
      expect.arrayContaining([`.maestro/unit.yaml:${lineOf('soon')}`, `.maestro/unit.yaml:${lineOf('runs:')}`]),
    );
  });

  it('tests the commit of a merge group under the name that a rule requires, and cancels it when the group is given up', async () => {
    const { repository, sandbox } = world;
    const { owner, repo } = repository;
    const [first, second] = [
      await world.propose('queued', { 'docs/queued': 'a' }),
      await world.propose('given-up', { 'docs/given-up': 'b' }),
    ];
    await world.check(first.sha, CHECK, 'success');
    await world.check(second.sha, CHECK, 'success');
    await sandbox.settled();
    const before = jobs();
    const { headSha } = await sandbox.enqueue(owner, repo, first.pull, 'grace');
    await world.check(headSha, 'maestro / queue', 'success');
    await sandbox.settled();
    // The push of the queue's own branch is not tested once more.
    expect(jobs() - before).toBe(1);
    expect((await world.checks(headSha)).map(({ name }) => name)).toEqual(['maestro / queue']);
    await sandbox.dequeue(owner, repo, first.pull, 'merged');
    sandbox.setRunners([]);
    const group = await sandbox.enqueue(owner, repo, second.pull, 'grace');
    await eventually('a queued check', async () => (await world.checks(group.headSha))[0]);
    await sandbox.dequeue(owner, repo, second.pull, 'dequeued');
    await world.check(group.headSha, 'maestro / queue', 'cancelled');
    sandbox.setRunners([{ labels: ['ubuntu-latest'], count: 2 }]);
  });

  it('runs what a published release asks for, on the commit of its tag', async () => {
    const { ada, repository } = world;
    const sha = await ada.push(repository, 'main', { message: 'feat: release', files: { 'README.md': 'Released.\n' } });
    await ada.tag(repository, 'main', 'v1.0.0');
    await ada.octokit.rest.repos.createRelease({ ...repository, tag_name: 'v1.0.0', name: 'One' });
    expect((await world.check(sha, 'maestro / queue', 'success')).title).toBe('All 1 steps done');
    await world.sandbox.settled();
  });
});
