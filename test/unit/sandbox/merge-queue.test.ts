import { afterEach, describe, expect, it } from 'vitest';
import { closeClean, newEvents, openStage, openTopic, putFile, type Stage } from './client.ts';

describe('the merge queue of the sandbox', () => {
  let stage: Stage;
  afterEach(async () => await closeClean(stage));

  const contents = async (ref: string): Promise<readonly string[]> =>
    (await stage.call(stage.ada.token, 'GET', `/repos/acme/app/contents?ref=${ref}`)).body.map(
      ({ name }: { name: string }) => name,
    );
  const heard = (event: string): unknown => stage.sandbox.deliveries().findLast((one) => one.event === event)?.payload;

  async function open(): Promise<{ readonly ref: string; readonly headSha: string; readonly baseSha: string }> {
    stage = await openStage();
    await openTopic(stage);
    await putFile(stage, { path: 'main.txt', branch: 'main' });
    await newEvents(stage);
    return await stage.sandbox.enqueue('acme', 'app', 1, 'ada');
  }

  it('merges base and head on a branch of its own, and asks for checks of that commit', async () => {
    const group = await open();
    expect(await newEvents(stage)).toEqual([
      'pull_request.enqueued',
      'create',
      'push',
      'check_suite.requested',
      'merge_group.checks_requested',
    ]);
    const main = await stage.sha();
    expect(group).toEqual({
      ref: `refs/heads/gh-readonly-queue/main/pr-1-${main}`,
      headSha: expect.any(String),
      baseSha: main,
    });
    const { body: commit } = await stage.call(stage.ada.token, 'GET', `/repos/acme/app/commits/${group.headSha}`);
    expect(commit.parents.map(({ sha }: { sha: string }) => sha)).toEqual([main, await stage.sha('heads/topic')]);
    expect(await contents(group.headSha)).toEqual(expect.arrayContaining(['main.txt', 'topic.txt']));
    expect(heard('push')).toMatchObject({ ref: group.ref, after: group.headSha, created: true });
    expect(heard('merge_group')).toMatchObject({
      merge_group: {
        head_sha: group.headSha,
        head_ref: group.ref,
        base_sha: main,
        base_ref: 'refs/heads/main',
        head_commit: { id: group.headSha },
      },
    });
  });

  it('brings what was tested to the base, closes the pull request and deletes the branch', async () => {
    const group = await open();
    await newEvents(stage);
    await stage.sandbox.dequeue('acme', 'app', 1, 'merged');
    expect(await newEvents(stage)).toEqual(
      expect.arrayContaining([
        'push',
        'merge_group.destroyed',
        'delete',
        'pull_request.dequeued',
        'pull_request.closed',
      ]),
    );
    expect(heard('merge_group')).toMatchObject({ reason: 'merged', merge_group: { head_sha: group.headSha } });
    expect(await stage.sha()).toBe(group.headSha);
    const { body: pull } = await stage.call(stage.ada.token, 'GET', '/repos/acme/app/pulls/1');
    expect(pull).toMatchObject({ state: 'closed', merged: true, merge_commit_sha: group.headSha });
    const { body: branches } = await stage.call(stage.ada.token, 'GET', '/repos/acme/app/branches');
    expect(branches.map(({ name }: { name: string }) => name).toSorted()).toEqual(['main', 'topic']);
  });

  it.each(['dequeued', 'invalidated'] as const)(
    'leaves base and pull request as they are where a group is %s',
    async (reason) => {
      await open();
      const main = await stage.sha();
      await stage.sandbox.dequeue('acme', 'app', 1, reason);
      await newEvents(stage);
      expect(heard('merge_group')).toMatchObject({ action: 'destroyed', reason });
      expect(await stage.sha()).toBe(main);
      expect((await stage.call(stage.ada.token, 'GET', '/repos/acme/app/pulls/1')).body).toMatchObject({
        state: 'open',
      });
      await expect(stage.sandbox.dequeue('acme', 'app', 1, reason)).rejects.toThrow('not in the queue');
    },
  );

  it('merges nothing that was tested with another base', async () => {
    await open();
    await putFile(stage, { path: 'later.txt', branch: 'main' });
    await expect(stage.sandbox.dequeue('acme', 'app', 1, 'merged')).rejects.toThrow('has moved');
    await expect(stage.sandbox.enqueue('acme', 'app', 1, 'ada')).rejects.toThrow('in the queue already');
    await stage.sandbox.dequeue('acme', 'app', 1, 'invalidated');
    await stage.sandbox.enqueue('acme', 'app', 1, 'ada');
    await stage.sandbox.dequeue('acme', 'app', 1, 'merged');
    expect(await contents('main')).toEqual(expect.arrayContaining(['later.txt', 'topic.txt']));
  });
});
