import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { digestBytes } from '../../../../src/base/digest.ts';
import type { PlanRelease } from '../../../../src/pipeline/plan.ts';
import { onEveryDatabase } from '../../../every-database.ts';
import { Reporting } from '../report/reporting.ts';
import { openReleasingWorld, type ReleasingWorld, TAG } from './releasing-world.ts';

onEveryDatabase('a release', (url) => {
  let at: Reporting;
  let world: ReleasingWorld;
  beforeAll(async () => {
    at = await Reporting.open(url);
  });
  afterAll(() => at.close());
  afterEach(async () => {
    await world.close();
    await at.empty();
  });

  const open = async (wish: Partial<PlanRelease> = {}): Promise<void> => {
    world = await openReleasingWorld(at, wish);
  };
  const only = async () => {
    const releases = await world.releases();
    expect(releases).toHaveLength(1);
    return releases[0] as NonNullable<(typeof releases)[0]>;
  };
  const files = async (): Promise<Record<string, string>> =>
    Object.fromEntries((await only()).assets.map(({ name, digest, state }) => [name, `${state} ${digest}`]));
  const expected = (): Record<string, string> =>
    Object.fromEntries([...world.evidence.files].map(([name, text]) => [name, `uploaded ${digestBytes(text)}`]));
  const upload = async (name: string, text: string): Promise<number> => {
    const release = await only();
    const { data } = await world.ada.rest.repos.uploadReleaseAsset({
      ...world.place,
      url: release.upload_url,
      release_id: release.id,
      name,
      data: text,
    });
    return data.id;
  };

  it('is a draft while its run goes on, and published with everything when the gate has passed', async () => {
    await open({ title: 'One', notes: 'It *works*.' });
    await world.show('r1', { status: 'running' });
    await world.turns(2);
    expect(await only()).toMatchObject({ draft: true, name: 'One', assets: [], tag_name: TAG });
    expect((await only()).body).toMatch(/^It \*works\*\.\n\n<!-- maestro:release r1 -->[^]*Being made by run `r1`/);
    await world.show('r1', { status: 'succeeded' });
    await world.turns(2);
    expect(await only()).toMatchObject({ draft: false, prerelease: false });
    expect(await files()).toEqual(expected());
    const body = (await only()).body ?? '';
    expect(body).toMatch(/^It \*works\*\./);
    expect(body).toContain('The release gate passed');
    expect(body).toContain(`gh release download --repo 'octo/app' --dir release -- '${TAG}'`);
    expect(body).not.toContain('Being made');
    expect(await world.check()).toBe(`success: ${TAG} is released`);
    expect(at.errors).toEqual([]);
    const last = world.reporter();
    await last.turn();
    await last.turn();
    expect(await at.runs.open(10)).toEqual([]);
  });

  it('costs one write for its draft, one for each file, one to publish and one for its check', async () => {
    await open();
    await world.release();
    const writes = world.sandbox
      .calls()
      .filter(({ method, path }) => method !== 'GET' && /releases/.test(path) && !/git/.test(path));
    expect(writes.map(({ operation }) => operation)).toEqual([
      'repos/create-release',
      ...[...world.evidence.files].map(() => 'repos/upload-release-asset'),
      'repos/update-release',
    ]);
  });

  it('is filled where somebody wrote it before, whose words stay', async () => {
    await open({ title: 'Not used' });
    await world.ada.rest.repos.createRelease({
      ...world.place,
      tag_name: TAG,
      name: 'Mine',
      body: 'My own words.',
      draft: true,
    });
    await world.release();
    expect(await only()).toMatchObject({ draft: false, name: 'Mine' });
    expect((await only()).body).toMatch(/^My own words\.\n\n<!-- maestro:release r1 -->/);
  });

  it('stays a draft where its pipeline says so', async () => {
    await open({ isKeptDraft: true });
    await world.release();
    expect(await only()).toMatchObject({ draft: true });
    expect(await files()).toEqual(expected());
    expect(await world.check()).toBe(`success: The draft of ${TAG} is complete`);
  });

  it('is not published where the gate did not pass, and says why in words that do nothing', async () => {
    await open();
    world.evidence.verdict = {
      isPassed: false,
      reasons: ['no @team and <b>no</b> SBOM -->'],
      papers: [],
    };
    await world.release();
    const { draft, assets, body } = await only();
    expect([draft, assets]).toEqual([true, []]);
    expect(body).toContain('the release gate did not pass');
    expect(body).not.toMatch(/@team|<b>|SBOM -->/);
    expect(await world.check()).toMatch(/^failure: v1.0.0 is not released: no @team/);
  });

  it('waits for a receipt that is signed late', async () => {
    await open();
    world.evidence.verdict = undefined;
    await world.release();
    expect((await only()).draft).toBe(true);
    expect(await world.check()).toBeUndefined();
  });

  it('is refused where its pipeline wants an artifact that the run did not make', async () => {
    await open({ artifacts: ['other'] });
    await world.release();
    expect((await only()).draft).toBe(true);
    expect(await world.check()).toContain('no artifact other');
  });

  it('takes what is attached already for done where it is the same', async () => {
    await open();
    await world.show('r1', { status: 'running' });
    await world.turns(1);
    const id = await upload('app.tgz', 'the app');
    await world.show('r1', { status: 'succeeded' });
    await world.turns(2);
    expect((await only()).assets.find(({ name }) => name === 'app.tgz')?.id).toBe(id);
    expect((await only()).draft).toBe(false);
  });

  it('is refused where another file has the name, which stays; and goes on when somebody took it away', async () => {
    await open();
    await world.show('r1', { status: 'running' });
    await world.turns(1);
    const id = await upload('run.json', 'not of the run');
    await world.show('r1', { status: 'succeeded' });
    await world.turns(2);
    expect(await only()).toMatchObject({ draft: true, assets: [{ id, name: 'run.json' }] });
    expect((await only()).body).toContain('another file is attached as run&#x2e;json'.replace('&#x2e;', '.'));
    expect(await world.check()).toMatch(/^failure: v1.0.0 is not released: another file is attached as run.json/);
    await world.ada.rest.repos.deleteReleaseAsset({ ...world.place, asset_id: id });
    await world.lookAgain();
    expect((await only()).draft).toBe(false);
    expect(await files()).toEqual(expected());
    expect(await world.check()).toBe(`success: ${TAG} is released`);
  });

  it('has an upload of ours that broke off made once more', async () => {
    await open();
    world.sandbox.breakUpload('app.tgz');
    await world.release();
    await world.turns(2);
    expect(await files()).toEqual(expected());
    expect((await only()).draft).toBe(false);
  });

  it('waits longer and longer for a file that always breaks off, and says so, whatever it takes away in between', async () => {
    await open();
    await world.show('r1', { status: 'running' });
    await world.turns(1);
    await world.show('r1', { status: 'succeeded' });
    for (let turns = 0; turns < 15 && at.errors.length === 0; turns++) {
      world.sandbox.breakUpload('app.tgz');
      await world.turns(1);
    }
    expect(at.errors).not.toEqual([]);
    await world.turns(2);
    expect(await only()).toMatchObject({ draft: false });
  });

  it('is refused where the content of a file is not what its run made any more', async () => {
    await open();
    world.evidence.corrupt = 'app.tgz';
    await world.release();
    expect(await world.check()).toMatch(/^failure: v1.0.0 is not released: it cannot be done: .*another digest/);
    expect((await only()).draft).toBe(true);
  });

  it('leaves what somebody else began to upload alone', async () => {
    await open();
    await world.show('r1', { status: 'running' });
    await world.turns(1);
    world.sandbox.breakUpload('app.tgz');
    await upload('app.tgz', 'something').catch(() => {});
    await world.show('r1', { status: 'succeeded' });
    await world.turns(2);
    expect(await world.check()).toContain('somebody else began to upload');
    expect((await only()).assets.map(({ name, state }) => [name, state])).toEqual([['app.tgz', 'starter']]);
  });

  it('that is immutable is filled before it is published', async () => {
    await open();
    world.sandbox.makeReleasesImmutable('octo', 'app');
    await world.release();
    expect(await only()).toMatchObject({ draft: false, immutable: true });
    expect(await files()).toEqual(expected());
  });

  it('that is immutable, and was published too early, says what is missing', async () => {
    await open();
    world.sandbox.makeReleasesImmutable('octo', 'app');
    await world.show('r1', { status: 'running' });
    await world.turns(1);
    const { id: release_id } = await only();
    await world.ada.rest.repos.updateRelease({ ...world.place, release_id, draft: false });
    await world.show('r1', { status: 'succeeded' });
    await world.turns(2);
    expect((await only()).assets).toEqual([]);
    expect((await only()).body).toContain('app.tgz is missing, and the release is immutable');
    expect(await world.check()).toContain('app.tgz is missing');
  });

  it.each([
    ['replaced', 'was replaced', true],
    ['taken away', 'was taken away', false],
  ])(
    'turns red where a file is %s after it passed the gate, and nothing is put back',
    async (_what, says, isReplaced) => {
      await open();
      await world.release();
      const asset = (await only()).assets.find(({ name }) => name === 'app.tgz');
      await world.ada.rest.repos.deleteReleaseAsset({ ...world.place, asset_id: asset?.id ?? 0 });
      if (isReplaced) await upload('app.tgz', 'evil');
      await world.lookAgain();
      expect(await world.check()).toMatch(`failure: ${TAG} was changed after its release: app.tgz ${says}`);
      expect((await only()).body).toContain('Do not trust these files');
      expect((await only()).assets.filter(({ name }) => name === 'app.tgz')).toHaveLength(isReplaced ? 1 : 0);
    },
  );

  it('is green again where the file is put back as it was', async () => {
    await open();
    await world.release();
    const asset = (await only()).assets.find(({ name }) => name === 'app.tgz');
    await world.ada.rest.repos.deleteReleaseAsset({ ...world.place, asset_id: asset?.id ?? 0 });
    await world.lookAgain();
    await upload('app.tgz', 'the app');
    await world.lookAgain();
    expect(await world.check()).toBe(`success: ${TAG} is released`);
    expect((await only()).body).not.toContain('Do not trust');
  });

  it('that somebody deletes stays so, and its check says it', async () => {
    await open();
    await world.show('r1', { status: 'running' });
    await world.turns(1);
    await world.ada.rest.repos.deleteRelease({ ...world.place, release_id: (await only()).id });
    await world.show('r1', { status: 'succeeded' });
    await world.turns(2);
    expect(await world.releases()).toEqual([]);
    expect(await world.check()).toContain('somebody took its release away');
  });

  it.each([
    [
      'moved',
      async () => {
        const sha =
          (
            await world.ada.rest.repos.createOrUpdateFileContents({
              ...world.place,
              path: 'b',
              message: 'b',
              content: '',
            })
          ).data.commit.sha ?? '';
        await world.ada.rest.git.updateRef({ ...world.place, ref: `tags/${TAG}`, sha, force: true });
      },
      'is on commit',
    ],
    ['deleted', () => world.ada.rest.git.deleteRef({ ...world.place, ref: `tags/${TAG}` }), 'is gone'],
  ])('is not published where its tag was %s', async (_what, change, says) => {
    await open();
    await world.show('r1', { status: 'running' });
    await world.turns(1);
    await change();
    await world.show('r1', { status: 'succeeded' });
    await world.turns(2);
    expect((await only()).draft).toBe(true);
    expect(await world.check()).toContain(says);
  });

  it('is not published under another tag that somebody gave its draft', async () => {
    await open();
    await world.show('r1', { status: 'running' });
    await world.turns(1);
    await world.ada.rest.repos.updateRelease({ ...world.place, release_id: (await only()).id, tag_name: 'v9' });
    await world.show('r1', { status: 'succeeded' });
    await world.turns(2);
    expect(await only()).toMatchObject({ draft: true, tag_name: 'v9', assets: [] });
    expect(await world.check()).toBe(`failure: ${TAG} is not released: its release is of the tag v9 now`);
    await world.ada.rest.repos.updateRelease({ ...world.place, release_id: (await only()).id, tag_name: TAG });
    await world.lookAgain();
    expect(await only()).toMatchObject({ draft: false, tag_name: TAG });
  });

  it('is published under its own tag where somebody gives its draft another one at that moment', async () => {
    await open();
    world.octokit.hook.before('request', async ({ method, draft, release_id }) => {
      if (method !== 'PATCH' || draft !== false || typeof release_id !== 'number') return;
      await world.ada.rest.repos.updateRelease({ ...world.place, release_id, tag_name: 'v9' });
    });
    await world.release();
    expect(await only()).toMatchObject({ draft: false, tag_name: TAG });
    expect(world.sandbox.calls().filter(({ operation }) => operation === 'repos/update-release')).toHaveLength(2);
  });

  it('is made by the newest run of its tag, and by no other once it is published', async () => {
    await open();
    world.evidence.verdict = { isPassed: false, reasons: ['the run failed'], papers: [] };
    await world.release('r1');
    world.evidence.verdict = { isPassed: true, reasons: [], papers: [] };
    await world.release('r2');
    expect((await only()).body).toMatch(/maestro:release r2/);
    expect((await only()).body).not.toMatch(/maestro:release r1/);
    expect((await only()).draft).toBe(false);
    await world.release('r3');
    expect((await only()).body).toMatch(/maestro:release r2/);
    expect(await world.check('r3')).toBe(`neutral: ${TAG} was released before`);
    expect(await world.check('r2')).toBe(`success: ${TAG} is released`);
  });

  it('is filled by a later run of its tag where an earlier one had attached files to its draft', async () => {
    await open();
    world.evidence.corrupt = 'run.json';
    await world.release('r1');
    expect(await only()).toMatchObject({ draft: true });
    expect((await only()).assets.some(({ name }) => name === 'app.tgz')).toBe(true);
    world.evidence.corrupt = undefined;
    world.evidence.files.set('app.tgz', 'the app, once more');
    await world.release('r2');
    expect(await world.check('r2')).toBe(`success: ${TAG} is released`);
    expect(await files()).toEqual(expected());
  });

  it('is filled by a later run of its tag, but for what somebody else attached meanwhile, which stays', async () => {
    await open();
    world.evidence.corrupt = 'run.json';
    await world.release('r1');
    const id = await upload('SHA256SUMS', 'not of the run');
    world.evidence.corrupt = undefined;
    world.evidence.files.set('app.tgz', 'the app, once more');
    await world.release('r2');
    expect(await world.check('r2')).toMatch(/^failure: .*another file is attached as SHA256SUMS/);
    expect((await only()).assets.some((asset) => asset.id === id)).toBe(true);
    await world.ada.rest.repos.deleteReleaseAsset({ ...world.place, asset_id: id });
    await world.lookAgain();
    expect(await world.check('r2')).toBe(`success: ${TAG} is released`);
    expect(await files()).toEqual(expected());
  });

  it('says what to do where the draft does not say whose files the App attached', async () => {
    await open();
    await world.ada.rest.repos.createRelease({ ...world.place, tag_name: TAG, body: 'Mine.', draft: true });
    await world.show('r1', { status: 'running' });
    await world.turns(1);
    world.evidence.corrupt = 'run.json';
    await world.show('r1', { status: 'succeeded' });
    await world.turns(2);
    await world.ada.rest.repos.updateRelease({ ...world.place, release_id: (await only()).id, body: 'Mine.' });
    world.evidence.corrupt = undefined;
    world.evidence.files.set('app.tgz', 'the app, once more');
    await world.release('r2');
    expect(await world.check('r2')).toContain(
      'another file is attached as app.tgz, by the App: take it away, or delete',
    );
  });

  it('is the one that somebody published, where that started the run; and none is made where it is gone', async () => {
    await open();
    const trigger = { type: 'release', actor: { provider: 'github', id: 'ada' } };
    await world.show('r1', { status: 'running', trigger });
    await world.turns(2);
    expect(await world.releases()).toEqual([]);
    expect(await world.check()).toContain('somebody took its release away');
    await world.ada.rest.repos.createRelease({ ...world.place, tag_name: TAG, name: 'Mine', body: 'Mine.' });
    await world.show('r2', { status: 'running', trigger });
    await world.turns(1);
    await world.show('r2', { status: 'succeeded', trigger });
    await world.turns(2);
    expect(await only()).toMatchObject({ draft: false, name: 'Mine' });
    expect((await only()).body).toMatch(/^Mine\.\n\n<!-- maestro:release r2 -->/);
    expect(await files()).toEqual(expected());
    expect(await world.check('r2')).toBe(`success: ${TAG} is released`);
  });
});
