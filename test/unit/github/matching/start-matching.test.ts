import { expect, it } from 'vitest';
import { onEveryDatabase } from '../../../every-database.ts';
import { opened, pipeline, pushed, startingWorld } from './starting-world.ts';

onEveryDatabase('starting', (url) => {
  const w = startingWorld(url);

  it('starts what matches, and says where it belongs', async () => {
    const sha = w().commit({
      '.maestro/ci.yaml': pipeline('push'),
      '.maestro/other.yml': pipeline('release', 'other'),
    });
    const { started, ...rest } = await w().starter.start(pushed(sha));
    expect(rest).toEqual({ skipped: [], broken: [], held: [] });
    expect(started).toEqual([{ runId: expect.any(String), pipeline: 'tests' }]);
    const runId = started[0]!.runId;
    expect(await w().runs.find(runId)).toMatchObject({
      headSha: sha,
      ref: 'refs/heads/feature',
      pullNumber: null,
      pipelinePath: '.maestro/ci.yaml',
      checkName: 'maestro / tests',
    });
    expect(w().checks).toMatchObject([
      { externalId: runId, name: 'maestro / tests', status: 'queued', conclusion: null },
    ]);
    const trigger = await w().engine.readTrigger(await w().engine.resolve(runId));
    expect(trigger).toMatchObject({
      type: 'push',
      actor: { provider: 'github', id: 'mona' },
      source: { gitCommit: sha },
    });
    expect(trigger.github).toMatchObject({ event_name: 'push', sha, ref_name: 'feature', repository: 'octo/app' });
  });

  it('starts once, however often the event is handled and whoever comes first, push or pull request', async () => {
    const sha = w().commit({ '.maestro/ci.yaml': pipeline('[push, pull_request]') });
    const reports = await Promise.all([
      w().starter.start(pushed(sha)),
      w().starter.start(opened(sha)),
      w().starter.start(pushed(sha)),
    ]);
    reports.push(await w().starter.start(opened(sha)));
    expect(new Set(reports.map(({ started }) => started[0]?.runId)).size).toBe(1);
    expect(await w().runs.ofCommit(11, sha)).toHaveLength(1);
    expect(w().checks).toHaveLength(1);
  });

  it('starts anew for an occasion of its own: another branch, a label, a command', async () => {
    const sha = w().commit({
      '.maestro/ci.yaml': pipeline('{ push: {}, pull_request: { types: [opened, labeled] } }'),
    });
    await w().starter.start(pushed(sha));
    await w().starter.start(pushed(sha, 'main'));
    await w().starter.start(opened(sha, { action: 'labeled', deliveryId: 'label-1' }));
    await w().starter.start(opened(sha, { action: 'labeled', deliveryId: 'label-1' }));
    await w().starter.start(opened(sha), { occasion: 'comment/1' });
    expect(await w().runs.ofCommit(11, sha)).toHaveLength(4);
  });

  it('finishes what a crash left half done, without a second run', async () => {
    const sha = w().commit({ '.maestro/ci.yaml': pipeline('push') });
    const dies = w().starterWith({ ...w().board, put: () => Promise.reject(new Error('killed')) });
    await expect(dies.start(pushed(sha))).rejects.toThrow('killed');
    expect(await w().runs.ofCommit(11, sha)).toEqual([]);
    const { started } = await w().starter.start(pushed(sha));
    expect(w().checks).toHaveLength(1);
    expect((await w().runs.ofCommit(11, sha)).map(({ runId }) => runId)).toEqual([started[0]?.runId]);
  });

  it('does nothing, and reports nothing, for a commit that asks to skip', async () => {
    const sha = w().commit({ '.maestro/ci.yaml': pipeline('[push, pull_request]') }, 'docs [skip ci]');
    await w().starter.start({ ...pushed(sha), commitMessage: 'docs [skip ci]' });
    await w().starter.start(opened(sha));
    expect(w().checks).toEqual([]);
    expect((await w().starter.start(opened(sha), { occasion: 'comment/2' })).started).toHaveLength(1);
  });

  it('shows the errors of a pipeline on their lines', async () => {
    const text = 'name: tests\non: push\nsteps:\n  - id: test\n    uses: shel\n  - id: test\n    run: x\n';
    const sha = w().commit({ '.maestro/ci.yaml': text, '.maestro/ok.yaml': pipeline('push', 'okay') });
    expect(await w().starter.start(pushed(sha))).toMatchObject({ broken: ['tests'], started: [{ pipeline: 'okay' }] });
    const [broken] = w().checks;
    expect(broken).toMatchObject({ name: 'maestro / tests', status: 'completed', conclusion: 'failure' });
    expect(broken?.annotations).toMatchObject([
      { path: '.maestro/ci.yaml', startLine: 5, level: 'failure', title: 'uses-unknown' },
      { path: '.maestro/ci.yaml', startLine: 6, level: 'failure' },
    ]);
  });

  it.each([
    ['is no YAML', 'name: [', 'ci'],
    ['is empty', '', 'ci'],
    ['is binary', new Uint8Array([0xff, 0xfe, 0, 1]), 'ci'],
    ['is too large', `# ${'x'.repeat(1_100_000)}`, 'ci'],
  ])('reports a file that %s', async (_name, content, name) => {
    const sha = w().commit({ '.maestro/ci.yaml': content });
    expect(await w().starter.start(pushed(sha))).toMatchObject({ broken: [name], started: [] });
  });

  it('reads tasks of the repository, at the commit', async () => {
    const text = 'name: tests\non: push\nsteps:\n  - id: test\n    uses: ./tasks/lint\n';
    const manifest = JSON.stringify({ name: 'lint', main: ['node', 'main.js'], files: ['main.js'] });
    const sha = w().commit({
      '.maestro/ci.yaml': text,
      'tasks/lint/maestro.task.json': manifest,
      'tasks/lint/main.js': '1',
    });
    expect((await w().starter.start(pushed(sha))).started).toHaveLength(1);
    const without = w().commit({ '.maestro/ci.yaml': text, 'tasks/lint/maestro.task.json': manifest });
    expect(await w().starter.start(pushed(without))).toMatchObject({ broken: ['tests'] });
    expect(w().checks.at(-1)?.annotations).toMatchObject([{ title: 'task-invalid' }]);
  });

  it('starts a pipeline by name though its triggers do not match, with its parameters', async () => {
    const params = 'params:\n  where: { type: string, required: true }\n';
    const text = pipeline('release').replace('run: npm test', 'run: echo "$W"\n    env: { W: "${{ params.where }}" }');
    const sha = w().commit({ '.maestro/ci.yaml': text.replace('steps:', `${params}steps:`) });
    const choice = { pipeline: 'tests', params: { where: 'staging' }, occasion: 'comment/3' };
    const { started } = await w().starter.start(opened(sha), choice);
    expect((await w().engine.readPlan(await w().engine.resolve(started[0]!.runId))).params).toEqual({
      where: 'staging',
    });
    expect(await w().starter.start(opened(sha), { pipeline: 'nothing' })).toMatchObject({ started: [], broken: [] });
  });

  it('leaves a pipeline alone that only people start, though it lacks a parameter now', async () => {
    const text = pipeline('dispatch').replace('steps:', 'params:\n  where: { type: string, required: true }\nsteps:');
    const sha = w().commit({ '.maestro/ci.yaml': text, '.maestro/manual.yaml': text.replace('on: dispatch\n', '') });
    expect(await w().starter.start(pushed(sha))).toMatchObject({ broken: [], started: [] });
  });

  it('finds nothing in a commit that is gone, and in one without pipelines', async () => {
    const nothing = { started: [], skipped: [], broken: [], held: [] };
    expect(await w().starter.start(pushed('d'.repeat(40)))).toEqual(nothing);
    expect(
      await w().starter.start(
        pushed(w().commit({ 'README.md': 'x', '.maestro/policy.yaml': 'x', '.maestro/policy-cases.yaml': 'x' })),
      ),
    ).toEqual(nothing);
  });

  it('tells what an event would start, and the commands that are declared, and starts nothing', async () => {
    const command = pipeline('{ command: { name: deploy, permission: admin } }', 'deploy');
    const sha = w().commit({ '.maestro/a.yaml': pipeline('push', 'first'), '.maestro/b.yaml': command });
    expect(await w().starter.commands(pushed(sha))).toEqual([
      { name: 'deploy', pipeline: 'deploy', permission: 'admin' },
    ]);
    expect(await w().starter.intents(pushed(sha))).toMatchObject([{ pipeline: 'first', reason: null, request: {} }]);
    expect(await w().runs.ofCommit(11, sha)).toEqual([]);
  });
});
