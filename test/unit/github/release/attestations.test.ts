import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { digestBytes } from '../../../../src/base/digest.ts';
import { attestNext } from '../../../../src/github/release/attestations.ts';
import type { ReleaseSpec } from '../../../../src/protocol/release-board.ts';
import { onEveryDatabase } from '../../../every-database.ts';
import { Reporting } from '../report/reporting.ts';
import { openReleasingWorld, type ReleasingWorld } from './releasing-world.ts';

/** What the bundles are about. */
const SUBJECT = `sha256:${'ab'.repeat(32)}`;
/** What stores one. */
const STORE = /^POST .*\/attestations$/;

onEveryDatabase('a release with bundles', (url) => {
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

  const bundle = (type: string, material: object): string => {
    const subject = [{ name: 'a', digest: { sha256: SUBJECT.slice('sha256:'.length) } }];
    const payload = Buffer.from(JSON.stringify({ type, subject })).toString('base64');
    return JSON.stringify({ mediaType: 'm', verificationMaterial: material, dsseEnvelope: { payload } });
  };
  const certificate = { certificate: { rawBytes: 'aa' } };
  const key = { publicKey: { hint: 'x' } };
  /** Two keyless bundles about one file, and one that is signed with a key. */
  const open = async (): Promise<void> => {
    world = await openReleasingWorld(at);
    world.evidence.files.set('one.sigstore.json', bundle('one', certificate));
    world.evidence.files.set('keyed.sigstore.json', bundle('keyed', key));
    world.evidence.files.set('two.sigstore.json', bundle('two', certificate));
  };
  const stored = async (): Promise<number> => {
    const about = { ...world.place, subject_digest: SUBJECT };
    return (await world.ada.rest.repos.listAttestations(about)).data.attestations?.length ?? 0;
  };

  it('gives GitHub the bundles that are signed with a certificate, once', async () => {
    await open();
    await world.release();
    expect(await stored()).toBe(2);
    expect((await world.releases())[0]?.draft).toBe(false);
  });

  it('gives GitHub each bundle once where it does not show those that it has', async () => {
    await open();
    world.octokit.hook.after('request', ({ data }, { url }) => {
      if (!url.endsWith('/attestations/{subject_digest}')) return;
      for (const one of (data as { attestations: { bundle?: unknown }[] }).attestations) delete one.bundle;
    });
    await world.release();
    expect((await world.releases())[0]?.draft).toBe(false);
    expect(await stored()).toBe(2);
  });

  it('is published where GitHub takes none of its bundles, each of which is tried once', async () => {
    await open();
    world.sandbox.misbehave({ kind: 'answer', call: STORE, answer: { type: 'status', status: 422 } });
    await world.release();
    expect((await world.releases())[0]?.draft).toBe(false);
    expect(world.sandbox.calls().filter(({ method, path }) => STORE.test(`${method} ${path}`))).toHaveLength(2);
  });

  it.each([
    ['one that follows many which are signed with a key', 60, 1, 1],
    ['no more than costs a few writes', 0, 52, 50],
  ])('gives GitHub %s', async (_what, keyed, keyless, given) => {
    world = await openReleasingWorld(at);
    const { files } = world.evidence;
    for (let i = 0; i < keyed; i++) files.set(`k${i}.sigstore.json`, bundle(`k${i}`, key));
    for (let i = 0; i < keyless; i++) files.set(`c${i}.sigstore.json`, bundle(`c${i}`, certificate));
    const spec = { runId: 'r1', assets: await world.evidence.assets('r1', {}) } as unknown as ReleaseSpec;
    let done: number | undefined = 0;
    while (done !== undefined) done = await attestNext(world.octokit, world.place, spec, world.evidence, done);
    expect(world.sandbox.calls().filter(({ method, path }) => STORE.test(`${method} ${path}`))).toHaveLength(given);
  });

  it('reads no more than so much to find them', async () => {
    world = await openReleasingWorld(at);
    const asset = { mediaType: '', digest: digestBytes(''), sizeBytes: 1_048_576 };
    const assets = Array.from({ length: 500 }, (_, i) => ({ ...asset, name: `k${i}.sigstore.json` }));
    for (const { name } of assets) world.evidence.files.set(name, bundle(name, key));
    const spec = { runId: 'r1', assets } as unknown as ReleaseSpec;
    expect(await attestNext(world.octokit, world.place, spec, world.evidence, 0)).toBeUndefined();
    expect(world.evidence.reads).toBe(64);
  });
});
