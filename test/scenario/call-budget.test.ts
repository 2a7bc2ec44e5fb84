import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { eventually, type GitHubWorld, openGitHubWorld } from './github-world.ts';

const STEPS = 30;
const WRITES_MAX = 12;
const CHECK = 'maestro / thirty-steps';
/** Longer than the gap that the reporter leaves between two writes of a check. */
const QUIET_MS = 7000;
const RUN_MS_MAX = 40_000;

/** Ten chains, all of which the last step needs. Steps take their time, so that there is something to tell meanwhile. */
const PIPELINE = `name: thirty-steps
on: { push: { branches: [main] }, pull_request: {} }
defaults: { runner: ubuntu-latest, timeout: 2m }
steps:
${Array.from({ length: STEPS - 1 }, (_, n) => {
  const needs = n < 10 ? '' : `needs: [step-${n - 10}], `;
  return `  - { id: step-${n}, ${needs}run: sleep 1 }`;
}).join('\n')}
  - { id: last, needs: [${Array.from({ length: 10 }, (_, n) => `step-${n + 19}`).join(', ')}], run: "true" }
`;

let world: GitHubWorld;
beforeAll(async () => {
  world = await openGitHubWorld({ files: { '.maestro/thirty-steps.yaml': PIPELINE } });
}, 60_000);
afterAll(() => world.close(), 30_000);

/** What the App wrote to the repository, one word per call. */
function writes(): readonly string[] {
  return world.sandbox
    .calls()
    .filter(({ method, installationId }) => method !== 'GET' && installationId === world.installationId)
    .map(({ operation, method, path }) => operation ?? `${method} ${path}`);
}

it('a pipeline of thirty steps costs twelve writes to GitHub at most, its dispatch included', {
  timeout: 60_000,
}, async () => {
  const { sha } = await world.propose('change', { 'change.txt': 'a change\n' });
  const deadline = performance.now() + RUN_MS_MAX;
  const isOver = async (): Promise<boolean> =>
    (await world.checks(sha)).some(({ name, conclusion }) => name === CHECK && conclusion === 'success');
  while (!(await isOver()) && performance.now() < deadline) await pause(200);
  const check = await eventually('the check to pass', async () =>
    (await world.checks(sha)).find(({ name, conclusion }) => name === CHECK && conclusion === 'success'),
  );
  expect(check.summary).toContain('last');
  // What is still to be said is said within the gap.
  for (let before = -1; before !== writes().length; await pause(QUIET_MS)) before = writes().length;
  const all = writes();
  expect(all.filter((word) => word === 'actions/create-workflow-dispatch')).toHaveLength(1);
  expect(all.filter((word) => word === 'checks/create')).toHaveLength(1);
  expect(all.length).toBeLessThanOrEqual(WRITES_MAX);
});
