import { expect, it } from 'vitest';
import type { CodeEvent } from '../../../../src/github/code-event.ts';
import { onEveryDatabase } from '../../../every-database.ts';
import { BASE, pullFacts } from './sample-events.ts';
import { forked, opened, pipeline, REPO, startingWorld } from './starting-world.ts';

onEveryDatabase('starting for forks', (url) => {
  const w = startingWorld(url);

  it("holds a fork's commit until somebody vouched for it, and reads its pipelines from the base", async () => {
    w().far.commits.set(BASE, { '.maestro/ci.yaml': pipeline('pull_request') });
    const sha = w().commit({ '.maestro/ci.yaml': pipeline('pull_request', 'evil') });
    expect(await w().starter.start(forked(sha))).toMatchObject({ held: ['tests'], started: [] });
    expect(w().checks).toMatchObject([{ name: 'maestro / tests', conclusion: 'action_required' }]);
    expect(w().checks[0]?.summary).toContain(`/maestro ok-to-test ${sha}`);
    expect((await w().starter.start(forked(sha), { isTrusted: true })).started).toHaveLength(1);
    expect(await w().runs.ofCommit(11, sha)).toMatchObject([{ isFork: true, pullNumber: 7 }]);
  });

  it('reads the pipelines of a fork at the tip of its base branch, which GitHub does not keep in the pull request', async () => {
    const tip = '2'.repeat(40);
    w().far.commits.set(BASE, { '.maestro/ci.yaml': pipeline('pull_request', 'weak') });
    w().far.commits.set(tip, { '.maestro/ci.yaml': pipeline('pull_request', 'hardened') });
    w().far.answers.set(`GET ${REPO}/git/ref/heads/main`, { object: { sha: tip } });
    const sha = w().commit({});
    expect(await w().starter.start(forked(sha))).toMatchObject({ held: ['hardened'] });
    expect((await w().starter.start(forked(sha), { isTrusted: true })).started).toMatchObject([
      { pipeline: 'hardened' },
    ]);
  });

  it('lets no second pull request of a fork, whose base a filter leaves out, pass what is held for the first', async () => {
    w().far.commits.set(BASE, { '.maestro/ci.yaml': pipeline('{ pull_request: { branches: [main] } }') });
    const sha = w().commit({});
    const pullInto = (number: number, baseRef: string): CodeEvent =>
      opened(sha, {
        definitionsSha: BASE,
        branch: baseRef,
        ref: `refs/pull/${number}/head`,
        pull: pullFacts({ number, headSha: sha, isFork: true, baseRef }),
      });
    expect(await w().starter.start(pullInto(71, 'main'))).toMatchObject({ held: ['tests'] });
    expect(await w().starter.start(pullInto(72, 'develop'))).toMatchObject({ skipped: [] });
    expect(await w().standing(sha)).toEqual([['maestro / tests', 'action_required']]);
    // The other way round: what was skipped for one is held for the other, under one check.
    const other = w().commit({});
    const next = (number: number, baseRef: string): CodeEvent => ({
      ...pullInto(number, baseRef),
      headSha: other,
      pull: pullFacts({ number, headSha: other, isFork: true, baseRef }),
    });
    expect(await w().starter.start(next(73, 'develop'))).toMatchObject({ skipped: ['tests'] });
    expect(await w().starter.start(next(74, 'main'))).toMatchObject({ held: ['tests'] });
    expect(await w().starter.start(next(73, 'develop'))).toMatchObject({ skipped: [] });
    expect(w().checks.at(-1)).toMatchObject({
      conclusion: 'action_required',
      externalId: `notice/${other}/.maestro/ci.yaml`,
    });
  });

  it('gives the verdict of a base branch anew when a pull request went to another one and comes back', async () => {
    const legacy = '3'.repeat(40);
    far(BASE, 'npm test');
    far(legacy, 'echo ok');
    const sha = w().commit({});
    const onto = (baseRef: string, deliveryId: string): CodeEvent => {
      const definitionsSha = baseRef === 'main' ? BASE : legacy;
      const pull = pullFacts({ headSha: sha, isFork: true, baseRef });
      return { ...forked(sha), deliveryId, definitionsSha, branch: baseRef, pull };
    };
    const trusted = { isTrusted: true };
    const { started: first } = await w().starter.start(onto('main', 'd1'), trusted);
    await w().starter.start(onto('legacy', 'd2'), trusted);
    const { started: back } = await w().starter.start(onto('main', 'd3'), trusted);
    expect(back[0]?.runId).not.toBe(first[0]?.runId);
    expect(w().checks.at(-1)).toMatchObject({ externalId: back[0]?.runId, status: 'queued' });
    // The same word once more, and one that changes nothing, make no third run.
    await w().starter.start(onto('main', 'd3'), trusted);
    await w().starter.start(onto('main', 'd4'), trusted);
    expect(await w().idsOf(sha)).toHaveLength(3);
    // Held under the other one meanwhile: what is held stands under its name, so the run has to speak again.
    await w().starter.start(onto('legacy', 'd5'));
    expect(w().checks.at(-1)).toMatchObject({ conclusion: 'action_required' });
    await w().starter.start(onto('main', 'd6'), trusted);
    expect(w().checks.at(-1)).toMatchObject({ status: 'queued' });
    expect(await w().idsOf(sha)).toHaveLength(4);

    function far(commit: string, run: string): void {
      const text = pipeline('pull_request').replace('npm test', run);
      w().far.commits.set(commit, { '.maestro/ci.yaml': text });
    }
  });

  it('starts the first run of a vouched commit once, though it was held under its name', async () => {
    w().far.commits.set(BASE, { '.maestro/ci.yaml': pipeline('pull_request') });
    const sha = w().commit({});
    await w().starter.start(forked(sha));
    await w().starter.start(forked(sha), { isTrusted: true });
    await w().starter.start(forked(sha), { isTrusted: true });
    expect(await w().idsOf(sha)).toHaveLength(1);
  });

  it('follows one pull request to another base branch, whose filter leaves it out', async () => {
    w().far.commits.set(BASE, { '.maestro/ci.yaml': pipeline('{ pull_request: { branches: [main] } }') });
    const sha = w().commit({});
    await w().starter.start(forked(sha));
    const pull = pullFacts({ headSha: sha, isFork: true, baseRef: 'develop' });
    expect(await w().starter.start(opened(sha, { definitionsSha: BASE, branch: 'develop', pull }))).toMatchObject({
      skipped: ['tests'],
    });
  });

  it("takes a run under one base branch for no run under another, which would be the fork's choice of pipelines", async () => {
    const legacy = '1'.repeat(40);
    w().far.commits.set(BASE, { '.maestro/ci.yaml': pipeline('pull_request') });
    w().far.commits.set(legacy, { '.maestro/ci.yaml': pipeline('pull_request').replace('npm test', 'echo ok') });
    const sha = w().commit({});
    const onto = (baseRef: string, definitionsSha: string, deliveryId: string): CodeEvent => ({
      ...forked(sha),
      deliveryId,
      definitionsSha,
      pull: pullFacts({ headSha: sha, isFork: true, baseRef, baseSha: definitionsSha }),
    });
    const weak = await w().starter.start(onto('legacy', legacy, 'd1'), { isTrusted: true });
    expect(await w().starter.start(onto('main', BASE, 'delivery/d2'))).toMatchObject({ held: ['tests'], started: [] });
    // A check of its own: GitHub would go by the run's, which is newer than an earlier notice.
    expect(w().checks.at(-1)).toMatchObject({
      conclusion: 'action_required',
      externalId: `notice/${sha}@delivery-d2/.maestro/ci.yaml`,
    });
    const strong = await w().starter.start(onto('main', BASE, 'd3'), { isTrusted: true });
    expect(strong.started[0]?.runId).not.toBe(weak.started[0]?.runId);
  });
});
