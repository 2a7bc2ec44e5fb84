import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { type Digest, digestBytes, hexOf } from '../../../src/base/digest.ts';
import { openReleaseEvidence } from '../../../src/engine/release-evidence.ts';
import type { Plan } from '../../../src/pipeline/plan.ts';
import type { ReleaseEvidence, ReleaseWish } from '../../../src/protocol/release-evidence.ts';
import { verifyDisclosure } from '../../../src/provenance/disclosure/verify-disclosure.ts';
import { type BlobStore, openFileBlobs } from '../../../src/store/blobs.ts';
import { onEveryDatabase } from '../../every-database.ts';
import { planOf, planStep } from '../../fakes/plans.ts';
import { type FreshDatabase, freshDatabase } from '../../fresh-database.ts';
import { PAPERS, Releaser, releasePlan } from './releaser.ts';
import { type TestWorker, World } from './world.ts';

onEveryDatabase('what a release shows of a run', (url) => {
  let fresh: FreshDatabase;
  let world: World;
  let worker: TestWorker;
  let folder: string;
  let blobs: BlobStore;
  let evidence: ReleaseEvidence;

  beforeEach(async () => {
    fresh = await freshDatabase(url);
    folder = await mkdtemp(join(tmpdir(), 'maestro-evidence-'));
    blobs = openFileBlobs(folder);
    world = await World.open(await fresh.open(), { blobs });
    worker = await world.worker();
    evidence = openReleaseEvidence({ engine: world.engine, db: world.db, blobs });
  });
  afterEach(async () => {
    await world.close();
    await world.db.close();
    await fresh.drop();
    await rm(folder, { recursive: true });
  });

  /** A run of one step that leaves these files: path, content, artifact. */
  const ended = async (
    files: readonly (readonly [path: string, content: string, name: string])[],
    { kind = 'succeeded', artifacts }: { kind?: 'succeeded' | 'failed'; artifacts?: readonly string[] } = {},
  ): Promise<string> => {
    const release = { isPrerelease: false, isKeptDraft: false, ...(artifacts && { artifacts }) };
    const retry = { max: 0, on: [], backoff: { initialMs: 1, factor: 1, maxMs: 1, jitter: 'none' } } as const;
    const run = await world.start({ ...planOf([planStep('pack', { retry })]), release });
    const lease = await worker.take('pack');
    const made = await Promise.all(
      files.map(async ([path, content, name]) => {
        const { digest, sizeBytes } = await blobs.put(
          (async function* () {
            yield Buffer.from(content);
          })(),
        );
        return { name, path, digest, sizeBytes };
      }),
    );
    expect(await evidence.gate((await world.engine.readRun(run)).id)).toBeUndefined();
    await worker.complete(lease, {
      kind,
      ...(kind === 'failed' && { errorClass: 'step' as const }),
      artifacts: made,
    });
    return (await world.end(run)).id;
  };
  const read = async (runId: string, name: string, wish: ReleaseWish = {}): Promise<string> => {
    const asset = (await evidence.assets(runId, wish)).find((one) => one.name === name);
    if (!asset) throw new Error(`no asset ${name}`);
    const text = await new Response(await evidence.read(runId, asset)).text();
    expect(digestBytes(text)).toBe(asset.digest);
    return text;
  };

  it('are its files, its receipt, its record and the digests of them all', async () => {
    const runId = await ended([
      ['dist/app.tgz', 'app', 'release'],
      ['SHA256SUMS', 'mine', 'sums'],
    ]);
    expect(await evidence.gate(runId)).toMatchObject({ isPassed: true, reasons: [] });
    // Of the others nobody asked, and none is there.
    expect((await evidence.gate(runId))?.papers.map(({ isVerified }) => isVerified)).toEqual([
      true,
      false,
      false,
      false,
    ]);
    const names = (await evidence.assets(runId, {})).map(({ name }) => name);
    expect(names).toEqual([
      'app.tgz',
      'sums-SHA256SUMS',
      'receipt.sigstore.json',
      'run.json',
      'disclosure.tgz',
      'SHA256SUMS',
    ]);
    expect(await read(runId, 'app.tgz')).toBe('app');
    const receipt = await world.engine.readReceipt(await world.engine.resolve(runId));
    expect(await read(runId, 'receipt.sigstore.json')).toBe(receipt.bundle);
    expect(await read(runId, 'run.json')).toBe(receipt.runRecord);
    const sums = (await read(runId, 'SHA256SUMS')).trimEnd().split('\n');
    expect(sums[0]).toBe(`${hexOf(digestBytes('app'))}  app.tgz`);
    expect(sums.map((line) => line.slice(66))).toEqual(names.slice(0, -1));
  });

  it('are those that its pipeline names, where it names some', async () => {
    const artifacts = ['release'];
    const runId = await ended(
      [
        ['app.tgz', 'app', 'release'],
        ['debug.log', 'log', 'debug'],
      ],
      { artifacts },
    );
    expect((await evidence.assets(runId, { artifacts })).map(({ name }) => name)).not.toContain('debug.log');
    expect(await read(runId, 'SHA256SUMS', { artifacts })).not.toContain('debug.log');
    await expect(evidence.assets(runId, { artifacts: ['other'] })).rejects.toMatchObject({
      code: 'ARTIFACT_NOT_FOUND',
    });
  });

  const released = async (change: Partial<Plan> = {}, papers = PAPERS): Promise<string> => {
    const run = await world.start(releasePlan(papers, change));
    const releaser = await Releaser.open(world);
    await releaser.build();
    if (papers.length > 0) await releaser.papers(papers.map(([id]) => id));
    return (await world.end(run)).id;
  };

  it('are what is signed about its files as well, and what the gate said, for a pipeline that releases', async () => {
    const runId = await released();
    expect(await evidence.gate(runId)).toMatchObject({
      isPassed: true,
      reasons: [],
      papers: [{ isVerified: true }, { isVerified: true }, { isVerified: true }, { isVerified: true }],
      summary: {
        subject: digestBytes('the release'),
        level: expect.stringMatching(/^SLSA_BUILD_LEVEL_[12]$/) as string,
      },
    });
    expect((await evidence.assets(runId, {})).map(({ name }) => name)).toEqual([
      'app.tgz',
      'app.tgz.sbom.intoto.jsonl',
      'app.tgz.intoto.jsonl',
      'app.tgz.vulns.intoto.jsonl',
      'release-gate.intoto.jsonl',
      'vsa.json',
      'receipt.sigstore.json',
      'run.json',
      'disclosure.tgz',
      'SHA256SUMS',
    ]);
    const statements = await world.engine.releases.readAttestations(await world.engine.resolve(runId));
    const provenance = statements.find(({ step }) => step === 'provenance');
    expect(await read(runId, 'app.tgz.intoto.jsonl')).toBe(provenance?.bundle);
    expect(JSON.parse(await read(runId, 'vsa.json'))).toMatchObject({ payloadType: 'application/vnd.in-toto+json' });
    const wish = { artifacts: [] };
    expect((await evidence.assets(runId, wish)).map(({ name }) => name)).not.toContain('app.tgz.intoto.jsonl');
  });

  it('are refused where a pipeline that releases has not the papers, or where something of them does not hold', async () => {
    const runId = await released({}, []);
    expect(await evidence.gate(runId)).toMatchObject({
      isPassed: false,
      reasons: [/^SBOM_MISSING: /, /^PROVENANCE_MISSING: /, /^RISK_MISSING: /].map(
        (code) => expect.stringMatching(code) as string,
      ),
    });
    const forged = await released();
    await world.sql(
      `update attestation set signature = (select signature from receipt limit 1) where predicate_type like '%bom%'`,
    );
    const verdict = await evidence.gate(forged);
    expect(verdict).toMatchObject({ isPassed: false });
    expect(verdict?.reasons[0]).toMatch(/^ATTESTATION_INVALID: /);
  });

  it('hold the pack that was made first, of the public edition', async () => {
    const runId = await released();
    const packs: Buffer[] = [];
    const { publicKey } = await world.engine.readReceipt(await world.engine.resolve(runId));
    for (const artifacts of [undefined, []]) {
      const asset = (await evidence.assets(runId, artifacts ? { artifacts } : {})).find(
        ({ name }) => name === 'disclosure.tgz',
      );
      if (!asset) throw new Error('no pack');
      packs.push(Buffer.from(await new Response(await evidence.read(runId, asset)).arrayBuffer()));
    }
    expect(packs[1]?.equals(packs[0] ?? Buffer.alloc(0))).toBe(true);
    const { manifest } = await verifyDisclosure({ archive: packs[0] ?? Buffer.alloc(0), key: publicKey });
    expect(manifest.attestations).toHaveLength(5);
    expect(manifest.policy.decisions.every(({ question }) => question === null)).toBe(true);
    const { disclosurePack } = await world.engine.releases.readManifest(await world.engine.resolve(runId));
    expect(disclosurePack).toMatchObject({ digest: digestBytes(packs[0] ?? '') });
  });

  it('are made anew where their store was lost, as far as they can be', async () => {
    const runId = await ended([['app.tgz', 'app', 'release']]);
    const assets = await evidence.assets(runId, {});
    await rm(folder, { recursive: true });
    for (const asset of assets.filter(({ name }) => name !== 'app.tgz'))
      expect(digestBytes(Buffer.from(await new Response(await evidence.read(runId, asset)).arrayBuffer()))).toBe(
        asset.digest,
      );
    const [app] = assets;
    await expect(app && evidence.read(runId, app)).rejects.toMatchObject({ code: 'ARTIFACT_NOT_FOUND' });
    await mkdir(folder, { recursive: true });
  });

  const packOf = async (runId: string) => {
    const pack = (await evidence.assets(runId, {})).find(({ name }) => name === 'disclosure.tgz');
    if (!pack) throw new Error('no pack');
    return pack;
  };
  const fileOf = (digest: Digest): string => join(folder, 'sha256', hexOf(digest).slice(0, 2), hexOf(digest));

  it.each<[string, (path: string) => Promise<unknown>]>([
    ['is lost', (path) => rm(path)],
    ['is damaged', (path) => writeFile(path, 'damaged')],
  ])('hold another pack where that which was made first %s, and then that one', async (_what, spoil) => {
    const runId = await released();
    const first = await packOf(runId);
    await spoil(fileOf(first.digest));
    // It is signed anew.
    await world.sql('delete from disclosure');
    const second = await packOf(runId);
    expect(second.digest).not.toBe(first.digest);
    expect(await packOf(runId)).toEqual(second);
    expect((await new Response(await evidence.read(runId, second)).arrayBuffer()).byteLength).toBe(second.sizeBytes);
    const { disclosurePack } = await world.engine.releases.readManifest(await world.engine.resolve(runId));
    expect(disclosurePack).toMatchObject({ digest: second.digest });
  });

  it('are whole again for the next reader where one found them damaged', async () => {
    const runId = await released();
    const assets = await evidence.assets(runId, {});
    for (const asset of assets.filter(({ name }) => ['disclosure.tgz', 'vsa.json'].includes(name))) {
      await writeFile(fileOf(asset.digest), 'damaged');
      const text = async (): Promise<number> =>
        (await new Response(await evidence.read(runId, asset)).arrayBuffer()).byteLength;
      await expect(text()).rejects.toMatchObject({ code: 'BLOB_CORRUPT' });
      expect(await text()).toBe(asset.sizeBytes);
    }
  });

  it('wait until the receipt is in the register, because the pack would lack the proof of it for good', async () => {
    const runId = await released();
    await world.engine.evidence.awaitProofs(runId);
    // As while nobody who has the register's key runs.
    await world.sql('create table kept as select * from evidence_leaf');
    await world.sql('delete from evidence_leaf');
    await expect(evidence.assets(runId, {})).rejects.toMatchObject({ code: 'UNAVAILABLE' });
    expect(await world.sql('select * from release_pack')).toEqual([]);
    await world.sql('insert into evidence_leaf select * from kept');
    const archive = Buffer.from(await new Response(await evidence.read(runId, await packOf(runId))).arrayBuffer());
    const { publicKey } = await world.engine.readReceipt(await world.engine.resolve(runId));
    expect((await verifyDisclosure({ archive, key: publicKey })).manifest.hasRegisterProof).toBe(true);
  });

  it('is nothing that may be released where it failed', async () => {
    const runId = await ended([], { kind: 'failed' });
    expect(await evidence.gate(runId)).toMatchObject({ isPassed: false, reasons: ['the run failed'] });
  });

  it('is nothing that may be released where its receipt was changed', async () => {
    const runId = await ended([['app.tgz', 'app', 'release']]);
    const other = await ended([['app.tgz', 'evil', 'release']]);
    await world.sql(
      `update receipt set payload = o.payload from receipt o join run x on x.id = o.run_id
       where receipt.run_id = (select id from run where key = '${runId}') and x.key = '${other}'`,
    );
    const verdict = await evidence.gate(runId);
    expect(verdict).toMatchObject({ isPassed: false });
    expect(verdict?.papers.every(({ isVerified }) => !isVerified)).toBe(true);
    expect(verdict?.reasons[0]).toMatch(/^the receipt does not hold: [A-Z_]+$/);
  });
});
