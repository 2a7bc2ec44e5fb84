import { expect, it } from 'vitest';
import type { RunView } from '../../../../src/protocol/run.ts';
import { onEveryDatabase } from '../../../every-database.ts';
import { pipeline, pushed, REPO, startingWorld } from './starting-world.ts';

const PIPELINE = { '.maestro/ci.yaml': pipeline('push') };
const NO_CI = 'kinds: { ci: null }\n';

let count = 0;

onEveryDatabase('the policy of a repository', (url) => {
  const w = startingWorld(url);
  /** The default branch moves to a commit with this policy file. */
  const main = (policy: string | undefined): void => {
    const sha = (++count).toString(16).padStart(40, 'd');
    w().far.commits.set(sha, policy === undefined ? {} : { '.maestro/policy.yaml': policy });
    w().far.answers.set(`GET ${REPO}/git/ref/heads/main`, { object: { sha } });
  };
  const push = async (files: Readonly<Record<string, string>> = PIPELINE): Promise<RunView> => {
    const { started } = await w().starter.start(pushed(w().commit(files)));
    return w().engine.readRun(await w().engine.resolve(started[0]?.runId ?? ''));
  };

  it('is that of its default branch, as it is now', async () => {
    main(NO_CI);
    const denied = await push();
    expect(denied).toMatchObject({ status: 'rejected', decision: { verdict: 'deny' } });
    expect(denied.reason).toMatch(/^base\/unknown-kind/);
    main(undefined);
    expect((await push()).status).toBe('running');
  });

  it('is not what the branch that is pushed says', async () => {
    main('autonomy: { max: L1 }\n');
    expect((await push({ ...PIPELINE, '.maestro/policy.yaml': NO_CI })).status).toBe('running');
  });

  it('keeps everything new from beginning while its file is broken, and says where', async () => {
    main('kinds:\n  ci: {}\n  ic: maybe\n');
    const refused = await push();
    expect(refused.status).toBe('rejected');
    expect(refused.reason).toContain('.maestro/policy.yaml:3:');
    main('kinds: { ci: {} }\n');
    expect((await push()).status).toBe('running');
  });

  it('judges what waits anew when it changes, and leaves it be when the new file is broken', async () => {
    main('tags: { deploy: {} }\n');
    const tagged =
      'name: tests\non: push\nsteps:\n  - { id: a, run: "true" }\n  - { id: b, run: "true", tags: [deploy] }\n';
    const { id } = await push({ '.maestro/ci.yaml': tagged });
    main('tags: { deploy: nonsense }\n');
    await push();
    const run = await w().engine.resolve(id);
    const { workerId } = await w().engine.leases.register({ name: 'w', runners: ['*'], capacity: 1, run: id });
    const lease = async () =>
      (await w().engine.leases.acquire(workerId, 1, 3000, new AbortController().signal)).map((one) => one.step.id);
    expect(await lease()).toEqual(['a']);
    main('tags: { deploy: { verdict: deny } }\n');
    await push();
    await w().engine.leases.leave(workerId);
    const again = await w().engine.leases.register({ name: 'w', runners: ['*'], capacity: 1, run: id });
    const [a] = await w().engine.leases.acquire(again.workerId, 1, 3000, new AbortController().signal);
    await w().engine.leases.complete(again.workerId, [{ ...a!, outcome: { kind: 'succeeded' } }], 0);
    await expect
      .poll(async () => (await w().engine.readRun(run)).steps.map(({ status }) => status), { timeout: 5000 })
      .toEqual(['succeeded', 'denied']);
  });
});
