import { expect, it } from 'vitest';
import { onEveryDatabase } from '../../../every-database.ts';
import { BASE } from './sample-events.ts';
import { opened, pipeline, pushed, REPO, startingWorld } from './starting-world.ts';

onEveryDatabase('filters, and what is said to be skipped', (url) => {
  const w = startingWorld(url);

  it('reports a pull request that the paths leave out as skipped, and asks for its files once', async () => {
    const on = '{ pull_request: { paths: ["src/**"] } }';
    const sha = w().commit({ '.maestro/a.yaml': pipeline(on, 'first'), '.maestro/b.yaml': pipeline(on, 'second') });
    w().far.answers.set(`GET ${REPO}/pulls/7/files`, [{ filename: 'README.md' }]);
    expect(await w().starter.start(opened(sha))).toMatchObject({ started: [], skipped: ['first', 'second'] });
    expect(w().checks).toMatchObject([
      { externalId: `notice/${sha}/.maestro/a.yaml`, name: 'maestro / first', conclusion: 'skipped' },
      { name: 'maestro / second', conclusion: 'skipped' },
    ]);
    expect(w().far.calls.filter((call) => call.endsWith('/files'))).toHaveLength(1);
  });

  it('starts where the old name of a renamed file matches', async () => {
    const sha = w().commit({ '.maestro/ci.yaml': pipeline('{ pull_request: { paths: ["src/**"] } }') });
    w().far.answers.set(`GET ${REPO}/pulls/7/files`, [{ filename: 'lib/a.ts', previous_filename: 'src/a.ts' }]);
    expect((await w().starter.start(opened(sha))).started).toHaveLength(1);
  });

  it('never puts "skipped" over a run of the same commit', async () => {
    const sha = w().commit({ '.maestro/ci.yaml': pipeline('{ push: {}, pull_request: { branches: [release] } }') });
    await w().starter.start(pushed(sha));
    expect(await w().starter.start(opened(sha))).toMatchObject({ started: [], skipped: [] });
    expect(w().checks.map(({ conclusion }) => conclusion)).toEqual([null]);
  });

  it('leaves the verdict on a filtered push to the pull request, where the pipeline waits for both', async () => {
    const on = '{ push: { paths: ["src/**"] }, pull_request: {} }';
    const sha = w().commit({ '.maestro/ci.yaml': pipeline(on) });
    w().far.answers.set(`GET ${REPO}/compare/${BASE}...${sha}`, {
      status: 'ahead',
      files: [{ filename: 'README.md' }],
    });
    expect(await w().starter.start(pushed(sha))).toMatchObject({ started: [], skipped: [] });
    expect((await w().starter.start(opened(sha))).started).toHaveLength(1);
  });

  it('reports a filtered push as skipped where nothing else would, but not branches that are left out', async () => {
    const paths = pipeline('{ push: { paths: ["src/**"] } }', 'paths');
    const branches = pipeline('{ push: { branches: [main] } }', 'branches');
    const sha = w().commit({ '.maestro/a.yaml': paths, '.maestro/b.yaml': branches });
    w().far.answers.set(`GET ${REPO}/compare/${BASE}...${sha}`, {
      status: 'ahead',
      files: [{ filename: 'README.md' }],
    });
    expect(await w().starter.start(pushed(sha))).toMatchObject({ started: [], skipped: ['paths'] });
  });

  it('starts where the commit before a push is gone, or a comparison is cut off', async () => {
    const file = pipeline('{ push: { paths: ["src/**"] } }');
    expect((await w().starter.start(pushed(w().commit({ '.maestro/ci.yaml': file })))).started).toHaveLength(1);
    const sha = w().commit({ '.maestro/ci.yaml': file });
    const files = Array.from({ length: 300 }, (_, i) => ({ filename: `docs/${i}` }));
    w().far.answers.set(`GET ${REPO}/compare/${BASE}...${sha}`, { status: 'ahead', files });
    expect((await w().starter.start(pushed(sha))).started).toHaveLength(1);
  });

  it.each(['behind', 'diverged'])(
    'starts where a branch was moved %s, since GitHub does not show what was taken away',
    async (status) => {
      const sha = w().commit({ '.maestro/ci.yaml': pipeline('{ push: { paths: ["src/**"] } }') });
      w().far.answers.set(`GET ${REPO}/compare/${BASE}...${sha}`, { status, files: [{ filename: 'README.md' }] });
      expect((await w().starter.start(pushed(sha))).started).toHaveLength(1);
    },
  );

  it('takes a run for a run whatever file its pipeline is in: the check of its name is not skipped', async () => {
    const sha = w().commit({
      '.maestro/a.yaml': pipeline('push'),
      '.maestro/b.yaml': pipeline('{ pull_request: { branches: [x] } }'),
    });
    await w().starter.start(pushed(sha));
    expect(await w().starter.start(opened(sha))).toMatchObject({ skipped: [] });
  });

  it('takes back a skip that GitHub was not told yet when a run is added, by whichever server', async () => {
    const sha = w().commit({ '.maestro/ci.yaml': pipeline('{ push: {}, pull_request: { branches: [release] } }') });
    expect(await w().starter.start(opened(sha))).toMatchObject({ skipped: ['tests'] });
    await w().starter.start(pushed(sha));
    expect(await w().standing(sha)).toEqual([['maestro / tests', null]]);
  });
});
