import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { MisbehaviourRule } from '../../sandbox/sandbox.ts';
import { WORKFLOW_PATH } from '../../src/cli/repository-workflow.ts';
import { eventually, type GitHubWorld, openGitHubWorld } from './github-world.ts';

const UNIT = `name: unit
kind: ci
purpose: build
on:
  pull_request: {}
defaults: { runner: ubuntu-latest, timeout: 2m }
steps:
  - id: first
    run: cat README.md
  - id: second
    needs: [first]
    run: test ! -f broken
`;
const RARE = `name: rare
kind: ci
purpose: build
on:
  pull_request: { paths: ["rare/**"] }
defaults: { runner: rare, timeout: 2m }
steps:
  - id: only
    run: echo rare
`;
const CHECK = 'maestro / unit';
const FILES = { '.maestro/unit.yaml': UNIT, '.maestro/rare.yaml': RARE };

describe('a GitHub that is not at its best', () => {
  let world: GitHubWorld;
  beforeAll(async () => {
    world = await openGitHubWorld({
      files: FILES,
      env: { MAESTRO_RUNNER_LABELS: '{"rare": ["self-hosted", "rare"]}' },
    });
  });
  afterAll(() => world.close());

  /** Also those that a newer one of the same name hides. */
  const everyCheck = async (sha: string): Promise<readonly string[]> => {
    const { ada, repository } = world;
    const place = { ...repository, ref: sha, filter: 'all', per_page: 100 } as const;
    const { data } = await ada.octokit.rest.checks.listForRef(place);
    return data.check_runs.map(({ name }) => name).filter((name) => name.startsWith('maestro / '));
  };

  it.each<[string, readonly MisbehaviourRule[]]>([
    ['webhooks are delivered twice', [{ kind: 'duplicate' }]],
    [
      'webhooks come in another order',
      [
        { kind: 'reorder', event: 'push' },
        { kind: 'reorder', event: 'workflow_job', times: 2 },
      ],
    ],
    [
      'webhooks are late',
      [
        { kind: 'delay', event: 'push', delayMs: 800 },
        { kind: 'delay', event: 'workflow_job', delayMs: 1500 },
      ],
    ],
    [
      'its API has a bad minute',
      [
        { kind: 'answer', call: /^GET .*(trees|blobs)/, answer: { type: 'status', status: 502 }, times: 2 },
        { kind: 'answer', call: /^(POST|PATCH) .*check-runs/, answer: { type: 'status', status: 500 }, times: 2 },
      ],
    ],
    [
      'it wants fewer calls',
      [
        {
          kind: 'answer',
          call: /^POST .*check-runs/,
          answer: { type: 'secondary-limit', retryAfterSeconds: 1 },
          times: 1,
        },
        { kind: 'answer', call: /dispatches/, answer: { type: 'rate-limit', retryAfterSeconds: 1 }, times: 1 },
        { kind: 'answer', call: /^GET .*trees/, answer: { type: 'secondary-limit', retryAfterSeconds: 1 }, times: 1 },
      ],
    ],
    [
      'its answers are lost',
      [
        { kind: 'answer', call: /^POST .*check-runs/, answer: { type: 'lost-answer' }, times: 1 },
        { kind: 'answer', call: /^POST .*\/comments/, answer: { type: 'lost-answer' }, times: 1 },
      ],
    ],
  ])('ends as it should when %s', { timeout: 180_000 }, async (name, rules) => {
    const ends = rules.map((rule) => world.sandbox.misbehave(rule));
    try {
      const branch = name.replaceAll(' ', '-');
      const { sha, pull } = await world.propose(branch, { broken: '', 'README.md': `${name}\n` });
      await world.check(sha, CHECK, 'failure');
      await world.check(sha, `${CHECK} / second`, 'failure');
      const wanted = ['maestro / rare', CHECK, `${CHECK} / second`];
      await eventually('each check', async () => (await everyCheck(sha)).length >= wanted.length);
      expect((await everyCheck(sha)).toSorted()).toEqual(wanted);
      await eventually('one comment', async () => (await world.answers(pull)).length === 1);
    } finally {
      for (const end of ends) end();
    }
  });

  it('catches up with webhooks that were lost', async () => {
    const end = world.sandbox.misbehave({ kind: 'drop' });
    const { sha } = await world.propose('lost', { 'README.md': 'Lost.\n' });
    end();
    expect(await world.checks(sha)).toEqual([]);
    await world.server.stop();
    await world.server.restart();
    await world.check(sha, CHECK, 'success');
  });

  it('keeps a job for a machine with the labels of its class', async () => {
    const { sandbox } = world;
    const { sha } = await world.propose('rare', { 'rare/a': 'a' });
    await world.check(sha, CHECK, 'success');
    const job = () => sandbox.jobs().find(({ labels }) => labels.includes('rare'));
    expect(job()).toMatchObject({ status: 'queued', labels: ['self-hosted', 'rare'] });
    sandbox.setRunners([
      { labels: ['ubuntu-latest'], count: 8 },
      { labels: ['self-hosted', 'rare'], count: 1 },
    ]);
    await world.check(sha, 'maestro / rare', 'success');
  });

  it('says on the check why no job is started', async () => {
    const { ada, repository } = world;
    const mistaken = 'on: { push: { branches: [never] } }\njobs: { work: { runs-on: rare, steps: [{ run: echo }] } }\n';
    await ada.push(repository, 'main', { message: 'ci: mistake', files: { [WORKFLOW_PATH]: mistaken } });
    const { sha } = await world.propose('unstarted', { 'README.md': 'Unstarted.\n' });
    const waiting = await eventually(
      'a reason',
      async () =>
        (await world.checks(sha)).find(({ name, title }) => name === CHECK && title.includes('workflow_dispatch')),
      () => world.checks(sha),
    );
    expect(waiting.title).toMatch(/^0 of 2 steps done: .* has no workflow_dispatch trigger/);
    expect(waiting.summary).toContain('maestro init');
  });
});
