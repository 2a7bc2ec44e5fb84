import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { digestBytes, hexOf } from '../../../src/base/digest.ts';
import { openReleaseEvidence } from '../../../src/engine/release-evidence.ts';
import type { ReleaseEvidence } from '../../../src/protocol/release-evidence.ts';
import { type BlobStore, openFileBlobs } from '../../../src/store/blobs.ts';
import { onEveryDatabase } from '../../every-database.ts';
import { freshDatabase } from '../../fakes/engine.ts';
import { planOf, planStep } from '../../fakes/plans.ts';
import { type TestWorker, World } from './world.ts';

onEveryDatabase('what a release shows of a run', (url) => {
  let fresh: Awaited<ReturnType<typeof freshDatabase>>;
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
    evidence = openReleaseEvidence({ engine: world.engine, blobs });
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
  const read = async (runId: string, name: string, artifacts?: readonly string[]): Promise<string> => {
    const asset = (await evidence.assets(runId, artifacts)).find((one) => one.name === name);
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
    expect(await evidence.gate(runId)).toMatchObject({ isPassed: true, reasons: [], papers: [{ isVerified: true }] });
    const names = (await evidence.assets(runId, undefined)).map(({ name }) => name);
    expect(names).toEqual(['app.tgz', 'sums-SHA256SUMS', 'receipt.sigstore.json', 'run.json', 'SHA256SUMS']);
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
    expect((await evidence.assets(runId, artifacts)).map(({ name }) => name)).not.toContain('debug.log');
    expect(await read(runId, 'SHA256SUMS', artifacts)).not.toContain('debug.log');
    await expect(evidence.assets(runId, ['other'])).rejects.toMatchObject({ code: 'ARTIFACT_NOT_FOUND' });
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
    expect(verdict).toMatchObject({ isPassed: false, papers: [{ isVerified: false }] });
    expect(verdict?.reasons[0]).toMatch(/^the receipt does not hold: [A-Z_]+$/);
  });
});
