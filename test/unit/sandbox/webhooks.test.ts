import { createHmac } from 'node:crypto';
import { afterEach, describe, expect, it } from 'vitest';
import { eventsOf, openStage, type Stage, WEBHOOK_SECRET } from './client.ts';
import { payloadFaults } from './payload-faults.ts';

describe("the sandbox's webhooks", () => {
  let stage: Stage;
  afterEach(async () => await stage.close());

  const comment = async (body: string): Promise<void> => {
    await stage.call(stage.ada.token, 'POST', '/repos/acme/app/issues/1/comments', { body });
  };
  const openPull = async (): Promise<void> => {
    const { token } = stage.ada;
    await stage.call(token, 'POST', '/repos/acme/app/git/refs', { ref: 'refs/heads/topic', sha: await stage.sha() });
    const put = { message: 'a file', content: 'eA==', branch: 'topic' };
    await stage.call(token, 'PUT', '/repos/acme/app/contents/new.txt', put);
    await stage.call(token, 'POST', '/repos/acme/app/pulls', { title: 'Topic', head: 'topic', base: 'main' });
    await stage.sandbox.settled();
    stage.received.length = 0;
  };
  const bodies = (): readonly string[] =>
    stage.received.map(({ body }) => (JSON.parse(body) as { comment: { body: string } }).comment.body);

  it('are signed with the secret, and named, as those of GitHub are', async () => {
    stage = await openStage();
    await stage.sandbox.settled();
    const [first] = stage.received;
    const signature = createHmac('sha256', WEBHOOK_SECRET).update(first!.body).digest('hex');
    expect(first!.headers).toMatchObject({
      'x-hub-signature-256': `sha256=${signature}`,
      'x-github-event': 'installation',
      'x-github-delivery': stage.sandbox.deliveries()[0]!.guid,
      'x-github-hook-installation-target-id': String(stage.appId),
    });
  });

  it("have payloads that hold to GitHub's own schemas", async () => {
    stage = await openStage({ runners: [{ labels: ['self-hosted', 'tiny'], count: 1 }] });
    await openPull();
    await comment('/maestro help');
    const token = await stage.token();
    await stage.call(token, 'POST', '/repos/acme/app/check-runs', {
      name: 'x',
      head_sha: await stage.sha('heads/topic'),
      conclusion: 'success',
    });
    await stage.call(stage.ada.token, 'POST', '/repos/acme/app/releases', { tag_name: 'v1' });
    await stage.call(stage.ada.token, 'PUT', '/repos/acme/app/pulls/1/merge', {});
    await stage.call(stage.ada.token, 'DELETE', '/repos/acme/app/git/refs/heads/topic');
    await stage.call(token, 'POST', '/repos/acme/app/actions/workflows/work.yml/dispatches', {
      ref: 'main',
      inputs: { subject: 'x' },
    });
    await stage.sandbox.settled();
    expect(payloadFaults(stage.sandbox.deliveries())).toEqual([]);
    const kinds = new Set(stage.sandbox.deliveries().map(({ event }) => event));
    expect([...kinds].toSorted()).toEqual([
      'check_run',
      'check_suite',
      'create',
      'delete',
      'installation',
      'issue_comment',
      'pull_request',
      'push',
      'release',
      'workflow_job',
      'workflow_run',
    ]);
  });

  it('are lost, doubled, swapped and late on request, and in order otherwise', async () => {
    stage = await openStage();
    await openPull();
    stage.sandbox.misbehave({ kind: 'drop', event: 'issue_comment', times: 1 });
    stage.sandbox.misbehave({ kind: 'duplicate', event: 'issue_comment', times: 1 });
    stage.sandbox.misbehave({ kind: 'reorder', event: 'issue_comment', times: 1 });
    for (const body of ['dropped', 'doubled', 'second', 'first', 'last']) await comment(body);
    await stage.sandbox.settled();
    expect(bodies()).toEqual(['doubled', 'doubled', 'first', 'second', 'last']);
    const guids = stage.received.map(({ headers }) => headers['x-github-delivery']);
    expect(guids[0]).toBe(guids[1]);

    stage.received.length = 0;
    stage.sandbox.misbehave({ kind: 'delay', event: 'issue_comment', delayMs: 50, times: 1 });
    await comment('late');
    await comment('early');
    await stage.sandbox.settled();
    expect(bodies()).toEqual(['early', 'late']);
  });

  it('are listed, and redelivered under their first GUID', async () => {
    stage = await openStage();
    await openPull();
    stage.sandbox.misbehave({ kind: 'drop', event: 'issue_comment', times: 1 });
    await comment('lost');
    const jwt = await stage.jwt();
    const { body: page } = await stage.call(jwt, 'GET', '/app/hook/deliveries?per_page=1');
    expect(page).toMatchObject([{ event: 'issue_comment', status_code: 0, redelivery: false }]);
    expect((await stage.call(jwt, 'POST', `/app/hook/deliveries/${page[0].id}/attempts`)).status).toBe(202);
    await stage.sandbox.settled();
    expect(bodies()).toEqual(['lost']);
    expect(stage.received[0]!.headers['x-github-delivery']).toBe(page[0].guid);
    const { body: newest, headers } = await stage.call(jwt, 'GET', '/app/hook/deliveries?per_page=1');
    expect(newest).toMatchObject([{ guid: page[0].guid, redelivery: true, status_code: 202 }]);
    expect(headers.get('link')).toContain('cursor=');
  });

  it("tell of a fork's new commits in the base repository, with the head's objects to fetch there", async () => {
    stage = await openStage();
    const { token } = stage.stranger;
    await stage.call(token, 'POST', '/repos/acme/app/forks', {});
    const put = { message: 'mine', content: 'eA==' };
    await stage.call(token, 'PUT', '/repos/mallory/app/contents/x.txt', put);
    const pull = await stage.call(token, 'POST', '/repos/acme/app/pulls', {
      title: 'Mine',
      head: 'mallory:main',
      base: 'main',
    });
    expect(pull.body).toMatchObject({ head: { repo: { fork: true } }, base: { repo: { fork: false } } });
    await stage.call(token, 'PUT', '/repos/mallory/app/contents/y.txt', put);
    await stage.sandbox.settled();
    expect(eventsOf(stage.received).slice(-2)).toEqual(['pull_request.opened', 'pull_request.synchronize']);
    const { pull_request: now } = JSON.parse(stage.received.at(-1)!.body) as {
      pull_request: { head: { sha: string } };
    };
    const compared = await stage.call(await stage.token(), 'GET', `/repos/acme/app/compare/main...${now.head.sha}`);
    expect(compared.body).toMatchObject({
      status: 'ahead',
      ahead_by: 2,
      files: [{ filename: 'x.txt' }, { filename: 'y.txt' }],
    });
  });
});
