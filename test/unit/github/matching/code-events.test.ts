import { createRequire } from 'node:module';
import { describe, expect, it } from 'vitest';
import type { JsonObject } from '../../../../src/base/json.ts';
import type { Delivery } from '../../../../src/github/delivery-handler.ts';
import { laneOf } from '../../../../src/github/intake/lane.ts';
import { codeEventsFrom } from '../../../../src/github/matching/code-events.ts';
import { occasionOf } from '../../../../src/github/matching/occasion.ts';
import { runTrigger } from '../../../../src/github/matching/run-trigger.ts';
import { BASE, codeEvent, HEAD, pullFacts } from './sample-events.ts';

const EXAMPLES = createRequire(import.meta.url)('@octokit/webhooks-examples') as readonly {
  readonly name: string;
  readonly examples: readonly JsonObject[];
}[];
const ZEROS = '0'.repeat(40);
const REPOSITORY = {
  id: 11,
  name: 'app',
  owner: { login: 'octo' },
  default_branch: 'main',
  html_url: 'https://github.com/octo/app',
};
const COMMON = { repository: REPOSITORY, sender: { login: 'mona' } };

function delivery(event: string, payload: JsonObject): Delivery {
  const action = typeof payload['action'] === 'string' ? payload['action'] : null;
  return { id: 'guid-1', event, action, installationId: 3, payload: { ...COMMON, ...payload }, receivedAt: '' };
}

const push = (change: JsonObject): Delivery =>
  delivery('push', {
    ref: 'refs/heads/main',
    before: BASE,
    after: HEAD,
    deleted: false,
    head_commit: { id: HEAD, message: 'feat: x' },
    ...change,
  });

const pull = (change: JsonObject): JsonObject => ({
  action: 'opened',
  pull_request: {
    number: 7,
    head: { sha: HEAD, ref: 'feature', repo: { id: 11 } },
    base: { sha: BASE, ref: 'main', repo: { id: 11 } },
    user: { login: 'mona' },
    labels: [{ name: 'deep' }, null, { name: 7 }],
    ...change,
  },
});

describe('a webhook becomes a reason to start pipelines', () => {
  it('for a push to a branch', () => {
    expect(codeEventsFrom(push({}))).toEqual([codeEvent({ commitMessage: 'feat: x' })]);
  });

  it('by an account, which stays when its person is renamed', () => {
    const sender = { login: 'mona', id: 7 };
    for (const one of [push({ sender }), delivery('pull_request', { ...pull({}), sender })])
      expect(runTrigger(codeEventsFrom(one)[0] ?? codeEvent({})).actor).toEqual({
        provider: 'github',
        id: 'mona',
        account: '7',
      });
  });

  it('for the first push of a branch, without a commit before', () => {
    expect(codeEventsFrom(push({ before: ZEROS }))[0]?.baseSha).toBeNull();
  });

  it('for an annotated tag, at its commit', () => {
    const [event] = codeEventsFrom(push({ ref: 'refs/tags/v1', after: 'c'.repeat(40) }));
    expect(event).toMatchObject({ type: 'tag', tag: 'v1', headSha: HEAD, branch: null, baseSha: null });
  });

  it.each([
    ['a deleted branch', { deleted: true, after: ZEROS }],
    ['a branch that became nothing', { after: ZEROS }],
    ['a branch of the merge queue', { ref: 'refs/heads/gh-readonly-queue/main/pr-7-abc' }],
    ['a ref that is neither branch nor tag', { ref: 'refs/notes/x' }],
    ['a commit that is no hash', { after: '../../x' }],
    ['a repository without an id', { repository: { name: 'app', owner: { login: 'octo' } } }],
    ['nothing at all', { ref: null, after: null }],
  ])('not for %s', (_name, change) => {
    expect(codeEventsFrom(push(change))).toEqual([]);
  });

  it('for a pull request of the same repository, with definitions of its head', () => {
    const [event] = codeEventsFrom(delivery('pull_request', pull({})));
    expect(event).toMatchObject({
      type: 'pull_request',
      action: 'opened',
      headSha: HEAD,
      definitionsSha: HEAD,
      baseSha: BASE,
    });
    expect(event).toMatchObject({ ref: 'refs/pull/7/head', branch: 'main', pull: { isFork: false, labels: ['deep'] } });
  });

  it.each([
    ['of another repository', { head: { sha: HEAD, ref: 'feature', repo: { id: 12 } } }],
    ['of a repository that was deleted', { head: { sha: HEAD, ref: 'feature', repo: null } }],
    ['whose repositories are not named', { head: { sha: HEAD, ref: 'feature' }, base: { sha: BASE, ref: 'main' } }],
  ])('for a pull request %s, with definitions of its base', (_name, change) => {
    const [event] = codeEventsFrom(delivery('pull_request', pull(change)));
    expect(event).toMatchObject({ headSha: HEAD, definitionsSha: BASE, pull: { isFork: true } });
  });

  it('for another base branch of a pull request, as if its code were new; for no other edit', () => {
    const edited = (changes: JsonObject): Delivery =>
      delivery('pull_request', { ...pull({}), action: 'edited', changes });
    const actions = (changes: JsonObject): unknown => codeEventsFrom(edited(changes)).map(({ action }) => action);
    expect(actions({ base: { ref: { from: 'legacy' }, sha: { from: BASE } } })).toEqual(['edited', 'synchronize']);
    expect(actions({ title: { from: 'old' } })).toEqual(['edited']);
  });

  it('for a merge group, on the branch that it would be merged to', () => {
    const group = {
      head_sha: HEAD,
      head_ref: 'refs/heads/gh-readonly-queue/main/pr-7',
      base_sha: BASE,
      base_ref: 'refs/heads/main',
    };
    const [event] = codeEventsFrom(delivery('merge_group', { action: 'checks_requested', merge_group: group }));
    expect(event).toMatchObject({ type: 'merge_group', headSha: HEAD, branch: 'main', ref: group.head_ref });
    expect(codeEventsFrom(delivery('merge_group', { action: 'destroyed', merge_group: group }))).toEqual([]);
  });

  it("reads every one of GitHub's own examples without a crash, and finds the code in those that have it", () => {
    const found = new Map<string, number>();
    for (const { name, examples } of EXAMPLES)
      for (const payload of examples)
        for (const { type } of codeEventsFrom({ ...delivery(name, {}), payload }))
          found.set(type, (found.get(type) ?? 0) + 1);
    expect([...found.keys()].sort()).toEqual(['pull_request', 'push', 'release', 'tag']);
  });
});

describe('the lane', () => {
  it.each([
    ['pull_request', pull({}), '11/pr/7'],
    ['pull_request_review', { pull_request: { number: 7 } }, '11/pr/7'],
    ['issue_comment', { issue: { number: 7 } }, '11/pr/7'],
    ['check_run', { check_run: { pull_requests: [{ number: 7 }] } }, '11/pr/7'],
    [
      'check_run',
      { check_run: { pull_requests: [], check_suite: { head_branch: 'x', pull_requests: [] } } },
      '11/refs/heads/x',
    ],
    ['check_suite', { check_suite: { head_branch: 'x', pull_requests: null } }, '11/refs/heads/x'],
    ['push', { ref: 'refs/heads/a/b' }, '11/refs/heads/a/b'],
    ['release', { release: { tag_name: 'v1' } }, '11/refs/tags/v1'],
    [
      'merge_group',
      { merge_group: { head_ref: 'refs/heads/gh-readonly-queue/x' } },
      '11/refs/heads/gh-readonly-queue/x',
    ],
    ['workflow_job', { workflow_job: { run_id: 5 } }, '11/job/5'],
    ['workflow_run', { workflow_run: { id: 5 } }, '11/job/5'],
    [
      'deployment_protection_rule',
      { deployment_callback_url: 'https://api.github.com/repos/o/a/actions/runs/5/deployment_protection_rule' },
      '11/job/5',
    ],
    ['deployment_protection_rule', { deployment_callback_url: 'https://evil.test/' }, '11/repository'],
    ['deployment_status', { deployment: { sha: HEAD } }, `11/${HEAD}`],
    ['status', { sha: HEAD }, `11/${HEAD}`],
    ['installation', { installation: { id: 3 } }, 'installation/3'],
    ['installation_repositories', { installation: { id: 3 } }, 'installation/3'],
    ['star', {}, '11/repository'],
    ['ping', { repository: null }, 'other'],
  ])('of %s %j', (event, payload, lane) => {
    expect(laneOf(event, { ...COMMON, ...payload })).toBe(lane);
  });
});

describe('the occasion', () => {
  const own = codeEvent({ type: 'pull_request', action: 'opened', ref: 'refs/pull/7/head', pull: pullFacts() });

  it('is one for the push of a branch and for its pull request', () => {
    const pushed = codeEvent({ ref: 'refs/heads/feature', branch: 'feature' });
    expect(occasionOf(pushed)).toBe(occasionOf(own));
    expect(occasionOf({ ...own, action: 'synchronize' })).toBe(occasionOf(own));
  });

  it.each([
    ['the same commit on another branch', codeEvent({ ref: 'refs/heads/main' })],
    ["a fork's branch of the same name", { ...own, pull: pullFacts({ isFork: true }) }],
    ['a label', { ...own, action: 'labeled' }],
    ['a tag on the commit', codeEvent({ type: 'tag', tag: 'feature', branch: null })],
    ['a command', codeEvent({ type: 'command' })],
  ])('is another for %s', (_name, event) => {
    expect(occasionOf(event)).not.toBe(occasionOf(own));
  });
});
