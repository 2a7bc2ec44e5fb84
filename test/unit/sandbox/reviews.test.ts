import { afterEach, describe, expect, it } from 'vitest';
import { closeClean, newEvents, openStage, openTopic, putFile, type Stage } from './client.ts';

const PULL = '/repos/acme/app/pulls/1';
const TEXT = Array.from({ length: 5 }, (_, index) => `line ${index + 1}\n`).join('');

describe('reviews in the sandbox', () => {
  let stage: Stage;
  let sha = '';
  let grace = '';
  afterEach(async () => await closeClean(stage));

  /** ada's pull request, and grace, who looks at it. */
  async function open(): Promise<void> {
    stage = await openStage();
    grace = stage.sandbox.createUser('grace').token;
    sha = await openTopic(stage, TEXT);
    await newEvents(stage);
  }

  const review = async (body: object, token = grace): ReturnType<Stage['call']> =>
    await stage.call(token, 'POST', `${PULL}/reviews`, body);
  const states = async (token = grace): Promise<readonly string[]> =>
    (await stage.call(token, 'GET', `${PULL}/reviews`)).body.map(({ state }: { state: string }) => state);

  it('are submitted for a commit, listed, and the app hears of them with that commit', async () => {
    await open();
    const { status, body } = await review({ event: 'APPROVE', body: '/maestro approve' });
    expect(status).toBe(200);
    expect(body).toMatchObject({ state: 'APPROVED', commit_id: sha, user: { login: 'grace' } });
    await putFile(stage, { path: 'more.txt', branch: 'topic' });
    await review({ event: 'COMMENT', body: 'of the first one', commit_id: sha });
    expect(await newEvents(stage)).toEqual(expect.arrayContaining(['pull_request_review.submitted']));
    expect(await states()).toEqual(['APPROVED', 'COMMENTED']);
    const heard = stage.sandbox.deliveries().filter(({ event }) => event === 'pull_request_review');
    expect(heard.map(({ payload }) => payload['review'])).toMatchObject([
      { state: 'approved', body: '/maestro approve', commit_id: sha },
      { state: 'commented', commit_id: sha },
    ]);
    const one = await stage.call(await stage.token(), 'GET', `${PULL}/reviews/${body.id}`);
    expect(one.body).toMatchObject({ id: body.id, state: 'APPROVED' });
  });

  it('are their own author’s until they are submitted', async () => {
    await open();
    const comments = [{ path: 'topic.txt', line: 2, body: 'here' }];
    const { body: draft } = await review({ body: 'not yet', comments });
    expect(draft).toMatchObject({ state: 'PENDING' });
    expect([await states(), await states(stage.ada.token)]).toEqual([['PENDING'], []]);
    expect((await stage.call(stage.ada.token, 'GET', `${PULL}/comments`)).body).toEqual([]);
    expect(await newEvents(stage)).toEqual([]);
    const submit = await stage.call(grace, 'POST', `${PULL}/reviews/${draft.id}/events`, { event: 'REQUEST_CHANGES' });
    expect(submit.body).toMatchObject({ state: 'CHANGES_REQUESTED', body: 'not yet' });
    expect(await newEvents(stage)).toEqual(['pull_request_review.submitted', 'pull_request_review_comment.created']);
    const again = await stage.call(grace, 'POST', `${PULL}/reviews/${draft.id}/events`, { event: 'APPROVE' });
    expect(again.status).toBe(422);
  });

  it.each([
    ['an approval of one’s own', { event: 'APPROVE' }, 'ada'],
    ['changes wanted of oneself', { event: 'REQUEST_CHANGES', body: 'me' }, 'ada'],
    ['a comment without words', { event: 'COMMENT' }, 'grace'],
    ['a request for changes without words', { event: 'REQUEST_CHANGES' }, 'grace'],
    ['another commit', { event: 'APPROVE', commit_id: 'f'.repeat(40) }, 'grace'],
    [
      'a line that is not in the diff',
      { event: 'COMMENT', body: 'x', comments: [{ path: 'topic.txt', line: 9, body: 'x' }] },
      'grace',
    ],
    [
      'a file that is not in the diff',
      { event: 'COMMENT', body: 'x', comments: [{ path: 'README.md', line: 1, body: 'x' }] },
      'grace',
    ],
  ])('are refused for %s', async (_, body, who) => {
    await open();
    expect((await review(body, who === 'ada' ? stage.ada.token : grace)).status).toBe(422);
    expect(await newEvents(stage)).toEqual([]);
    expect(await states()).toEqual([]);
  });

  it('surround a single comment and each reply, as GitHub makes them', async () => {
    await open();
    const place = { path: 'topic.txt', line: 3, side: 'RIGHT', commit_id: sha };
    const { status, body } = await stage.call(grace, 'POST', `${PULL}/comments`, { ...place, body: 'why?' });
    expect(status).toBe(201);
    expect(body).toMatchObject({ path: 'topic.txt', line: 3, side: 'RIGHT', commit_id: sha, user: { login: 'grace' } });
    expect(body.diff_hunk.split('\n')).toEqual(['@@ -0,0 +1,5 @@', '+line 1', '+line 2', '+line 3']);
    const reply = `${PULL}/comments/${body.id}/replies`;
    const { body: first } = await stage.call(stage.ada.token, 'POST', reply, { body: 'because' });
    expect(first).toMatchObject({ in_reply_to_id: body.id, line: 3, path: 'topic.txt' });
    const { body: second } = await stage.call(grace, 'POST', `${PULL}/comments/${first.id}/replies`, { body: 'I see' });
    expect(second).toMatchObject({ in_reply_to_id: body.id });
    expect(await newEvents(stage)).toEqual(
      Array.from({ length: 3 }, () => ['pull_request_review.submitted', 'pull_request_review_comment.created']).flat(),
    );
    expect(await states()).toEqual(['COMMENTED', 'COMMENTED', 'COMMENTED']);
    const all = await stage.call(await stage.token(), 'GET', `${PULL}/comments`);
    expect(all.body.map((comment: { body: string }) => comment.body)).toEqual(['why?', 'because', 'I see']);
    const ofOne = `${PULL}/reviews/${body.pull_request_review_id}/comments`;
    expect((await stage.call(grace, 'GET', ofOne)).body).toMatchObject([{ body: 'why?' }]);
    expect((await stage.call(grace, 'GET', `/repos/acme/app/pulls/comments/${first.id}`)).body).toMatchObject({
      body: 'because',
    });
  });

  it('take comments on a whole file and on lines that go', async () => {
    stage = await openStage({}, { 'old.txt': 'one\ntwo\nthree\n' });
    grace = stage.sandbox.createUser('grace').token;
    sha = await openTopic(stage);
    const { body: old } = await stage.call(grace, 'GET', '/repos/acme/app/contents/old.txt');
    const change = { message: 'shorter', content: Buffer.from('one\nthree\n').toString('base64'), sha: old.sha };
    await stage.call(stage.ada.token, 'PUT', '/repos/acme/app/contents/old.txt', { ...change, branch: 'topic' });
    const comment = async (place: object): ReturnType<Stage['call']> =>
      await stage.call(grace, 'POST', `${PULL}/comments`, {
        path: 'old.txt',
        commit_id: await stage.sha('heads/topic'),
        body: 'x',
        ...place,
      });
    expect((await comment({ line: 2, side: 'LEFT' })).body).toMatchObject({ side: 'LEFT', line: 2 });
    expect((await comment({ subject_type: 'file' })).body).toMatchObject({ subject_type: 'file', line: null });
    expect((await comment({ line: 3, side: 'RIGHT' })).status).toBe(422);
  });
});

describe('reactions in the sandbox', () => {
  let stage: Stage;
  afterEach(async () => await closeClean(stage));

  it.each([
    ['a comment', async () => `/repos/acme/app/issues/comments/${await commentId()}/reactions`],
    ['a pull request', () => Promise.resolve('/repos/acme/app/issues/1/reactions')],
    ['a comment on a line', async () => `/repos/acme/app/pulls/comments/${await lineCommentId()}/reactions`],
  ])('to %s are listed, filtered, counted, and given once by each', async (_, placeOf) => {
    stage = await openStage();
    await openTopic(stage);
    const place = await placeOf();
    const token = await stage.token();
    const react = async (content: string, who: string): Promise<number> =>
      (await stage.call(who, 'POST', place, { content })).status;
    const given = [await react('eyes', token), await react('eyes', token), await react('+1', stage.stranger.token)];
    expect(given).toEqual([201, 200, 201]);
    const { body } = await stage.call(token, 'GET', place);
    expect(body).toMatchObject([
      { content: 'eyes', user: { login: 'maestro[bot]' } },
      { content: '+1', user: { login: 'mallory' } },
    ]);
    expect((await stage.call(token, 'GET', `${place}?content=%2B1`)).body).toMatchObject([{ content: '+1' }]);
    const { body: target } = await stage.call(token, 'GET', place.replace('/reactions', ''));
    expect(target.reactions).toMatchObject({ total_count: 2, eyes: 1, '+1': 1 });
  });

  it('to a comment are taken back', async () => {
    stage = await openStage();
    await openTopic(stage);
    const token = await stage.token();
    const place = `/repos/acme/app/issues/comments/${await commentId()}/reactions`;
    const { body } = await stage.call(token, 'POST', place, { content: 'rocket' });
    expect((await stage.call(token, 'DELETE', `${place}/${body.id}`)).status).toBe(204);
    expect((await stage.call(token, 'DELETE', `${place}/${body.id}`)).status).toBe(404);
    expect((await stage.call(token, 'GET', place)).body).toEqual([]);
  });

  async function commentId(): Promise<number> {
    const path = '/repos/acme/app/issues/1/comments';
    return (await stage.call(stage.ada.token, 'POST', path, { body: 'hello' })).body.id;
  }

  async function lineCommentId(): Promise<number> {
    const place = { path: 'topic.txt', line: 1, commit_id: await stage.sha('heads/topic'), body: 'hello' };
    return (await stage.call(stage.ada.token, 'POST', '/repos/acme/app/pulls/1/comments', place)).body.id;
  }
});
