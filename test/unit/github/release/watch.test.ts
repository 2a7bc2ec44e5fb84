import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { MaestroError } from '../../../../src/base/errors.ts';
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
      tell: openReleaseTeller({
        board,
        checks: at.board,
        evidence: world.evidence,
        onError: (error) => at.errors.push(error),
      }),
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

  /** Looks on until nothing is left to be told of the run. */
  const isClosed = async (): Promise<boolean> => {
    const one = world.reporter();
    for (let i = 0; i < 3; i++) await one.turn();
    return (await at.runs.open(10)).length === 0;
  };

  it.each(['OUTPUT_TOO_LARGE', 'INTERNAL', 'BLOB_CORRUPT', 'FILE_TOO_LARGE', 'INPUT_INVALID'] as const)(
    'has page and check say why a run is not released that cannot be judged: %s',
    async (code) => {
      world.evidence.fault = new MaestroError(code, 'the pack has <b>9</b> GB');
      await world.release();
      expect(await world.check()).toMatch(new RegExp(`^failure: ${TAG} is not released: ${code}: the pack`));
      const [release] = await world.releases();
      expect(release).toMatchObject({ draft: true, body: expect.stringContaining('the pack has') as string });
      expect(await isClosed()).toBe(true);
      expect(at.errors).toEqual([]);
    },
  );

  it.each<[string, Error]>([
    ['the disk is full', new MaestroError('DISK_FULL', 'no space left')],
    ['the signer cannot be reached', new MaestroError('SIGNER_UNAVAILABLE', 'no answer')],
    ['the key has to be replaced', new MaestroError('KEY_RETIRED', 'it is revoked')],
    ['the database fails', new Error('connection terminated')],
  ])('has a run judged again, ever more seldom, while %s, and it is looked at by nobody else', async (_what, fault) => {
    world.evidence.fault = fault;
    await world.release();
    expect(await isClosed()).toBe(true);
    expect(new Set(at.errors.splice(0))).toEqual(new Set([fault]));
    const triesIn = async (minutes: number): Promise<number> => {
      for (let i = 0; i < minutes; i++, at.clock.ms += 60_000) await watch().sweep();
      return at.errors.splice(0).length;
    };
    expect([await triesIn(16), await triesIn(16)]).toEqual([5, 1]);
    expect(await world.check()).toBeUndefined();
    world.evidence.fault = undefined;
    at.clock.ms += HOUR_MS;
    await watch().sweep();
    await world.turns(2);
    expect(await world.check()).toBe(`success: ${TAG} is released`);
  });

  it('gives up after a week, and page and check say so', async () => {
    world.evidence.verdict = undefined;
    await world.release();
    await at.runs.close('r1');
    await world.turns(1);
    const triesBefore = async (count: number): Promise<void> => {
      await at.db.query('', 'update report set judge_tries = $1, judged_ms = 0', [count]);
      await watch().sweep();
      await world.turns(2);
    };
    await triesBefore(319);
    expect(await world.check()).toBeUndefined();
    await triesBefore(320);
    expect(await world.check()).toMatch(
      /^failure: v1.0.0 is not released: the verdict of its release gate could not be/,
    );
    expect((await world.releases())[0]?.body).toContain('could not be signed');
    expect(at.errors).toEqual([]);
  });

  it.each<[string, (id: number) => Promise<unknown> | undefined]>([
    ['GitHub tells of it', (id) => handle('published', { id })],
    ['an hour has passed', () => watch().sweep()],
  ])('says of a refused release that somebody published it all the same, when %s', async (_when, look) => {
    world.evidence.verdict = { isPassed: false, reasons: ['the run failed'], papers: [] };
    await world.release();
    const id = (await world.releases())[0]?.id ?? 0;
    await world.ada.rest.repos.updateRelease({ ...world.place, release_id: id, draft: false });
    at.clock.ms += HOUR_MS;
    await look(id);
    await world.turns(2);
    expect((await world.releases())[0]?.body).toContain('somebody published the release all the same');
    expect(at.errors).toEqual([]);
  });
});
