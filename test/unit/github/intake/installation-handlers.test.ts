import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { handlersByEvent } from '../../../../app/server/handlers.ts';
import { dispatchesOfTheOthers, reportsOfTheOthers } from '../../../../app/server/without-suspended.ts';
import type { JsonObject } from '../../../../src/base/json.ts';
import { installationHandlers } from '../../../../src/github/intake/installation-handlers.ts';
import { openCheckBoard } from '../../../../src/store/check-board.ts';
import { openDispatches } from '../../../../src/store/dispatches.ts';
import { openInbox } from '../../../../src/store/inbox.ts';
import { onEveryDatabase } from '../../../every-database.ts';
import { PlaceWorld } from './place-world.ts';

const ALIVE = 'running waits 1 1';
const ENDED = 'cancelled closed 0 0';
const APP_REPO = { id: 11, name: 'app', full_name: 'octo/app', owner: { login: 'octo' } };

onEveryDatabase('webhooks about the App and its repositories', (url) => {
  let world: PlaceWorld;
  beforeAll(async () => {
    world = await PlaceWorld.open(url);
  });
  beforeEach(() => world.reset());
  afterAll(() => world.close());

  const told = async (event: string, action: string, payload: JsonObject = {}, installationId: number | null = 3) => {
    const handlers = handlersByEvent(installationHandlers(world.tools));
    const delivery = { id: 'g', event, action, installationId, payload, receivedAt: '2026-11-20T12:00:00Z' };
    return handlers[event]?.(delivery);
  };

  describe('end what goes on', () => {
    it('where the App was uninstalled, and nowhere else', async () => {
      const [here, there] = [await world.start(), await world.start({ repositoryId: 12, repo: 'lib' })];
      const elsewhere = await world.start({ installationId: 4, repositoryId: 40 });
      await world.installations.suspend(3);
      expect(await told('installation', 'deleted')).toBe('the App was uninstalled: 2 open runs were ended');
      for (const runId of [here, there]) expect(await world.stateOf(runId)).toBe(ENDED);
      expect(await world.stateOf(elsewhere)).toBe(ALIVE);
      expect(await openCheckBoard(world.db).changedPulls(10)).toMatchObject([{ installationId: 4 }]);
      expect(await world.installations.suspended()).toEqual([]);
      // It is nobody's any more, so GitHub is not asked.
      expect(world.far.calls).toEqual([]);
      expect(await told('installation', 'deleted')).toBe('the App was uninstalled: 0 open runs were ended');
    });

    it('however many runs that are', async () => {
      const runIds = await Promise.all(Array.from({ length: 105 }, () => world.start()));
      await told('installation', 'deleted');
      expect(new Set(await Promise.all(runIds.map((runId) => world.stateOf(runId))))).toEqual(new Set([ENDED]));
    });

    it('where a repository was taken from the App', async () => {
      const [here, there] = [await world.start(), await world.start({ repositoryId: 12, repo: 'lib' })];
      const gone = { repositories_removed: [APP_REPO, { id: 13, full_name: 'octo/idle' }] };
      expect(await told('installation_repositories', 'removed', gone)).toContain('the App was removed from octo/app');
      expect([await world.stateOf(here), await world.stateOf(there)]).toEqual([ENDED, ALIVE]);
      expect(world.far.calls).toEqual(['GET /repos/octo/app/installation']);
    });

    it('but not where a repository was given to the App again since', async () => {
      const runId = await world.start();
      world.far.answers.set('GET /repos/octo/app/installation', { id: 3 });
      await told('installation_repositories', 'removed', { repositories_removed: [APP_REPO] });
      expect(await world.stateOf(runId)).toBe(ALIVE);
    });

    it('where a repository was deleted', async () => {
      const [here, there] = [await world.start(), await world.start({ repositoryId: 12, repo: 'lib' })];
      await told('repository', 'deleted', { repository: APP_REPO });
      expect([await world.stateOf(here), await world.stateOf(there)]).toEqual([ENDED, ALIVE]);
    });

    it.each([
      ['is archived', { archived: true }, ENDED],
      ['is not archived any more', { archived: false }, ALIVE],
      ['is gone by now', undefined, ENDED],
    ])('of a repository that was archived, where it %s', async (_name, answer, state) => {
      const runId = await world.start();
      if (answer) world.far.answers.set('GET /repos/octo/app', answer);
      await told('repository', 'archived', { repository: APP_REPO });
      expect(await world.stateOf(runId)).toBe(state);
    });
  });

  describe('lead after a repository', () => {
    it.each([
      ['renamed', 3, { ...APP_REPO, name: 'shop' }, '3 octo/shop'],
      ['transferred', 5, { ...APP_REPO, owner: { login: 'acme' } }, '5 acme/app'],
    ])('that was %s', async (action, installationId, repository, address) => {
      const [open, over] = [await world.start(), await world.start()];
      await world.runs.close(over);
      const other = await world.start({ repositoryId: 12, repo: 'lib' });
      await told('repository', action, { repository }, installationId);
      // Who runs the one that is over again does so under the new name.
      for (const runId of [open, over]) expect(await world.addressesOf(runId)).toEqual([address]);
      expect(await world.addressesOf(other)).toEqual(['3 octo/lib']);
      expect(await world.stateOf(open)).toBe(ALIVE);
    });

    it('whose owner has another name', async () => {
      const [own, other] = [await world.start(), await world.start({ installationId: 4, repositoryId: 40 })];
      await told('installation_target', 'renamed', { account: { login: 'octopus' } });
      expect(await world.addressesOf(own)).toEqual(['3 octopus/app']);
      expect(await world.addressesOf(other)).toEqual(['4 octo/app']);
    });
  });

  describe('of a suspension', () => {
    const claimed = async (): Promise<readonly unknown[]> => {
      const board = reportsOfTheOthers(openCheckBoard(world.db), world.installations);
      const jobs = dispatchesOfTheOthers(openDispatches(world.db, { now: Date.now }), world.installations);
      const query = { nowMs: Date.now(), claimMs: 0, limit: 10 };
      return [
        ...(await openInbox(world.db).claim(10, 0)).map(({ id }) => id),
        ...(await board.claim({ ...query, installations: { except: [] } })).map((due) => due.installationId),
        ...(await board.claim({ ...query, installations: { only: 3 } })).map((due) => due.installationId),
        ...(await jobs.claimDue(10, 0)).map((due) => due.installationId),
      ];
    };
    const arrive = async (id: string, event: string, lane: string, installationId: number): Promise<void> => {
      await openInbox(world.db).accept({ id, lane, event, action: null, installationId, payload: {} });
    };

    it('make all that is to be done there wait, but for what tells of its end', async () => {
      const runId = await world.start();
      await world.start({ installationId: 4, repositoryId: 40 });
      await told('installation', 'suspend');
      await arrive('push', 'push', '11/refs/heads/main', 3);
      await arrive('other', 'push', '40/refs/heads/main', 4);
      await arrive('unsuspend', 'installation', 'installation/3', 3);
      expect(await claimed()).toEqual(['other', 'unsuspend', 4, 4]);
      expect(await world.stateOf(runId)).toBe(ALIVE);
      await told('installation', 'unsuspend');
      expect(await claimed()).toEqual(['push', 'other', 'unsuspend', 3, 4, 3, 3, 4]);
    });

    it.each(['unsuspend', 'new_permissions_accepted'])('let be told what was refused, at its %s', async (action) => {
      const runId = await world.start();
      const board = openCheckBoard(world.db);
      const query = { nowMs: Date.now(), claimMs: 1000, limit: 10, installations: { except: [] } };
      for (const due of await board.claim(query)) await board.bury(due, { problem: '403: suspended', isUnsure: false });
      expect(await world.stateOf(runId)).toBe('running waits 0 1');
      await told('installation', action);
      expect(await world.stateOf(runId)).toBe(ALIVE);
    });

    it.each([
      [
        'installation_repositories',
        'removed',
        'added',
        { repositories_removed: [APP_REPO], repositories_added: [APP_REPO] },
      ],
      ['repository', 'archived', 'unarchived', { repository: APP_REPO }],
    ] as const)('let be told what was ended meanwhile: %s %s and %s', async (event, gone, back, payload) => {
      const [runId, other] = [await world.start(), await world.start({ repositoryId: 12, repo: 'lib' })];
      await told(event, gone, payload);
      expect(await world.stateOf(runId)).toBe(ENDED);
      await told(event, back, payload);
      // The reporter looks at it again, and finds that it was cancelled.
      expect(await world.stateOf(runId)).toBe('cancelled waits 1 0');
      expect(await world.stateOf(other)).toBe(ALIVE);
    });

    it('do not have told again what stands there', async () => {
      await world.start();
      const board = openCheckBoard(world.db);
      const nowMs = Date.now();
      const written = { remoteId: 1, sentAnnotations: 0, isWhole: true, nowMs };
      for (const due of await board.claim({ nowMs, claimMs: 1000, limit: 10, installations: { except: [] } }))
        await board.record(due, written);
      await told('installation', 'unsuspend');
      expect(await board.claim({ nowMs, claimMs: 0, limit: 10, installations: { except: [] } })).toEqual([]);
    });
  });

  it.each([
    ['installation', 'deleted', {}, null],
    ['installation', 'created', {}, 3],
    ['installation_repositories', 'removed', { repositories_removed: [{ full_name: 'octo/app' }] }, 3],
    ['installation_repositories', 'removed', { repositories_removed: 'octo/app' }, 3],
    ['installation_target', 'renamed', { account: {} }, 3],
    ['repository', 'deleted', { repository: { id: 11 } }, 3],
    ['repository', 'archived', {}, 3],
    ['repository', 'renamed', { repository: { ...APP_REPO, name: '' } }, 3],
    ['repository', 'edited', { repository: APP_REPO }, 3],
  ] as const)('change nothing where %s %s names too little, or is about something else', async (...words) => {
    const runId = await world.start();
    const [event, action, payload, installationId] = words;
    expect(await told(event, action, payload, installationId)).toMatch(/^(?:ignored|nothing)/);
    expect(await world.stateOf(runId)).toBe(ALIVE);
    expect(await world.addressesOf(runId)).toEqual(['3 octo/app']);
  });
});
