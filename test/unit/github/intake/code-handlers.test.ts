import { expect, it } from 'vitest';
import type { JsonObject } from '../../../../src/base/json.ts';
import { codeHandlers } from '../../../../src/github/intake/code-handlers.ts';
import { OpenRuns } from '../../../../src/github/intake/open-runs.ts';
import { onEveryDatabase } from '../../../every-database.ts';
import { BASE } from '../matching/sample-events.ts';
import { pipeline, REPO, startingWorld } from '../matching/starting-world.ts';

let count = 0;

onEveryDatabase('webhooks of code', (url) => {
  const w = startingWorld(url);
  const send = (event: string, payload: JsonObject): Promise<string> => {
    const action = typeof payload['action'] === 'string' ? payload['action'] : null;
    const repository = { id: 11, name: 'app', owner: { login: 'octo' }, default_branch: 'main', html_url: '' };
    const handler = codeHandlers(w())[event]!;
    const whole = { repository, sender: { login: 'mona' }, ...payload };
    return handler({ id: `d-${++count}`, event, action, installationId: 3, payload: whole, receivedAt: '' });
  };
  const pull = (sha: string, change: JsonObject = {}): { readonly number: number } & JsonObject => ({
    number: 7000 + count,
    head: { sha, ref: 'feature', repo: { id: 11 } },
    base: { sha: BASE, ref: 'main', repo: { id: 11 } },
    user: { login: 'mona' },
    merged: false,
    merged_at: null,
    ...change,
  });
  /** As GitHub has it now, whatever a webhook says. */
  const isNow = (
    pull_request: { readonly number: number },
    state: JsonObject,
    others: readonly JsonObject[] = [],
  ): void => {
    w().far.answers.set(`GET ${REPO}/pulls/${pull_request.number}`, { ...pull_request, ...state });
    const { sha } = (pull_request as unknown as { head: { sha: string } }).head;
    w().far.answers.set(`GET ${REPO}/commits/${sha}/pulls`, [{ ...pull_request, ...state }, ...others]);
  };

  it('cancels the runs of a pull request that is closed, and not of one that is merged; opening it again runs again', async () => {
    const sha = w().commit({ '.maestro/ci.yaml': pipeline('pull_request') });
    const pull_request = pull(sha);
    expect(await send('pull_request', { action: 'opened', pull_request })).toMatch(/^started tests \(/);
    const [first] = await w().runs.ofCommit(11, sha);
    isNow(pull_request, { state: 'closed', merged: true });
    await send('pull_request', { action: 'closed', pull_request: { ...pull_request, merged: true } });
    expect(await w().statusOf(first!.runId)).toBe('running');
    isNow(pull_request, { state: 'closed', merged: false });
    expect(await send('pull_request', { action: 'closed', pull_request })).toBe(`cancelled ${first!.runId}`);
    expect(await w().statusOf(first!.runId)).toBe('cancelled');
    isNow(pull_request, { state: 'open' });
    await send('pull_request', { action: 'reopened', pull_request });
    expect(await w().runs.ofCommit(11, sha)).toHaveLength(2);
  });

  it('cancels nothing when word of the closing comes late, and the pull request is open again', async () => {
    const pull_request = pull(w().commit({ '.maestro/ci.yaml': pipeline('pull_request') }));
    await send('pull_request', { action: 'opened', pull_request });
    isNow(pull_request, { state: 'open' });
    expect(await send('pull_request', { action: 'closed', pull_request })).toBe('nothing to do');
  });

  it('cancels nothing that another open pull request of the same commit waits for', async () => {
    const sha = w().commit({ '.maestro/ci.yaml': pipeline('pull_request') });
    const pull_request = pull(sha);
    await send('pull_request', { action: 'opened', pull_request });
    isNow(pull_request, { state: 'closed' }, [{ state: 'open', head: { sha } }]);
    expect(await send('pull_request', { action: 'closed', pull_request })).toBe('nothing to do');
  });

  it('lets go on what the closing itself started, also when the webhook is handled again', async () => {
    const clean = pipeline('{ pull_request: { types: [closed] } }', 'clean');
    const sha = w().commit({ '.maestro/a.yaml': pipeline('pull_request'), '.maestro/b.yaml': clean });
    const pull_request = pull(sha);
    await send('pull_request', { action: 'opened', pull_request });
    isNow(pull_request, { state: 'closed', merged: false });
    expect(await send('pull_request', { action: 'closed', pull_request })).toMatch(/^cancelled \w+; started clean/);
    const [cleaning] = await w().runs.ofCommit(11, sha);
    await send('pull_request', { action: 'closed', pull_request });
    // Of the runs of other tests GitHub knows nothing here.
    const { access, engine, runs } = w();
    await new OpenRuns({ access, engine, runs, onError: () => {} }).sweep();
    expect(await w().statusOf(cleaning!.runId)).toBe('running');
  });

  it('leaves to its branch what a push started: closing the pull request does not end it', async () => {
    const sha = w().commit({ '.maestro/ci.yaml': pipeline('[push, pull_request]') });
    const pull_request = pull(sha);
    await send('push', { ref: 'refs/heads/feature', before: '0'.repeat(40), after: sha });
    await send('pull_request', { action: 'opened', pull_request });
    isNow(pull_request, { state: 'closed', merged: false });
    expect(await send('pull_request', { action: 'closed', pull_request })).toBe('nothing to do');
    const [row] = await w().runs.ofCommit(11, sha);
    expect(await send('push', { ref: 'refs/heads/feature', before: sha, after: '0'.repeat(40), deleted: true })).toBe(
      `cancelled ${row!.runId}`,
    );
  });

  it('cancels what a merge queue gave up', async () => {
    const sha = w().commit({ '.maestro/ci.yaml': pipeline('merge_group') });
    const merge_group = {
      head_sha: sha,
      head_ref: 'refs/heads/gh-readonly-queue/main/pr-1',
      base_sha: BASE,
      base_ref: 'refs/heads/main',
    };
    expect(await send('merge_group', { action: 'checks_requested', merge_group })).toMatch(/^started/);
    expect(await send('merge_group', { action: 'destroyed', reason: 'merged', merge_group })).toBe('nothing to do');
    expect(await send('merge_group', { action: 'destroyed', reason: 'dequeued', merge_group })).toMatch(/^cancelled/);
  });

  it('finds the commit of a release by its tag, and nothing for a draft without one', async () => {
    const sha = w().commit({ '.maestro/ci.yaml': pipeline('release') });
    const release = { tag_name: 'v1' };
    expect(await send('release', { action: 'published', release })).toBe('nothing to do');
    w().far.answers.set(`GET ${REPO}/commits/tags/v1`, { sha, commit: { message: 'x' } });
    expect(await send('release', { action: 'published', release })).toMatch(/^started tests/);
  });

  it('does nothing for payloads that lack what it needs', async () => {
    for (const event of ['push', 'release', 'pull_request', 'merge_group'])
      for (const payload of [{}, { action: 'closed' }, { action: 'destroyed', repository: null }])
        expect(await send(event, payload)).toMatch(/^(?:nothing to do|its push says the same)$/);
  });
});
