import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { InstallationStates } from '../../../../src/github/intake/installation-states.ts';
import type { InstallationPlace } from '../../../../src/protocol/installation.ts';
import { onEveryDatabase } from '../../../every-database.ts';
import { PlaceWorld } from './place-world.ts';

const NOW = Date.parse('2026-11-20T12:00:00Z');
const RECENT = '2026-11-19T12:00:00Z';
const LONG_AGO = '2026-08-01T12:00:00Z';

onEveryDatabase('the sweep of installations', (url) => {
  let world: PlaceWorld;
  let sweeper: InstallationStates;
  beforeAll(async () => {
    world = await PlaceWorld.open(url);
  });
  beforeEach(async () => {
    await world.reset();
    sweeper = new InstallationStates({ ...world.tools, clock: { now: () => NOW } });
  });
  afterAll(() => world.close());

  const answer = (id: number, suspended_at: string | null): Map<string, unknown> =>
    world.far.answers.set(`GET /app/installations/${id}`, { id, suspended_at });

  it('ends what goes on where the App is not installed any more, once GitHub says so twice', async () => {
    const runId = await world.start();
    await sweeper.sweep();
    expect(await world.stateOf(runId)).toBe('running waits 1 1');
    await sweeper.sweep();
    expect(await world.stateOf(runId)).toBe('cancelled closed 0 0');
    await sweeper.sweep();
    expect(world.far.calls).toHaveLength(2);
  });

  it('does not take one wrong answer for the end', async () => {
    const runId = await world.start();
    await sweeper.sweep();
    answer(3, null);
    await sweeper.sweep();
    world.far.answers.clear();
    await sweeper.sweep();
    expect(await world.stateOf(runId)).toBe('running waits 1 1');
  });

  it('sees that one is suspended, and that it is not any more', async () => {
    const runId = await world.start();
    answer(3, RECENT);
    await sweeper.sweep();
    expect(await world.installations.suspended()).toEqual([3]);
    answer(3, null);
    await sweeper.sweep();
    expect(await world.installations.suspended()).toEqual([]);
    expect(await world.stateOf(runId)).toBe('running waits 1 1');
  });

  it('looks after one that is suspended though nothing is open there', async () => {
    await world.installations.suspend(9);
    answer(9, null);
    await sweeper.sweep();
    expect(await world.installations.suspended()).toEqual([]);
  });

  it('waits for the end of a suspension for 90 days, and no longer', async () => {
    const runId = await world.start();
    answer(3, LONG_AGO);
    await sweeper.sweep();
    expect(await world.stateOf(runId)).toBe('cancelled closed 0 0');
    expect(await world.installations.suspended()).toEqual([]);
  });

  it('asks for thirty at a time, all in turn', async () => {
    for (let id = 1; id <= 35; id++) {
      await world.installations.suspend(id);
      answer(id, RECENT);
    }
    const asked = (): readonly string[] => world.far.calls.splice(0).map((call) => call.split('/').at(-1) ?? '');
    await sweeper.sweep();
    expect(asked()).toHaveLength(30);
    await sweeper.sweep();
    expect(asked()).toEqual(['31', '32', '33', '34', '35']);
    await sweeper.sweep();
    expect(asked().slice(0, 2)).toEqual(['1', '2']);
  });

  it('passes over one that cannot be dealt with', async () => {
    for (const id of [1, 2]) {
      await world.installations.suspend(id);
      answer(id, null);
    }
    const faulty = {
      ...world.installations,
      resume: (place: InstallationPlace) =>
        place.installationId === 1 ? Promise.reject(new Error('of no use')) : world.installations.resume(place),
    };
    sweeper = new InstallationStates({ ...world.tools, installations: faulty, clock: { now: () => NOW } });
    await expect(sweeper.sweep()).rejects.toThrow('of no use');
    await sweeper.sweep();
    expect(await world.installations.suspended()).toEqual([1]);
  });

  it('follows an owner who was renamed', async () => {
    const runId = await world.start();
    world.far.answers.set('GET /app/installations/3', { id: 3, suspended_at: null, account: { login: 'octopus' } });
    await sweeper.sweep();
    expect(await world.addressesOf(runId)).toEqual(['3 octopus/app']);
  });

  it('takes an answer that says nothing of a suspension for one that there is none', async () => {
    const runId = await world.start();
    world.far.answers.set('GET /app/installations/3', { id: 3 });
    for (let i = 0; i < 3; i++) await sweeper.sweep();
    expect(await world.stateOf(runId)).toBe('running waits 1 1');
  });
});
