import { afterAll, beforeAll, expect, it } from 'vitest';
import { eventually, type GitHubWorld, openGitHubWorld } from './github-world.ts';

const PIPELINE = `name: gated
kind: ci
purpose: deploy
on:
  pull_request: {}
defaults: { runner: ubuntu-latest, timeout: 2m }
steps:
  - id: build
    run: echo built
  - id: agree
    needs: [build]
    uses: approval
    with: { message: Go on?, expires: 24h }
`;
const CHECK = 'maestro / gated';
const GATE = `${CHECK} / agree`;

let world: GitHubWorld;
beforeAll(async () => {
  world = await openGitHubWorld({ files: { '.maestro/gated.yaml': PIPELINE } });
});
afterAll(() => world.close());

/** The App's answer to a review, or to a comment on a line. */
const answerTo = (pull: number, kind: 'review' | 'line', id: number): Promise<string> =>
  eventually(`an answer to the ${kind}`, async () =>
    (await world.answers(pull)).find((body) => body.includes(`maestro:answer ${kind}-comment/${id} `)),
  );

it('does what is asked in a review and on a line of the diff, each once, and only for the commit that was reviewed', async () => {
  const { grace, repository } = world;
  const { sha, pull } = await world.propose('reviewed', { 'README.md': 'Reviewed.\n' });
  await world.check(sha, GATE, 'action_required');
  const { data: line } = await grace.octokit.rest.pulls.createReviewComment({
    ...repository,
    pull_number: pull,
    commit_id: sha,
    path: 'README.md',
    line: 1,
    body: '/maestro status',
  });
  expect(await answerTo(pull, 'line', line.id)).toContain('gated');
  const { data: reactions } = await grace.octokit.rest.reactions.listForPullRequestReviewComment({
    ...repository,
    comment_id: line.id,
  });
  expect(reactions.map(({ content }) => content)).toEqual(['eyes']);
  const newer = await world.ada.push(repository, 'reviewed', {
    message: 'feat: more',
    files: { 'README.md': 'More.\n' },
  });
  await world.check(newer, GATE, 'action_required');
  const review = async (commit_id: string): Promise<string> => {
    const body = '/maestro approve agree read it';
    const { data } = await grace.octokit.rest.pulls.createReview({
      ...repository,
      pull_number: pull,
      commit_id,
      event: 'COMMENT',
      body,
    });
    return answerTo(pull, 'review', data.id);
  };
  expect(await review(sha)).toContain(`the review is of ${sha}`);
  await world.check(newer, GATE, 'action_required');
  expect(await review(newer)).toContain('approved gate **agree**');
  await world.check(newer, CHECK, 'success');
});

it('runs all pipelines of a commit again when its suite is asked for again', async () => {
  const { ada, grace, repository } = world;
  const { sha, pull } = await world.propose('again', { 'README.md': 'Again.\n' });
  await world.check(sha, GATE, 'action_required');
  await world.ask(grace, pull, '/maestro approve agree fine');
  const { externalId } = await world.check(sha, CHECK, 'success');
  const { data } = await ada.octokit.rest.checks.listSuitesForRef({ ...repository, ref: sha });
  const suite = data.check_suites.find(({ app }) => app?.id === world.appId);
  await ada.octokit.rest.checks.rerequestSuite({ ...repository, check_suite_id: suite?.id ?? 0 });
  const next = await eventually('a new run', async () =>
    (await world.checks(sha)).find((check) => check.name === CHECK && check.externalId !== externalId),
  );
  expect(next.conclusion).toBeNull();
  await world.ask(grace, pull, '/maestro cancel');
  await world.check(sha, CHECK, 'cancelled');
});

it('answers nobody on a locked conversation, and does all the same what a maintainer asks', async () => {
  const { grace, repository } = world;
  const { sha, pull } = await world.propose('locked', { 'README.md': 'Locked.\n' });
  await world.check(sha, GATE, 'action_required');
  await grace.octokit.rest.issues.lock({ ...repository, issue_number: pull });
  await grace.comment(repository, pull, '/maestro approve agree quietly');
  await world.check(sha, CHECK, 'success');
  expect((await world.answers(pull)).filter((body) => body.includes('maestro:answer'))).toEqual([]);
});
