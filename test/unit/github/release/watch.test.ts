import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { releaseHandlers } from '../../../../src/github/release/release-handlers.ts';
import { ReleaseWatch } from '../../../../src/github/release/release-watch.ts';
import { openReleaseTeller } from '../../../../src/github/release/tell-releases.ts';
import type { ReleaseBoard } from '../../../../src/protocol/release-board.ts';
import type { WriteAllowance } from '../../../../src/protocol/write-allowance.ts';
import { openReleaseBoard } from '../../../../src/store/release-board.ts';
import { openWriteAllowance } from '../../../../src/store/write-allowance.ts';
import { Reporting } from '../report/reporting.ts';
import { openReleasingWorld, PASSED, type ReleasingWorld, TAG } from './releasing-world.ts';

const HOUR_MS = 3_600_000;

describe('the watch over releases', () => {
  let at: Reporting;
  let world: ReleasingWorld;
  let board: ReleaseBoard;
  beforeAll(async () => {
    at = await Reporting.open();
    board = openReleaseBoard(at.db);
  });
  afterAll(() => at.close());
  beforeEach(async () => {
    world = await openReleasingWorld(at);
  });
  afterEach(async () => {
    await world.close();
    await at.empty();
  });

  const watch = (): ReleaseWatch =>
    new ReleaseWatch({
      releases: board,
      runs: at.runs,
      feed: {
        versions: async (ids) => new Map(ids.map((id) => [id, at.views.get(id)?.version ?? 0])),
        readRun: async (id) => at.views.get(id)?.view as never,
        readPlan: async () => at.plan,
      },
      tell: openReleaseTeller({ board, checks: at.board, evidence: world.evidence }),
      clock: at.clock,
      onError: (error) => at.errors.push(error),
    });
  const handle = (action: string, release: object): Promise<string> | undefined =>
    releaseHandlers({ releases: board })[`release.${action}`]?.({
      id: 'd',
      event: 'release',
      action,
      installationId: 1,
      payload: { repository: { id: world.repositoryId }, release: { ...release } },
      receivedAt: '',
    });
  const takeAway = async (): Promise<number> => {
    const [release] = await world.releases();
    const asset = release?.assets[0]?.id ?? 0;
    await world.ada.rest.repos.deleteReleaseAsset({ ...world.place, asset_id: asset });
    return release?.id ?? 0;
  };

  it('finds within the hour what GitHub does not tell of', async () => {
    await world.release();
    await takeAway();
    await watch().sweep();
    await world.turns(1);
    at.clock.ms += HOUR_MS;
    await watch().sweep();
    await world.turns(2);
    expect(await world.check()).toMatch(/^failure: v1.0.0 was changed/);
    expect(at.errors).toEqual([]);
  });

  it('leaves a release withdrawn that somebody made a draft again, until they publish it', async () => {
    await world.release();
    const id = (await world.releases())[0]?.id ?? 0;
    await world.ada.rest.repos.updateRelease({ ...world.place, release_id: id, draft: true });
    expect(await handle('unpublished', { id })).toBe('its files are looked at once more');
    await world.turns(2);
    expect((await world.releases())[0]).toMatchObject({ draft: true });
    expect(await world.check()).toBe(
      `failure: ${TAG} is not released any more: somebody made its release a draft again`,
    );
    await world.ada.rest.repos.updateRelease({ ...world.place, release_id: id, draft: false });
    await handle('edited', { id });
    await world.turns(2);
    expect(await world.check()).toBe(`success: ${TAG} is released`);
  });

  it('looks at once where GitHub tells of a change, of releases that runs filled and no others', async () => {
    await world.release();
    const id = await takeAway();
    expect(await handle('edited', { id: id + 1 })).toBe('no run filled this release');
    expect(await handle('edited', {})).toBe('ignored: names no release');
    expect(await handle('edited', { id })).toBe('its files are looked at once more');
    await world.turns(2);
    expect(await world.check()).toMatch(/^failure: v1.0.0 was changed/);
  });

  it('takes no writes from checks for pages that are as they were, and looks when nothing else is due', async () => {
    await world.release();
    const allowance = openWriteAllowance(at.db);
    const purposes: string[] = [];
    let kept = 0;
    const counting: WriteAllowance = {
      ...allowance,
      take: async (installationId, ask) => {
        const grant = await allowance.take(installationId, ask);
        purposes.push(ask.purpose);
        kept += grant.taken;
        return grant;
      },
      giveBack: async (installationId, count) => {
        kept -= count;
        await allowance.giveBack(installationId, count);
      },
    };
    await board.lookAgain(world.repositoryId, (await world.releases())[0]?.id ?? 0);
    await world.reporter({ allowance: counting }).turn();
    expect([purposes, kept]).toEqual([['remainder'], 0]);
    await takeAway();
    await board.lookAgain(world.repositoryId, (await world.releases())[0]?.id ?? 0);
    await world.reporter({ allowance: counting }).turn();
    expect(kept).toBe(1);
  });

  it('has a run released whose receipt came after its last word', async () => {
    world.evidence.verdict = undefined;
    await world.release();
    await at.runs.close('r1');
    await world.turns(1);
    expect((await world.releases())[0]?.draft).toBe(true);
    world.evidence.verdict = PASSED;
    await watch().sweep();
    await world.turns(2);
    expect((await world.releases())[0]).toMatchObject({ draft: false, tag_name: TAG });
    expect(at.errors).toEqual([]);
  });
});
