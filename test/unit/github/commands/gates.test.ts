import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Json } from '../../../../src/base/json.ts';
import { planOf, planStep } from '../../../fakes/plans.ts';
import { CommandWorld } from './command-world.ts';
import { sharedWorld } from './shared-world.ts';

let w: CommandWorld;
let approvalsBefore = 0;
const world = sharedWorld();
beforeEach(async () => {
  w = await CommandWorld.open(world());
  approvalsBefore = await approvalCount();
});
afterEach(async () => w.close());

const approvalCount = async () => Number((await w.world.sql('select count(*) from approval'))[0]?.[0]);
const approvals = async () => (await approvalCount()) - approvalsBefore;
const BO = { userId: 2, login: 'bo' };
const gated = (change: Record<string, Json> = {}) =>
  planOf([planStep('prod', { kind: 'gate', uses: 'gate', with: change })], { name: 'ship' });
const waiting = async (change: Record<string, Json> = {}) => {
  const started = await w.run(gated(change));
  await w.world.until(started.run, 'prod', 'held');
  return started;
};

it('opens a gate with its reason, and nothing in the reason mentions, links or draws', async () => {
  const { run } = await waiting();
  const answer = await w.say('/maestro approve prod x @org/team <img src=x> | a | https://evil.test `c`');
  await w.world.until(run, 'prod', 'succeeded');
  expect(answer).toContain('approved gate **prod**');
  expect(answer).not.toMatch(/@org|<img|https:\/\/|`c`/);
});

it('denies', async () => {
  const { run } = await waiting();
  await w.say('/maestro deny prod not on a Friday');
  expect((await w.world.until(run, 'prod', 'denied')).reason).toContain('not on a Friday');
});

it.each([
  ['opened the pull request', { pull: 1, commit: 2 }],
  ['wrote its newest commit', { pull: 2, commit: 1 }],
])('lets nobody approve who %s; denying is theirs', async (_, { pull, commit }) => {
  w.github.pull.author = pull;
  w.github.commitAuthor = commit;
  const { run } = await waiting();
  expect(await w.say('/maestro approve')).toContain('wrote this;');
  expect(await approvals()).toBe(0);
  await w.say('/maestro deny');
  await w.world.until(run, 'prod', 'denied');
});

it('lets the author approve where the gate says so', async () => {
  w.github.pull.author = 1;
  const { run } = await waiting({ 'not-author': false });
  expect(await w.say('/maestro approve')).toContain('approved');
  await w.world.until(run, 'prod', 'succeeded');
});

it('takes no consent to a run that began after the comment: the commit was swapped, or the delivery is late', async () => {
  const { run } = await waiting();
  const createdAt = new Date(Date.now() - 60_000).toISOString();
  expect(await w.say('/maestro approve prod', { createdAt })).toContain('began to wait after that was written');
  expect((await w.world.step(run, 'prod')).status).toBe('held');
  await w.say('/maestro deny prod', { createdAt });
  expect((await w.world.until(run, 'prod', 'denied')).status).toBe('denied');
});

it.each([['/maestro approve prdo because'], ['/maestro approve LGTM'], ['/maestro approve staging']])(
  'takes no typing error for a reason: %s',
  async (body) => {
    const { run } = await waiting();
    expect(await w.say(body)).toContain('prod');
    expect((await w.world.step(run, 'prod')).status).toBe('held');
  },
);

const twoGates = () =>
  planOf(
    [
      planStep('staging', { kind: 'gate', uses: 'gate', with: {} }),
      planStep('production', { kind: 'gate', uses: 'gate', with: {}, needs: ['staging'] }),
    ],
    { name: 'ship' },
  );

it.each(['approve', 'deny'])(
  'does not %s another gate than the one that was named, because that one waits no more, or not yet',
  async (verb) => {
    const { run } = await w.run(twoGates());
    await w.world.until(run, 'staging', 'held');
    for (const name of ['production', 'ship/production'])
      expect(await w.say(`/maestro ${verb} ${name} the change window is open`)).toContain(
        'does not wait for an answer',
      );
    expect((await w.world.step(run, 'staging')).status).toBe('held');
    await w.say('/maestro approve staging tested by hand');
    await w.world.until(run, 'production', 'held');
    expect(await w.say(`/maestro ${verb} staging tested by hand`, { userId: 2, login: 'bo' })).toContain(
      'does not wait for an answer',
    );
    expect((await w.world.step(run, 'production')).status).toBe('held');
  },
);

it('does not take consent that was written for the gate before', async () => {
  w.github.pull.author = 3;
  w.github.commitAuthor = 3;
  const { run } = await w.run(twoGates());
  await w.world.until(run, 'staging', 'held');
  const second = w.comment('/maestro approve', { userId: 2, login: 'bo', createdAt: new Date().toISOString() });
  await w.say('/maestro approve staging');
  await w.world.until(run, 'production', 'held');
  await second();
  expect(w.github.comments.at(-1)?.body).toContain('began to wait after that was written');
  expect((await w.world.step(run, 'production')).status).toBe('held');
});

it('lets nobody approve what they pushed to the pull request of somebody else', async () => {
  const { run } = await w.run(gated(), { type: 'pull_request', pusher: 'ADA' });
  await w.world.until(run, 'prod', 'held');
  expect(await w.say('/maestro approve prod')).toContain('wrote this;');
  expect(await w.say('/maestro approve prod', { userId: 2, login: 'bo' })).toContain('wrote this;');
});

it('lets nobody approve what they pushed before they were renamed, and anybody who has their old login by now', async () => {
  const { run } = await w.run(gated(), { type: 'pull_request', actor: 'bo-before', account: '1', pusher: 'bo-before' });
  await w.world.until(run, 'prod', 'held');
  w.github.pull.author = 3;
  w.github.commitAuthor = 3;
  expect(await w.say('/maestro approve prod')).toContain('wrote this;');
  w.github.logins.set(8, 'bo-before');
  w.github.roles.set('bo-before', ['write', 'write']);
  await w.say('/maestro approve prod', { userId: 8, login: 'bo-before' });
  await w.world.until(run, 'prod', 'succeeded');
});

it('does not reach a run of a commit before the newest, or of a tag', async () => {
  await w.run(gated(), { headSha: 'c'.repeat(40) });
  await w.run(gated(), { ref: 'refs/tags/v1' });
  expect(await w.say('/maestro approve')).toContain('no gate of the newest commit waits');
  expect(await approvals()).toBe(0);
});

describe('two people', () => {
  beforeEach(() => {
    w.github.pull.author = 3;
    w.github.commitAuthor = 3;
  });

  it('are two accounts: nobody counts twice, by whatever login', async () => {
    const { run } = await waiting({ approvals: 2 });
    await w.say('/maestro approve prod');
    await w.say('/maestro approve prod again');
    w.github.logins.set(1, 'ada2').set(9, 'ada');
    w.github.roles.set('ada2', ['write', 'write']);
    expect(await w.say('/maestro approve prod', { login: 'ada' })).toContain('ada2 approved');
    expect((await w.world.step(run, 'prod')).status).toBe('held');
    // Somebody else has the old login by now.
    await w.say('/maestro approve prod', { userId: 9, login: 'ada' });
    await w.world.until(run, 'prod', 'succeeded');
  });

  it('are one where the other took it back, and two again when they changed their mind', async () => {
    const { run } = await waiting({ approvals: 2 });
    expect(await w.say('/maestro revoke prod')).toContain('nothing here that could be taken back');
    await w.say('/maestro approve prod');
    expect(await w.say('/maestro revoke prod', BO)).toContain('nothing here that could be taken back');
    expect(await w.say('/maestro revoke prod found a bug')).toMatch(/ada took back the approval of gate .*found a bug/);
    await w.say('/maestro approve prod', BO);
    expect((await w.world.step(run, 'prod')).status).toBe('held');
    await w.say('/maestro approve prod it was none');
    await w.world.until(run, 'prod', 'succeeded');
    expect(await w.say('/maestro revoke prod')).toContain('no gate of the newest commit waits');
  });

  it('do what they do at the same time once', async () => {
    const { run } = await waiting();
    const answers = [w.comment('/maestro approve prod'), w.comment('/maestro deny prod', BO)];
    await Promise.all(answers.map((answer) => answer()));
    await w.world.end(run);
    const done = w.github.comments.filter(({ body }) => /approved gate|denied gate/.test(body));
    expect(done).toHaveLength(1);
    expect(w.github.comments).toHaveLength(2);
  });
});

describe('whom the gate names', () => {
  beforeEach(() => {
    w.github.pull.author = 3;
    w.github.commitAuthor = 3;
  });

  it('is a member of its team, as GitHub has it now', async () => {
    const { run } = await waiting({ from: ['acme/release-managers'] });
    expect(await w.say('/maestro approve prod')).toContain('none of those whom the gate names');
    w.github.teams.set('acme/release-managers', ['ada']);
    await w.say('/maestro approve prod');
    await w.world.until(run, 'prod', 'succeeded');
  });

  it('is not known where the team is one of another organisation: it is said', async () => {
    await waiting({ from: ['other/team'] });
    expect(await w.say('/maestro approve prod')).toContain('another organisation');
  });
});

it('takes no answer of an App, or of somebody through one', async () => {
  const { run } = await waiting();
  await w.say('/maestro approve prod', { userType: 'Bot', login: 'maestro[bot]' });
  expect(await approvals()).toBe(0);
  expect((await w.world.step(run, 'prod')).status).toBe('held');
});
