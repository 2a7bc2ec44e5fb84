import { afterEach, describe, expect, it } from 'vitest';
import { closeClean, newEvents, openStage, openTopic, type Stage } from './client.ts';

const ISSUE = '/repos/acme/app/issues/1';
const PULL = '/repos/acme/app/pulls/1';

describe('a locked conversation in the sandbox', () => {
  let stage: Stage;
  let token = '';
  afterEach(async () => await closeClean(stage));

  async function open(): Promise<void> {
    stage = await openStage();
    await openTopic(stage);
    token = await stage.token();
    await newEvents(stage);
  }
  const lock = async (who = stage.ada.token, body: object = { lock_reason: 'too heated' }): Promise<number> =>
    (await stage.call(who, 'PUT', `${ISSUE}/lock`, body)).status;
  const comment = async (who: string): ReturnType<Stage['call']> =>
    await stage.call(who, 'POST', `${ISSUE}/comments`, { body: 'but' });

  it('is shown as one, with the reason, until it is unlocked', async () => {
    await open();
    expect(await lock()).toBe(204);
    for (const place of [ISSUE, PULL]) {
      const { body } = await stage.call(token, 'GET', place);
      expect(body).toMatchObject({ locked: true, active_lock_reason: 'too heated' });
    }
    expect((await stage.call(stage.ada.token, 'DELETE', `${ISSUE}/lock`)).status).toBe(204);
    expect((await stage.call(token, 'GET', PULL)).body).toMatchObject({ locked: false, active_lock_reason: null });
    expect(await newEvents(stage)).toEqual(['pull_request.locked', 'pull_request.unlocked']);
    const { body: events } = await stage.call(token, 'GET', `${ISSUE}/events`);
    expect(events).toMatchObject([{ event: 'locked', lock_reason: 'too heated' }, { event: 'unlocked' }]);
  });

  it('takes words of people with write access, of an app and of strangers none', async () => {
    await open();
    const { body: earlier } = await comment(token);
    await lock();
    const refused = await comment(token);
    expect(refused.status).toBe(403);
    expect(refused.body.message).toBe('Unable to create comment because issue is locked.');
    expect((await comment(stage.stranger.token)).status).toBe(403);
    expect((await comment(stage.ada.token)).status).toBe(201);
    const edit = await stage.call(token, 'PATCH', `/repos/acme/app/issues/comments/${earlier.id}`, { body: 'edited' });
    expect(edit.status).toBe(200);
  });

  it('takes no review of a stranger and no reaction of anybody', async () => {
    await open();
    const { body: earlier } = await comment(stage.ada.token);
    await lock();
    const review = { event: 'COMMENT', body: 'but' };
    expect((await stage.call(stage.stranger.token, 'POST', `${PULL}/reviews`, review)).status).toBe(403);
    for (const who of [token, stage.ada.token]) {
      const place = `/repos/acme/app/issues/comments/${earlier.id}/reactions`;
      expect((await stage.call(who, 'POST', place, { content: 'eyes' })).status).toBe(403);
      expect((await stage.call(who, 'POST', `${ISSUE}/reactions`, { content: 'eyes' })).status).toBe(403);
    }
  });

  it('is locked and unlocked by people with write access only, and told of once', async () => {
    await open();
    expect(await lock(stage.stranger.token)).toBe(403);
    expect([await lock(), await lock(stage.ada.token, {})]).toEqual([204, 204]);
    expect((await stage.call(stage.stranger.token, 'DELETE', `${ISSUE}/lock`)).status).toBe(403);
    expect(await newEvents(stage)).toEqual(['pull_request.locked']);
  });
});
