import { readdirSync, readFileSync, renameSync, symlinkSync, writeFileSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openLocalSigner } from '../../../src/provenance/signers/local.ts';
import { parseImageName } from '../../../src/steps/oci/image-name.ts';
import { parseChallenge } from '../../../src/steps/registry-push/challenge.ts';
import { FakeRegistry } from '../../fakes/registry.ts';
import { BUNDLES, PushScene } from './push-scene.ts';

const REPOSITORY = 'team/app';

describe('registry.push of layouts that are not what they say', () => {
  let registry: FakeRegistry;
  let own: PushScene;
  let to: string;
  beforeEach(async () => {
    registry = await new FakeRegistry().open();
    own = await new PushScene().build();
    to = `${registry.host}/${REPOSITORY}`;
  });
  afterEach(async () => {
    own.remove();
    await registry.close();
  });
  const blobs = (): readonly string[] =>
    readdirSync(own.at('image/blobs/sha256')).map((name) => `image/blobs/sha256/${name}`);
  const edit = (path: string, change: (text: string) => string): void =>
    writeFileSync(own.at(path), change(readFileSync(own.at(path), 'utf8')));
  const manifestOf = (): string => `image/blobs/sha256/${own.digest.slice(7)}`;

  it.each<[string, () => void]>([
    [
      'a blob with one byte changed',
      () => {
        const [largest = ''] = blobs().filter((path) => readFileSync(own.at(path)).byteLength > 100_000);
        const bytes = readFileSync(own.at(largest));
        bytes[1000] = (bytes[1000] as number) ^ 1;
        writeFileSync(own.at(largest), bytes);
      },
    ],
    ['a manifest with one byte changed', () => edit(manifestOf(), (text) => text.replace('2', '3'))],
    [
      'a blob that is a link',
      () => {
        const [first = ''] = blobs().filter((path) => path !== manifestOf());
        renameSync(own.at(first), own.at('elsewhere'));
        symlinkSync(own.at('elsewhere'), own.at(first));
      },
    ],
    [
      'a digest that leads out',
      () => edit('image/index.json', (text) => text.replace(own.digest, 'sha256:../../../../etc/passwd')),
    ],
    [
      'a digest of another kind',
      () => edit('image/index.json', (text) => text.replace(own.digest, `sha512:${'0'.repeat(128)}`)),
    ],
    ['a size that is not true', () => edit('image/index.json', (text) => text.replace(/"size":(\d)/, '"size":9$1'))],
    [
      'a media type that is none',
      () => edit('image/index.json', (text) => text.replace('manifest.v1+json', 'manifest"\\r\\n')),
    ],
    ['no image', () => edit('image/index.json', () => '{"manifests":[]}')],
    [
      'two images',
      () =>
        edit('image/index.json', (text) =>
          text.replace(
            '"manifests":[',
            `"manifests":[${JSON.stringify({ mediaType: 'application/vnd.oci.image.manifest.v1+json', digest: `sha256:${'1'.repeat(64)}`, size: 2 })},`,
          ),
        ),
    ],
    ['a text that is no JSON', () => edit('image/index.json', () => '[')],
    ['another version', () => edit('image/oci-layout', (text) => text.replace('1.0.0', '2.0.0'))],
  ])('refuses %s, before anything is sent', async (_, spoil) => {
    spoil();
    expect(await own.push({ to, tags: ['v1'] })).toMatchObject({ code: 'IMAGE_INVALID' });
    expect(registry.asked).toEqual([]);
  });

  it.each([
    ['nothing', 'missing'],
    ['a folder outside', '..'],
    ['a folder that is none', 'Containerfile'],
  ])('refuses %s', async (_, image) => {
    expect(await own.push({ to, image })).toMatchObject({ code: 'IMAGE_INVALID' });
  });

  it('refuses papers that are about another image, are none, or lie elsewhere', async () => {
    const signer = await openLocalSigner(own.at('keys/key.pem'));
    await own.writeBundles(to, signer, `sha256:${'1'.repeat(64)}`);
    for (const { path } of [...BUNDLES, { path: 'provenance.sigstore.json' }])
      expect(await own.push({ to, referrers: [{ path }] })).toMatchObject({ code: 'IMAGE_INVALID' });
    own.write({
      'plain.json': '{}',
      'twice.json': '{"mediaType":"application/vnd.dev.sigstore.bundle.v0.3+json","a":1,"a":2}',
    });
    expect(await own.push({ to, referrers: [{ path: 'plain.json' }] })).toMatchObject({ code: 'INPUT_INVALID' });
    expect(await own.push({ to, referrers: [{ path: 'twice.json' }] })).toMatchObject({ code: 'IMAGE_INVALID' });
    expect(await own.push({ to, sbom: '../sbom.json' })).toMatchObject({ code: 'INPUT_INVALID' });
    expect(registry.asked).toEqual([]);
  });

  it('keeps the signatures of others beside its own, and its own once', async () => {
    const tag = `${REPOSITORY}@${own.digest.replace(':', '-')}.sig`;
    const count = (): number => JSON.parse(registry.manifests.get(tag)!.bytes.toString()).layers.length;
    for (const key of ['one', 'two']) {
      await own.writeBundles(to, await openLocalSigner(own.at(`keys/${key}.pem`)));
      await own.push({ to, referrers: [...BUNDLES] });
      await own.push({ to, referrers: [...BUNDLES] });
    }
    expect(count()).toBe(2);
  });
});

describe('names of images', () => {
  it.each([
    ['registry.example.com/team/app', 'https://registry.example.com/', 'team/app'],
    ['localhost:5000/app', 'http://localhost:5000/', 'app'],
    ['127.0.0.1:5000/a/b', 'http://127.0.0.1:5000/', 'a/b'],
    ['127.0.0.1.example.com/app', 'https://127.0.0.1.example.com/', 'app'],
    ['registry:5000/app', 'https://registry:5000/', 'app'],
  ])('%s lies at %s', (text, origin, repository) => {
    const name = parseImageName(text);
    expect([name.origin.href, name.repository]).toEqual([origin, repository]);
  });

  it.each([
    '',
    'app',
    'team/app',
    'registry.example.com',
    'registry.example.com/App',
    'registry.example.com/a/../b',
    'registry.example.com//a',
    'https://registry.example.com/a',
    'u:p@registry.example.com/a',
    'registry.example.com/a:tag',
    'registry.example.com/a@sha256:0',
    'registry.example.com:99999/a',
    `r.example.com/${'a'.repeat(250)}`,
  ])('refuses %j', (text) =>
    expect(() => parseImageName(text)).toThrow(expect.objectContaining({ code: 'INPUT_INVALID' })),
  );
});

describe('challenges', () => {
  it.each([
    ['Basic realm="x"', { scheme: 'basic' }],
    ['bearer realm="https://a/t", service="s,t"', { scheme: 'bearer', realm: 'https://a/t', service: 's,t' }],
    ['Bearer realm=https://a/t,realm="https://b/t"', { scheme: 'bearer', realm: 'https://a/t', service: undefined }],
    ['Bearer service="s"', undefined],
    ['Negotiate', undefined],
    ['', undefined],
    [`Bearer realm="${'a'.repeat(5000)}"`, undefined],
    [null, undefined],
  ])('%#', (header, expected) => expect(parseChallenge(header)).toEqual(expected));
});
