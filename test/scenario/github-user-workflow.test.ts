import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ACTION_USE, eventually, type GitHubWorld, openGitHubWorld } from './github-world.ts';

const NIGHTLY = `name: nightly
kind: ci
purpose: build
params:
  greeting: { type: string, default: hello }
on: { dispatch: {} }
defaults: { runner: ubuntu-latest, timeout: 2m }
steps:
  - id: greet
    run: echo "$GREETING, $(cat README.md)"; test ! -f broken
    env: { GREETING: "\${{ params.greeting }}" }
`;

/** A workflow of somebody's own, with Maestro as one of its steps. */
function ownWorkflow(server: string): string {
  return `name: Own
on: { push: { branches: [own-*] } }
permissions: { contents: read, id-token: write }
jobs:
  nightly:
    runs-on: ubuntu-latest
    steps:
      - id: maestro
        uses: ${ACTION_USE}
        with:
          server: ${server}
          pipeline: nightly
          params: greeting=ahoy
      - run: echo "it was $STATUS $RUN"
        if: always()
        env:
          STATUS: \${{ steps.maestro.outputs.status }}
          RUN: \${{ steps.maestro.outputs.run-id }}
`;
}

describe('Maestro as a step of somebody’s own workflow', () => {
  let world: GitHubWorld;
  beforeAll(async () => {
    world = await openGitHubWorld({ files: { '.maestro/nightly.yaml': NIGHTLY } });
    const files = { '.github/workflows/own.yml': ownWorkflow(world.server.url) };
    await world.ada.push(world.repository, 'main', { message: 'ci: own', files });
  });
  afterAll(() => world.close());

  const jobAfter = async (branch: string, files: Readonly<Record<string, string>>) => {
    const before = world.sandbox.jobs().length;
    const sha = await world.ada.push(world.repository, branch, { message: `feat: ${branch}`, files });
    const job = await eventually(
      'the job',
      () => {
        const [found] = world.sandbox.jobs().slice(before);
        return found?.status === 'completed' ? found : undefined;
      },
      () => world.sandbox.jobs(),
    );
    return { sha, job };
  };

  it('starts a run of the pushed commit, serves it, waits for it and tells its end', async () => {
    const { sha, job } = await jobAfter('own-good', { 'README.md': 'Good.\n' });
    const { externalId } = await world.check(sha, 'maestro / nightly', 'success');
    expect(job.log).toContain('ahoy, Good.');
    expect(job.log).toContain(`it was succeeded ${externalId}`);
    expect(job.conclusion).toBe('success');
    // It served the run itself.
    expect(world.sandbox.jobs()).toHaveLength(1);
  });

  it('fails with the run', async () => {
    const { sha, job } = await jobAfter('own-bad', { 'README.md': 'Bad.\n', broken: '' });
    const { externalId } = await world.check(sha, 'maestro / nightly', 'failure');
    expect(job.log).toContain(`it was failed ${externalId}`);
    expect(job.conclusion).toBe('failure');
  });
});
