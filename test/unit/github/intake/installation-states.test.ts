import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import type { Engine } from '../../../../src/engine/engine.ts';
import { InstallationStates } from '../../../../src/github/intake/installation-states.ts';
import type { GitHubAccess } from '../../../../src/github/octokit.ts';
import type { InstallationPlace, Installations } from '../../../../src/protocol/installation.ts';
import type { Database } from '../../../../src/store/database.ts';
import { openGitHubRuns } from '../../../../src/store/github-runs.ts';
import { openInstallations } from '../../../../src/store/installations.ts';
import { onEveryDatabase } from '../../../every-database.ts';
import { freshDatabase, openTestEngine } from '../../../fakes/engine.ts';
import { FarEnd } from '../matching/far-end.ts';
import { PlaceWorld } from './place-world.ts';

const NOW = Date.parse('2026-11-20T12:00:00Z');
const RECENT = '2026-11-19T12:00:00Z';
const LONG_AGO = '2026-08-01T12:00:00Z';

onEveryDatabase('the sweep of installations', (url) => {
  const far = new FarEnd();
  let fresh: Awaited<ReturnType<typeof freshDatabase>>;
  let db: Database;
  let engine: Engine;
  let installations: Installations;
  let access: GitHubAccess;
  let world: PlaceWorld;
  let sweeper: InstallationStates;
  beforeAll(async () => {
    fresh = await freshDatabase(url);
    db = await fresh.open();
    engine = await openTestEngine(db);
    installations = openInstallations(db);
    access = await far.open();
    world = new PlaceWorld(db, engine);
  });
  beforeEach(async () => {
    far.reset();
    await world.reset();
    const runs = openGitHubRuns(db);
    sweeper = new InstallationStates({ access, engine, runs, installations, clock: { now: () => NOW } });
  });
  afterAll(async () => {
    await far.close();
    await engine.close();
    await db.close();
    await fresh.drop();
  });

  const answer = (id: number, suspended_at: string | null): Map<string, unknown> =>
    far.answers.set(`GET /app/installations/${id}`, { id, suspended_at });

  it('ends what goes on where the App is not installed any more, once GitHub says so twice', async () => {
    const runId = await world.start();
    await sweeper.sweep();
    expect(await world.stateOf(runId)).toBe('running waits 1 1');
    await sweeper.sweep();
    expect(await world.stateOf(runId)).toBe('cancelled closed 0 0');
    await sweeper.sweep();
    expect(far.calls).toHaveLength(2);
  });

  it('does not take one wrong answer for the end', async () => {
    const runId = await world.start();
    await sweeper.sweep();
    answer(3, null);
    await sweeper.sweep();
    far.answers.clear();
    await sweeper.sweep();
    expect(await world.stateOf(runId)).toBe('running waits 1 1');
  });

  it('sees that one is suspended, and that it is not any more', async () => {
    const runId = await world.start();
    answer(3, RECENT);
    await sweeper.sweep();
    expect(await installations.suspended()).toEqual([3]);
    answer(3, null);
    await sweeper.sweep();
    expect(await installations.suspended()).toEqual([]);
    expect(await world.stateOf(runId)).toBe('running waits 1 1');
  });

  it('looks after one that is suspended though nothing is open there', async () => {
    await installations.suspend(9);
    answer(9, null);
    await sweeper.sweep();
    expect(await installations.suspended()).toEqual([]);
  });

  it('waits for the end of a suspension for 90 days, and no longer', async () => {
    const runId = await world.start();
    answer(3, LONG_AGO);
    await sweeper.sweep();
    expect(await world.stateOf(runId)).toBe('cancelled closed 0 0');
    expect(await installations.suspended()).toEqual([]);
  });

  it('asks for thirty at a time, all in turn', async () => {
    for (let id = 1; id <= 35; id++) {
      await installations.suspend(id);
      answer(id, RECENT);
    }
    const asked = (): readonly string[] => far.calls.splice(0).map((call) => call.split('/').at(-1) ?? '');
    await sweeper.sweep();
    expect(asked()).toHaveLength(30);
    await sweeper.sweep();
    expect(asked()).toEqual(['31', '32', '33', '34', '35']);
    await sweeper.sweep();
    expect(asked().slice(0, 2)).toEqual(['1', '2']);
  });

  it('passes over one that cannot be dealt with', async () => {
    for (const id of [1, 2]) {
      await installations.suspend(id);
      answer(id, null);
    }
    const faulty = {
      ...installations,
      resume: (place: InstallationPlace) =>
        place.installationId === 1 ? Promise.reject(new Error('of no use')) : installations.resume(place),
    };
    const options = { access, engine, runs: openGitHubRuns(db), installations: faulty, clock: { now: () => NOW } };
    sweeper = new InstallationStates(options);
    await expect(sweeper.sweep()).rejects.toThrow('of no use');
    await sweeper.sweep();
    expect(await installations.suspended()).toEqual([1]);
  });

  it('follows an owner who was renamed', async () => {
    const runId = await world.start();
    far.answers.set('GET /app/installations/3', { id: 3, suspended_at: null, account: { login: 'octopus' } });
    await sweeper.sweep();
    expect(await world.addressesOf(runId)).toEqual(['3 octopus/app']);
  });

  it('takes an answer that says nothing of a suspension for one that there is none', async () => {
    const runId = await world.start();
    far.answers.set('GET /app/installations/3', { id: 3 });
    for (let i = 0; i < 3; i++) await sweeper.sweep();
    expect(await world.stateOf(runId)).toBe('running waits 1 1');
  });
});
