import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { eventually, type GitHubWorld, openGitHubWorld } from './github-world.ts';

const FLAKY = `name: flaky
kind: ci
purpose: build
params:
  greeting: { type: string, default: hello }
on:
  pull_request: {}
defaults: { runner: ubuntu-latest, timeout: 2m }
steps:
  - id: first
    run: echo "$GREETING from the first step"
    env: { GREETING: "\${{ params.greeting }}" }
  - id: second
    needs: [first]
    retry: { max: 1, on: [step], backoff: { initial: 100ms } }
    run: echo "attempt of $(cat README.md)"; test ! -f broken
`;
const GATED = `name: gated
kind: ci
purpose: deploy
on:
  pull_request: { paths: ["gated/**"] }
defaults: { runner: ubuntu-latest, timeout: 2m }
steps:
  - id: build
    run: echo built
  - id: agree
    needs: [build]
    uses: approval
    with: { message: Go on?, not-author: true, expires: 24h }
  - id: show
    needs: [agree]
    run: echo shown
`;
const CHECK = 'maestro / flaky';
const GATE = 'maestro / gated / agree';

describe('what people ask for on a pull request', () => {
  let world: GitHubWorld;
  beforeAll(async () => {
    world = await openGitHubWorld({ files: { '.maestro/flaky.yaml': FLAKY, '.maestro/gated.yaml': GATED } });
  });
  afterAll(() => world.close());

  it('looks into a failed run, retries it, and leaves no red mark of the run before', async () => {
    const { ada } = world;
    const { sha, pull } = await world.propose('retried', { broken: '', 'README.md': 'Broken.\n' });
    const { externalId } = await world.check(sha, CHECK, 'failure');
    // It was tried twice: what the first attempt said is not why the run failed.
    const { summary } = await world.check(sha, `${CHECK} / second`, 'failure');
    expect(summary.split('attempt of Broken.')).toHaveLength(2);
    expect((await world.ask(ada, pull, '/maestro logs second')).split('attempt of Broken.')).toHaveLength(2);
    expect(await world.ask(ada, pull, '/maestro status')).toMatch(/flaky/);
    expect(await world.ask(ada, pull, '/maestro logs')).toContain('attempt of Broken.');
    expect(await world.ask(ada, pull, '/maestro logs first')).toContain('hello from the first step');
    expect(await world.ask(ada, pull, '/maestro explain second')).toMatch(/second/);
    expect(await world.ask(ada, pull, '/maestro plan')).toMatch(/flaky/);
    expect(await world.ask(ada, pull, '/maestro retry')).toContain(externalId);
    const again = await eventually('a new verdict', async () =>
      (await world.checks(sha)).find(
        (check) => check.name === CHECK && check.externalId !== externalId && check.conclusion === 'failure',
      ),
    );
    const step = await eventually('the new run’s own step', async () =>
      (await world.checks(sha)).find(
        ({ name, externalId: id }) => name === `${CHECK} / second` && id.startsWith(again.externalId),
      ),
    );
    expect(step.conclusion).toBe('failure');
    expect(again.title).toBe('Failed: second');
    await world.sandbox.settled();
    const { data } = await ada.octokit.rest.checks.listForRef({
      ...world.repository,
      ref: sha,
      filter: 'all',
      per_page: 100,
    });
    const ofBefore = data.check_runs.filter(({ external_id: id }) => id?.startsWith(`${externalId}/`));
    expect(ofBefore.map(({ conclusion }) => conclusion)).not.toContain('failure');
  });

  it('runs a pipeline with other parameters, and does several commands of one comment in turn, but none that is quoted', async () => {
    const { ada } = world;
    const { sha, pull } = await world.propose('asked', { 'README.md': 'Fine.\n' });
    await world.check(sha, CHECK, 'success');
    const text = '/maestro run flaky greeting=ahoy\n> /maestro cancel\n```\n/maestro cancel\n```\n/maestro status';
    const answer = await world.ask(ada, pull, text);
    expect(answer).toContain('Started **flaky**');
    expect(answer).not.toContain('Cancelled');
    expect(answer.split('\n---\n')).toHaveLength(2);
    await world.sandbox.settled();
    await eventually('the other greeting', async () =>
      (await world.ask(ada, pull, '/maestro logs first')).includes('ahoy from the first step'),
    );
  });

  it('does nothing for a stranger but what anybody may ask, and nothing when a comment is edited', async () => {
    const { ada, mallory, repository, sandbox } = world;
    const { sha, pull } = await world.propose('strange', { 'README.md': 'Strange.\n', 'gated/a': 'a' });
    await world.check(sha, CHECK, 'success');
    await world.check(sha, GATE, 'action_required');
    const jobs = sandbox.jobs().length;
    const forbidden = ['run', 'retry', 'cancel', 'approve agree', 'deny agree', 'ok-to-test'];
    const lines = [...forbidden, 'help'].map((words) => `/maestro ${words}`).join('\n');
    const answers = (await world.ask(mallory, pull, lines)).split('\n---\n');
    for (const answer of answers.slice(0, -1))
      expect(answer).toMatch(/Not done: policy does not let mallory.* wants the role/);
    expect(answers).toHaveLength(7);
    expect(answers.at(-1)).toContain('ok-to-test');
    const id = await ada.comment(repository, pull, 'Looks good.');
    const count = (await world.answers(pull)).length;
    await ada.octokit.rest.issues.updateComment({ ...repository, comment_id: id, body: '/maestro deny agree' });
    // The inbox keeps the order of a pull request: when this is answered, the edit was dealt with.
    expect(await world.ask(ada, pull, '/maestro status')).toMatch(/gated/);
    expect(await world.answers(pull)).toHaveLength(count + 1);
    expect(sandbox.jobs()).toHaveLength(jobs);
    await world.check(sha, GATE, 'action_required');
  });

  it('denies a gate by comment, and the run ends without its step', async () => {
    const { grace } = world;
    const { sha, pull } = await world.propose('denied', { 'gated/b': 'b' });
    await world.check(sha, GATE, 'action_required');
    expect(await world.ask(grace, pull, '/maestro deny agree not today')).toMatch(/denied.*not today/);
    expect(await world.check(sha, 'maestro / gated', 'failure')).toMatchObject({ title: 'Denied: agree' });
    await world.check(sha, GATE, 'failure');
  });

  it('cancels what waits', async () => {
    const { ada } = world;
    const { sha, pull } = await world.propose('cancelled', { 'gated/c': 'c' });
    await world.check(sha, GATE, 'action_required');
    expect(await world.ask(ada, pull, '/maestro cancel')).toContain('Cancelled');
    expect((await world.check(sha, 'maestro / gated', 'cancelled')).title).toContain('cancelled by ada');
    await world.check(sha, GATE, 'cancelled');
  });

  it('takes the buttons of a check for what they say, from people who may', async () => {
    const { ada, grace, mallory } = world;
    const { sha } = await world.propose('pressed', { 'gated/d': 'd', broken: '' });
    const gate = await world.check(sha, GATE, 'action_required');
    const failed = await world.check(sha, CHECK, 'failure');
    await expect(world.press(mallory, gate.id, 'approve')).rejects.toThrow('403');
    // Whoever wrote the change cannot approve it.
    await world.press(ada, gate.id, 'approve');
    await world.press(ada, failed.id, 'rerun-failed');
    await eventually('a run again', async () =>
      (await world.checks(sha)).find(
        (check) => check.name === CHECK && check.externalId !== failed.externalId && check.conclusion === 'failure',
      ),
    );
    expect(await world.check(sha, GATE, 'action_required')).toMatchObject({ id: gate.id });
    await world.press(grace, gate.id, 'approve');
    const done = await world.check(sha, 'maestro / gated', 'success');
    await world.check(sha, GATE, 'success');
    await world.press(grace, done.id, 'rerequest');
    await eventually('a run from the beginning', async () =>
      (await world.checks(sha)).find(
        ({ name, externalId, conclusion }) =>
          name === GATE && conclusion === 'action_required' && !externalId.startsWith(done.externalId),
      ),
    );
    expect((await world.checks(sha)).find(({ name }) => name === 'maestro / gated')?.conclusion).not.toBe('success');
  });
});
