import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { refOfDecision } from '../../../../src/github/protection/deployment-decision.ts';
import { FAILED } from '../../../contract/engine/world.ts';
import { planOf, planStep } from '../../../fakes/plans.ts';
import { CommandWorld } from './command-world.ts';
import { OUR_APP } from './fake-github.ts';
import { sharedWorld } from './shared-world.ts';

let w: CommandWorld;
const world = sharedWorld();
beforeEach(async () => {
  w = await CommandWorld.open(world());
});
afterEach(async () => w.close());

const failedRun = async () => {
  const started = await w.run(planOf([planStep('a'), planStep('b', { needs: ['a'] })], { name: 'ci' }));
  const worker = await w.world.worker();
  await worker.run('a');
  await worker.run('b', FAILED);
  await w.world.until(started.run, 'b', 'failed');
  await worker.leave();
  return started;
};
const waiting = async (change: Parameters<CommandWorld['run']>[1] = {}) => {
  const plan = planOf([planStep('prod', { kind: 'gate', uses: 'gate', with: {} })], { name: 'ship' });
  const started = await w.run(plan, change);
  await w.world.until(started.run, 'prod', 'held');
  return started;
};
const rows = () => w.tools.runs.ofCommit(500, w.github.pull.head);
const statuses = async (id: string) => {
  const view = await w.world.engine.readRun(await w.world.engine.resolve(id));
  return view.steps.map(({ status }) => status);
};
const suite = (change = {}) =>
  w.deliver('check_suite', 'rerequested', {
    check_suite: { id: 1, head_sha: w.github.pull.head, head_branch: 'topic', app: { id: OUR_APP }, ...change },
    sender: { id: 1, login: 'ada', type: 'User' },
  });

describe('buttons', () => {
  it.each(['rerequested', 'requested_action'])(
    '%s of a failed run makes one new run, however often it is pressed',
    async (action) => {
      const { id } = await failedRun();
      const identifier = action === 'rerequested' ? null : 'rerun-failed';
      const press = w.press(action, { external_id: id }, identifier);
      await press();
      expect(await press()).toBe('done before');
      await w.press(action, { external_id: `${id}/b` }, identifier)();
      const [next, first, ...others] = await rows();
      expect(others).toEqual([]);
      expect(first?.runId).toBe(id);
      expect(await statuses(next?.runId ?? '')).toEqual(['succeeded', 'ready']);
      expect(w.shown).toMatchObject([{ externalId: next?.runId, status: 'queued' }]);
    },
  );

  it('repeats no decision about a job of Actions: whom it answered asks anew', async () => {
    const { id } = await waiting({ ref: refOfDecision('prod') });
    await w.world.engine.cancelRun(await w.world.engine.resolve(id), 'over');
    expect(await w.press('rerequested', { external_id: id }, null)()).toContain('re-run it on GitHub');
    expect(await suite()()).not.toContain('run again');
    expect(await rows()).toHaveLength(1);
  });

  it('repeats the one step of a check that succeeded', async () => {
    const { id } = await failedRun();
    await w.press('rerequested', { external_id: `${id}/a` })();
    expect(await statuses((await rows())[0]?.runId ?? '')).toEqual(['ready', 'pending']);
  });

  it.each([
    ['approve', 'succeeded'],
    ['deny', 'denied'],
  ] as const)('%s answers the gate of its check', async (identifier, status) => {
    const { run, id } = await waiting();
    await w.press('requested_action', { external_id: `${id}/prod` }, identifier)();
    expect((await w.world.until(run, 'prod', status)).status).toBe(status);
  });

  it('lets a run begin where it is pressed on the check of the run, and opens no gate of it', async () => {
    const gate = planStep('prod', { kind: 'gate', uses: 'gate', with: {} });
    const { run, id } = await w.run(planOf([gate], { name: 'ship', autonomy: 'L5' }), { actor: 'cleo' });
    w.github.commitAuthor = 3;
    w.github.pull.author = 3;
    const press = (userId = 1) => w.press('requested_action', { external_id: id }, 'approve', userId)();
    // Above L3 two people agree.
    expect(await press()).toContain('approve of the run by ada');
    expect((await w.world.engine.readRun(run)).status).toBe('queued');
    expect(await press(2)).toContain('approve of the run by bo');
    await w.world.until(run, 'prod', 'held');
    expect(await press()).toContain('refused');
    expect((await w.world.step(run, 'prod')).status).toBe('held');
  });

  it('lets no author approve', async () => {
    w.github.pull.author = 1;
    const { run, id } = await waiting();
    expect(await w.press('requested_action', { external_id: `${id}/prod` }, 'approve')()).toContain('wrote this;');
    expect((await w.world.step(run, 'prod')).status).toBe('held');
  });

  it('lets no author approve with another pull request of the same commit', async () => {
    w.github.pull.author = 1;
    w.github.twins.push({ number: 8, user: { id: 2, login: 'bo' } });
    const { run, id } = await waiting();
    expect(await w.press('requested_action', { external_id: `${id}/prod` }, 'approve')()).toContain('wrote this;');
    expect((await w.world.step(run, 'prod')).status).toBe('held');
  });

  it.each(['push', 'tag', 'dispatch'])('lets nobody approve what they pushed under another name: %s', async (type) => {
    const { run, id } = await waiting({ ref: 'refs/heads/topic', actor: 'Ada', type });
    expect(await w.press('requested_action', { external_id: `${id}/prod` }, 'approve')()).toContain('wrote this;');
    expect((await w.world.step(run, 'prod')).status).toBe('held');
  });

  it('lets nobody approve a run of a commit that is not the newest of the pull request any more; denying is theirs', async () => {
    const old = w.github.pull.head;
    const { run, id } = await waiting();
    w.github.pull.head = 'd'.repeat(40);
    const press = (button: string) =>
      w.press('requested_action', { external_id: `${id}/prod`, head_sha: old }, button)();
    expect(await press('approve')).toContain('a newer commit');
    expect((await w.world.step(run, 'prod')).status).toBe('held');
    await press('deny');
    await w.world.until(run, 'prod', 'denied');
  });

  it('takes no answer of an App', async () => {
    const { run, id } = await waiting();
    const press = w.press('requested_action', { external_id: `${id}/prod` }, 'approve', 1, 'Bot');
    expect(await press()).toMatch(/refused: .*is an App/);
    expect((await w.world.step(run, 'prod')).status).toBe('held');
  });

  it('cancels', async () => {
    const { run, id } = await waiting();
    await w.press('requested_action', { external_id: id }, 'cancel')();
    expect((await w.world.end(run)).status).toBe('cancelled');
  });

  it.each([
    ['another app', { app: { id: 1 } }, 1, 'not a button'],
    ['another commit', { head_sha: 'f'.repeat(40) }, 1, 'refused'],
    ['a stranger', {}, 3, 'refused'],
  ])('does nothing for a check of %s', async (_, change, userId, note) => {
    const { run, id } = await waiting();
    expect(await w.press('requested_action', { external_id: id, ...change }, 'cancel', userId)()).toContain(note);
    expect((await w.world.step(run, 'prod')).status).toBe('held');
  });

  it.each(['latest', '', '01', 'notice', '../x'])('takes the external id %j for no run', async (external_id) => {
    const { run } = await waiting();
    await w.press('requested_action', { external_id }, 'cancel')();
    expect((await w.world.step(run, 'prod')).status).toBe('held');
  });

  it('repeats a run of a closed pull request, whose closing does not end that', async () => {
    const { id } = await failedRun();
    w.github.pull.state = 'closed';
    await w.press('rerequested', { external_id: id })();
    expect((await rows()).map((row) => row.survivesClosing)).toEqual([true, false]);
  });

  it('refuses to repeat a run that has not ended', async () => {
    const { id } = await waiting();
    expect(await w.press('rerequested', { external_id: id })()).toContain('refused');
    expect((await rows()).length).toBe(1);
  });
});

describe('where there is no run', () => {
  const grantOf = (headSha: string) => ({ repositoryId: 500, pullNumber: 7, headSha, baseRef: 'main' });
  const notice = () => `notice/${w.github.pull.head}/.maestro/ci.yaml`;

  it('starts the pipeline of a notice again, trusting no fork that nobody vouched for', async () => {
    w.github.pull.isFork = true;
    await w.press('rerequested', { external_id: notice() })();
    const { head } = w.github.pull;
    expect(w.starts).toMatchObject([
      { event: { headSha: head, pull: { number: 7 } }, choice: { pipeline: '.maestro/ci.yaml', isTrusted: false } },
    ]);
    expect(await w.tools.grants.isGranted(grantOf(head))).toBe(false);
  });

  it("starts the pipeline of a notice that stands over another base branch's run", async () => {
    w.github.pull.isFork = true;
    await w.press('rerequested', { external_id: notice().replace('/.maestro', '@delivery-1/.maestro') })();
    expect(w.starts).toMatchObject([{ choice: { pipeline: '.maestro/ci.yaml', isTrusted: false } }]);
  });

  it('vouches for exactly the commit of a held check that is approved', async () => {
    w.github.pull.isFork = true;
    w.github.pull.pushedAt = null;
    await w.press('requested_action', { external_id: notice() }, 'approve')();
    expect(await w.tools.grants.isGranted(grantOf(w.github.pull.head))).toBe(true);
    expect(w.starts).toMatchObject([{ choice: { isTrusted: true } }]);
  });

  it('vouches for nothing where another commit was pushed while it was pressed', async () => {
    w.github.pull.isFork = true;
    w.github.swapsHead = true;
    expect(await w.press('requested_action', { external_id: notice() }, 'approve')()).toContain('refused');
    expect(w.starts).toEqual([]);
  });

  it('vouches for nothing where the base branch was changed since the check was held', async () => {
    w.github.pull.isFork = true;
    w.github.events = [{ event: 'base_ref_changed', created_at: '2026-02-01T00:00:00Z' }];
    expect(await w.press('requested_action', { external_id: notice() }, 'approve')()).toContain('the base branch');
    w.github.events = [{ event: 'base_ref_changed', created_at: '2026-01-31T23:59:59Z' }];
    await w.press('requested_action', { external_id: notice() }, 'approve')();
    expect(w.starts).toHaveLength(1);
  });

  it('vouches for nothing where the commit is the head of two pull requests, whose base branches may differ', async () => {
    w.github.pull.isFork = true;
    w.github.twins.push({ number: 8, user: { id: 3, login: 'stranger' } });
    expect(await w.press('requested_action', { external_id: notice() }, 'approve')()).toContain('pull requests 8, 7');
    expect(w.starts).toEqual([]);
  });

  it('vouches for nothing when the head has moved on', async () => {
    w.github.pull.isFork = true;
    const old = 'e'.repeat(40);
    const press = w.press('requested_action', { external_id: `notice/${old}/x`, head_sha: old }, 'approve');
    expect(await press()).toContain('refused');
    expect(w.starts).toEqual([]);
  });
});

describe('a suite', () => {
  it('repeats the newest run of each pipeline from its beginning', async () => {
    await failedRun();
    const press = suite();
    await press();
    await press();
    expect((await rows()).length).toBe(2);
    expect(await statuses((await rows())[0]?.runId ?? '')).toEqual(['ready', 'pending']);
  });

  it("starts a branch's commit, and none of a fork's closed pull request whose branch has the name of one of ours", async () => {
    Object.assign(w.github.pull, { isFork: true, state: 'closed' });
    w.github.branches.set('topic', 'e'.repeat(40));
    expect(await suite()()).toContain('refused');
    expect(w.starts).toEqual([]);
    w.github.branches.set('topic', w.github.pull.head);
    await suite()();
    expect(w.starts).toMatchObject([{ event: { type: 'push', ref: 'refs/heads/topic' } }]);
  });

  it('starts what matches where there was no run, and is ours', async () => {
    await suite({ app: { id: 1 } })();
    expect(w.starts).toEqual([]);
    await suite()();
    expect(w.starts).toMatchObject([{ event: { type: 'pull_request', headSha: w.github.pull.head } }]);
  });
});
