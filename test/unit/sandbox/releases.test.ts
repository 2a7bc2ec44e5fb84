import { afterEach, describe, expect, it } from 'vitest';
import { digestBytes } from '../../../src/base/digest.ts';
import { closeClean, newEvents, openStage, type Stage } from './client.ts';

const RELEASES = '/repos/acme/app/releases';

describe('a release in the sandbox', () => {
  let stage: Stage;
  afterEach(async () => await closeClean(stage));

  async function open(): Promise<void> {
    stage = await openStage();
    await newEvents(stage);
  }
  const create = async (body: object): ReturnType<Stage['call']> =>
    await stage.call(stage.ada.token, 'POST', RELEASES, body);
  const upload = async (release: { upload_url: string }, name: string, bytes = 'bytes'): ReturnType<Stage['call']> =>
    await stage.call(
      stage.ada.token,
      'POST',
      release.upload_url.replace(/\{.*/, `?name=${name}&label=Of+${name}`),
      bytes,
      { 'content-type': 'application/gzip' },
    );
  const status = async (token: string | null, path: string): Promise<number> =>
    (await stage.call(token, 'GET', path)).status;

  it('is a draft that only insiders see, then published: its tag is made and the app hears of it', async () => {
    await open();
    const { body: draft } = await create({ tag_name: 'v1', name: 'One', body: 'It *works*.', draft: true });
    expect(draft).toMatchObject({ draft: true, published_at: null, tag_name: 'v1', name: 'One' });
    const seen = [await status(stage.ada.token, `${RELEASES}/${draft.id}`), await status(null, `${RELEASES}/tags/v1`)];
    expect(seen).toEqual([200, 404]);
    const listed = async (token: string): Promise<number> => (await stage.call(token, 'GET', RELEASES)).body.length;
    expect([await listed(stage.ada.token), await listed(stage.stranger.token)]).toEqual([1, 0]);
    expect(await status(null, '/repos/acme/app/git/ref/tags/v1')).toBe(404);
    await upload(draft, 'app.tgz');
    await newEvents(stage);
    await stage.call(stage.ada.token, 'PATCH', `${RELEASES}/${draft.id}`, { draft: false });
    expect(await newEvents(stage)).toEqual(['create', 'push', 'release.published', 'release.released']);
    expect(await stage.sha('tags/v1')).toBe(await stage.sha());
    for (const place of [`${RELEASES}/tags/v1`, `${RELEASES}/latest`]) {
      const { body } = await stage.call(null, 'GET', place);
      expect(body).toMatchObject({ id: draft.id, draft: false, body: 'It *works*.', assets: [{ name: 'app.tgz' }] });
    }
    expect((await create({ tag_name: 'v1' })).status).toBe(422);
  });

  it('is not the latest while it is for trying out', async () => {
    await open();
    const { body: stable } = await create({ tag_name: 'v1' });
    await create({ tag_name: 'v2-rc.1', prerelease: true });
    expect((await stage.call(null, 'GET', `${RELEASES}/latest`)).body.id).toBe(stable.id);
    expect(await newEvents(stage)).toEqual(expect.arrayContaining(['release.released', 'release.prereleased']));
  });

  it('has assets that are listed, fetched as they were, and taken away', async () => {
    await open();
    const { body: release } = await create({ tag_name: 'v1' });
    const { status: uploaded, body: asset } = await upload(release, 'app.tgz', 'some bytes');
    expect(uploaded).toBe(201);
    expect(asset).toMatchObject({
      name: 'app.tgz',
      label: 'Of app.tgz',
      state: 'uploaded',
      size: 10,
      digest: digestBytes('some bytes'),
      content_type: 'application/gzip',
      uploader: { login: 'ada' },
    });
    expect((await upload(release, 'app.tgz')).status).toBe(422);
    await upload(release, 'SHA256SUMS');
    const path = `${RELEASES}/assets/${asset.id}`;
    const bytes = await stage.call(null, 'GET', path, undefined, { accept: 'application/octet-stream' });
    expect(bytes.body).toBe('some bytes');
    const facts = await stage.call(null, 'GET', path, undefined, { accept: 'application/json' });
    expect(facts.body).toMatchObject({ id: asset.id, size: 10 });
    const names = async (): Promise<readonly string[]> =>
      (await stage.call(null, 'GET', `${RELEASES}/${release.id}/assets`)).body.map(
        ({ name }: { name: string }) => name,
      );
    expect(await names()).toEqual(['app.tgz', 'SHA256SUMS']);
    expect((await stage.call(stage.stranger.token, 'DELETE', path)).status).toBe(403);
    expect((await stage.call(stage.ada.token, 'DELETE', path)).status).toBe(204);
    expect([await names(), await status(null, path)]).toEqual([['SHA256SUMS'], 404]);
    expect((await upload(release, 'app.tgz', 'other')).status).toBe(201);
  });

  it('is downloaded at the address that its assets name, by whoever may see it', async () => {
    await open();
    const { body: release } = await create({ tag_name: 'v1', draft: true });
    await upload(release, 'app.tgz', '<script>bytes</script>');
    const address = `${stage.sandbox.url}/acme/app/releases/download/v1/app.tgz`;
    expect(await status(stage.ada.token, address)).toBe(404);
    const { body } = await stage.call(stage.ada.token, 'PATCH', `${RELEASES}/${release.id}`, { draft: false });
    expect(body.assets[0].browser_download_url).toBe(address);
    const bytes = await stage.call(null, 'GET', address);
    expect(bytes).toMatchObject({ status: 200, body: '<script>bytes</script>' });
    expect(bytes.headers.get('content-disposition')).toContain('attachment');
    expect(await status(null, address.replace('app.tgz', 'other.tgz'))).toBe(404);
    const mona = stage.sandbox.createUser('mona');
    await stage.sandbox.createRepository({
      owner: 'mona',
      name: 'closed',
      isPrivate: true,
      files: { a: 'a' },
    });
    const { body: hidden } = await stage.call(mona.token, 'POST', '/repos/mona/closed/releases', { tag_name: 'v1' });
    await stage.call(mona.token, 'POST', hidden.upload_url.replace(/\{.*/, '?name=a'), 'secret');
    const closed = `${stage.sandbox.url}/mona/closed/releases/download/v1/a`;
    expect([await status(null, closed), await status(mona.token, closed)]).toEqual([404, 200]);
  });

  it('leads whoever downloads a file to another address, which needs no credentials', async () => {
    await open();
    const { body: release } = await create({ tag_name: 'v1' });
    const { body: asset } = await upload(release, 'app.tgz', 'some bytes');
    const headers = { authorization: `Bearer ${stage.ada.token}`, accept: 'application/octet-stream' };
    for (const url of [asset.url, asset.browser_download_url]) {
      const led = await fetch(url, { headers, redirect: 'manual' });
      expect(led.status).toBe(302);
      const object = await fetch(led.headers.get('location') ?? '');
      expect([object.status, await object.text()]).toEqual([200, 'some bytes']);
      const guessed = (led.headers.get('location') ?? '').replace(/[0-9a-f]{12}$/, '0'.repeat(12));
      expect((await fetch(guessed)).status).toBe(404);
    }
  });

  it('has files that are renamed, but not to a name that is taken, nor where it is immutable', async () => {
    await open();
    const { body: release } = await create({ tag_name: 'v1' });
    const { body: asset } = await upload(release, 'a');
    await upload(release, 'b');
    const rename = async (name: string): Promise<number> =>
      (await stage.call(stage.ada.token, 'PATCH', `${RELEASES}/assets/${asset.id}`, { name })).status;
    expect([await rename('b'), await rename('c')]).toEqual([422, 200]);
    stage.sandbox.makeReleasesImmutable('acme', 'app');
    expect(await rename('d')).toBe(422);
  });

  it('has bundles kept beside it that are signed with a certificate, by the digest of what they are about', async () => {
    await open();
    const digest = 'ab'.repeat(32);
    const payload = Buffer.from(JSON.stringify({ subject: [{ name: 'a', digest: { sha256: digest } }] })).toString(
      'base64',
    );
    const bundle = (verificationMaterial: object): object => ({
      mediaType: 'm',
      verificationMaterial,
      dsseEnvelope: { payload },
    });
    const store = async (material: object): Promise<number> =>
      (await stage.call(stage.ada.token, 'POST', '/repos/acme/app/attestations', { bundle: bundle(material) })).status;
    expect([await store({ certificate: {} }), await store({ publicKey: {} })]).toEqual([201, 422]);
    const list = (of: string) => stage.call(null, 'GET', `/repos/acme/app/attestations/sha256:${of}`);
    expect((await list(digest)).body.attestations).toMatchObject([{ bundle: { dsseEnvelope: { payload } } }]);
    expect((await list('cd'.repeat(32))).status).toBe(404);
  });

  it('is edited and deleted; its tag stays', async () => {
    await open();
    const { body: release } = await create({ tag_name: 'v1' });
    await newEvents(stage);
    const edit = await stage.call(stage.ada.token, 'PATCH', `${RELEASES}/${release.id}`, { name: 'First' });
    expect(edit.body).toMatchObject({ name: 'First', tag_name: 'v1' });
    expect(await newEvents(stage)).toEqual(['release.edited']);
    expect((await stage.call(stage.ada.token, 'DELETE', `${RELEASES}/${release.id}`)).status).toBe(204);
    expect(await status(stage.ada.token, `${RELEASES}/${release.id}`)).toBe(404);
    expect(await stage.sha('tags/v1')).toBe(await stage.sha());
  });

  it('names a branch or commit that is there', async () => {
    await open();
    expect((await create({ tag_name: 'v1', target_commitish: 'nowhere' })).status).toBe(422);
  });
});
