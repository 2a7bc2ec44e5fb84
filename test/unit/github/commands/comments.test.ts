import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openWriteAllowance } from '../../../../src/store/write-allowance.ts';
import { FAILED } from '../../../contract/engine/world.ts';
import { planOf, planStep } from '../../../fakes/plans.ts';
import { CommandWorld } from './command-world.ts';
import { sharedWorld } from './shared-world.ts';

let w: CommandWorld;
let runsBefore = 0;
const world = sharedWorld();
beforeEach(async () => {
  w = await CommandWorld.open(world());
  runsBefore = await countOf('run');
});
afterEach(async () => w.close());

const countOf = async (table: string) => Number((await w.world.sql(`select count(*) from ${table}`))[0]?.[0]);
const runCount = async () => (await countOf('run')) - runsBefore;
const gated = (change: Record<string, boolean | string> = {}) =>
  planOf([planStep('prod', { kind: 'gate', uses: 'gate', with: change })], { name: 'ship' });
const waiting = async (change: Record<string, boolean | string> = {}) => {
  const started = await w.run(gated(change));
  await w.world.until(started.run, 'prod', 'held');
  return started;
};
const failedRun = async () => {
  const started = await w.run(planOf([planStep('a'), planStep('b', { needs: ['a'] })], { name: 'ci' }));
  const worker = await w.world.worker();
  await worker.run('a');
  await worker.run('b', FAILED);
  await w.world.until(started.run, 'b', 'failed');
  await worker.leave();
  return started;
};
describe('who is heard', () => {
  it('acknowledges a comment with a reaction and answers all its commands with one comment', async () => {
    const answer = await w.say('/maestro status\n/maestro help');
    expect(w.github.writes.length).toBe(2);
    expect(w.github.reactions).toEqual([expect.stringMatching(/^\d+ eyes$/)]);
    expect(answer).toContain('No run of');
    expect(answer).toContain('/maestro ok-to-test');
  });

  it.each([
    ['an edited comment', '/maestro run', { action: 'edited' }],
    ['a deleted comment', '/maestro run', { action: 'deleted' }],
    ['a comment of an app', '/maestro run', { userType: 'Bot' }],
    ['a quoted command', '> /maestro run', {}],
    ['a comment without commands', 'hello', {}],
  ])('does nothing about %s', async (_, body, change) => {
    await w.comment(body, change)();
    expect(w.github.writes).toEqual([]);
    expect(w.starts).toEqual([]);
  });

  it.each([
    ['pull_request_review_comment', 'created', 1],
    ['pull_request_review', 'submitted', 0],
  ])('hears %s', async (event, action, reactions) => {
    await w.say('/maestro run', { event, action });
    expect(w.starts.length).toBe(1);
    expect(w.github.reactions.length).toBe(reactions);
    expect(w.github.comments.length).toBe(1);
  });

  it('does not act on its own answer, which quotes commands at the start of lines', async () => {
    await w.comment('/maestro run', { userType: 'Bot', login: 'maestro[bot]' })();
    expect(w.github.writes).toEqual([]);
  });

  it('does nothing for a comment that was deleted before it was read', async () => {
    w.github.deletedComments.add(77);
    await w.comment('/maestro run', { commentId: 77 })();
    expect(w.starts).toEqual([]);
    expect(w.github.comments).toEqual([]);
  });

  it('leaves comments on plain issues alone, without a single call', async () => {
    await w.comment('/maestro help', { isIssue: true })();
    expect(w.starts).toEqual([]);
    expect(w.github.comments).toEqual([]);
    expect(w.github.writes).toEqual([]);
  });

  it.each(['run', 'retry', 'cancel', 'approve', 'deny', 'revoke', 'ok-to-test'])(
    'refuses %s of a stranger, and says who may',
    async (verb) => {
      const { run } = await waiting();
      const answer = await w.say(`/maestro ${verb}`, { userId: 3, login: 'stranger' });
      expect(answer).toMatch(/policy does not let stranger, who has the read role here.* wants the role/);
      expect(w.starts).toEqual([]);
      expect((await w.world.step(run, 'prod')).status).toBe('held');
    },
  );

  it('takes the consent of a review for the commit that was reviewed, and for no newer one', async () => {
    const { run } = await waiting();
    const review = { event: 'pull_request_review', action: 'submitted', reviewedSha: 'e'.repeat(40) };
    const bob = { userId: 2, login: 'bob' };
    expect(await w.say('/maestro approve', { ...review, ...bob })).toContain('the review is of');
    expect((await w.world.step(run, 'prod')).status).toBe('held');
  });

  it.each(['explain', 'logs', 'plan'])(
    'shows %s to readers of a private repository, not to everybody of a public one',
    async (verb) => {
      expect(await w.say(`/maestro ${verb}`, { userId: 3, login: 'stranger' })).not.toContain('Not done');
      w.isPublic = true;
      expect(await w.say(`/maestro ${verb}`, { userId: 3, login: 'stranger' })).toContain(
        'wants the permission triage or write',
      );
    },
  );

  it('answers strangers ten times an hour, and does not call GitHub for more than that', async () => {
    const stranger = { userId: 3, login: 'stranger' };
    for (let i = 0; i < 10; i++) await w.say('/maestro help', stranger);
    const writes = w.github.writes.length;
    expect(await w.comment('/maestro help', stranger)()).toBe('stranger asks too often: nothing was done');
    expect(w.github.writes.length).toBe(writes);
    expect(await w.say('/maestro help')).toContain('/maestro ok-to-test');
    await w.world.sql(`update command_request set asked_at = now() - interval '1 hour' where person_id = 3`);
    expect(await w.say('/maestro help', stranger)).toContain('/maestro ok-to-test');
  });

  it('reads the pipelines once for all commands of a comment', async () => {
    await w.say('/maestro x1\n/maestro x2\n/maestro help');
    expect(w.listings).toBe(1);
  });

  it('does what is asked at once, and answers later, where the writes that GitHub allows are used up', async () => {
    await openWriteAllowance(w.world.db).close(5, Date.now() + 60_000);
    const deliver = w.comment('/maestro run');
    await expect(deliver()).rejects.toMatchObject({ code: 'RATE_LIMITED' });
    expect([w.starts.length, w.github.writes.length]).toEqual([1, 0]);
    await w.world.sql('delete from write_allowance');
    await deliver();
    expect([w.starts.length, w.github.comments.length]).toEqual([1, 1]);
  });

  it('does what is asked on a locked conversation, where GitHub takes neither a reaction nor an answer', async () => {
    w.github.isLocked = true;
    const deliver = w.comment('/maestro run');
    expect(await deliver()).toContain('GitHub takes no answer there');
    expect(await deliver()).toBe('done before');
    expect(w.starts.length).toBe(1);
  });

  it('asks for the role each time', async () => {
    await w.say('/maestro run');
    w.github.roles.set('ada', ['read', 'read']);
    expect(await w.say('/maestro run')).toContain('Not done');
    expect(w.starts.length).toBe(1);
  });

  it('gives a person who was renamed their role, and nothing to who has the old login now', async () => {
    w.github.logins.set(1, 'ada2').set(4, 'ada');
    w.github.roles.set('ada', ['none', 'none']).set('ada2', ['write', 'write']);
    await w.say('/maestro run');
    expect(w.starts[0]?.event.actor).toBe('ada2');
    w.github.roles.set('ada', ['admin', 'admin']).delete('ada2');
    w.github.logins.delete(1);
    expect(await w.say('/maestro run')).toContain('who has no role here');
    expect(w.starts.length).toBe(1);
  });

  it('suggests the command that was meant', async () => {
    expect(await w.say('/maestro retyr')).toMatch(/did you mean.*retry/);
  });

  it('starts a pipeline by its own command under its own permission', async () => {
    w.ownCommands.push({ name: 'deploy', pipeline: 'ship', permission: 'maintain' });
    expect(await w.say('/maestro deploy env=dev')).toContain('the maintain role');
    expect(await w.say('/maestro deploy env=dev', { userId: 2, login: 'bo' })).toContain('Started');
    expect(w.starts).toMatchObject([
      { event: { type: 'command', command: { name: 'deploy', params: { env: 'dev' } } } },
    ]);
  });
});

describe('once', () => {
  it('acts once and answers once when a comment is delivered twice at the same time', async () => {
    await failedRun();
    const deliver = w.comment('/maestro retry');
    const results = await Promise.allSettled([deliver(), deliver()]);
    expect(results.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
    expect(results.find(({ status }) => status === 'rejected')).toMatchObject({ reason: { code: 'COMMAND_BUSY' } });
    expect(await deliver()).toBe('done before');
    expect(await runCount()).toBe(2);
    expect(w.github.comments.length).toBe(1);
  });

  it.each([
    ['lost', false],
    ['posted', true],
  ])('answers once and retries once where the server failed when the answer was %s', async (_, isStored) => {
    await failedRun();
    w.github.failures = [isStored];
    const deliver = w.comment('/maestro retry\n/maestro run');
    await expect(deliver()).rejects.toThrow('lost');
    await deliver();
    expect(await runCount()).toBe(2);
    expect(w.starts.length).toBe(1);
    expect(w.github.comments.length).toBe(1);
    expect(w.github.comments[0]?.body).toContain('takes up where');
  });

  it('makes one run of a retry whose answer was not kept', async () => {
    await failedRun();
    const { records } = w.tools;
    let isCrashed = false;
    const crashing = {
      ...records,
      finish: async (key: string, index: number, text: string) => {
        if (!isCrashed) throw Object.assign(new Error('crash'), { isCrashed: (isCrashed = true) });
        await records.finish(key, index, text);
      },
    };
    Object.assign(w.tools, { records: crashing });
    const deliver = w.comment('/maestro retry');
    await expect(deliver()).rejects.toThrow('crash');
    await deliver();
    expect(await runCount()).toBe(2);
  });

  it('does not approve the next gate when it is delivered again after a crash', async () => {
    const plan = planOf(
      [
        planStep('one', { kind: 'gate', uses: 'gate', with: {} }),
        planStep('two', { kind: 'gate', uses: 'gate', with: {}, needs: ['one'] }),
      ],
      { name: 'ship' },
    );
    const { run } = await w.run(plan);
    await w.world.until(run, 'one', 'held');
    const { records } = w.tools;
    let crashes = 1;
    Object.assign(w.tools, {
      records: {
        ...records,
        finish: async (key: string, index: number, text: string) => {
          if (crashes-- > 0) throw new Error('crash');
          await records.finish(key, index, text);
        },
      },
    });
    const deliver = w.comment('/maestro approve');
    await expect(deliver()).rejects.toThrow('crash');
    await w.world.until(run, 'two', 'held');
    await deliver();
    expect((await w.world.step(run, 'two')).status).toBe('held');
    expect(w.github.comments.at(-1)?.body).toContain('approved gate **one**');
  });
});

describe('runs', () => {
  it('retries what failed: a new run with its row, and a check that says so before it is reported', async () => {
    const { id } = await failedRun();
    await w.say('/maestro retry');
    const rows = await w.tools.runs.ofCommit(500, w.github.pull.head);
    expect(rows.length).toBe(2);
    expect(rows[0]).toMatchObject({ checkName: 'maestro / ci', pullNumber: 7 });
    expect(rows[0]?.runId).not.toBe(id);
    expect(w.shown).toMatchObject([{ externalId: rows[0]?.runId, status: 'queued', conclusion: null }]);
    const view = await w.world.engine.readRun(await w.world.engine.resolve(rows[0]?.runId ?? ''));
    expect(view.steps.map(({ status }) => status)).toEqual(['succeeded', 'ready']);
  });

  it.each([
    ['nope', 'has a step nope'],
    ['', 'have not ended'],
  ])('says why it cannot retry %j', async (step, why) => {
    await waiting();
    expect(await w.say(`/maestro retry ${step}`)).toContain(why);
  });

  it('keeps a run that was asked for on a closed pull request apart from those that its closing ends', async () => {
    await failedRun();
    w.github.pull.state = 'closed';
    await w.say('/maestro retry');
    expect((await w.tools.runs.ofCommit(500, w.github.pull.head)).map((row) => row.survivesClosing)).toEqual([
      true,
      false,
    ]);
  });

  it('cancels what has not ended', async () => {
    const { run, id } = await waiting();
    expect(await w.say('/maestro cancel')).toContain(id);
    expect((await w.world.end(run)).status).toBe('cancelled');
    expect(await w.say('/maestro cancel')).toContain('No run');
  });

  it('starts with parameters, once per comment', async () => {
    const deliver = w.comment('/maestro run ci a="b c"');
    await deliver();
    await deliver();
    expect(w.starts).toMatchObject([{ choice: { pipeline: 'ci', params: { a: 'b c' }, isTrusted: false } }]);
  });

  it('shows status, reasons and logs', async () => {
    await failedRun();
    expect(await w.say('/maestro status')).toMatch(/ci \| failed \| 1 of 2/);
    expect(await w.say('/maestro explain')).toContain('ci/b');
    expect(await w.say('/maestro logs')).toContain('has not written anything');
    expect(await w.say('/maestro logs c')).toContain('no run of the newest commit has a step c');
  });
});
