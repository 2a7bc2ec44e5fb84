import { expect, it } from 'vitest';
import { digestBytes } from '../../../src/base/digest.ts';
import { verifyDisclosure } from '../../../src/provenance/disclosure/verify-disclosure.ts';
import { readVerifierKey } from '../../../src/provenance/evidence-log/note-key.ts';
import { openTestEngine } from '../../fakes/engine.ts';
import { planStep } from '../../fakes/plans.ts';
import { newLogSigner } from '../../unit/provenance/evidence-log/sample-log.ts';
import { onEveryStore } from './engines.ts';

onEveryStore('a disclosure pack', (world) => {
  it('is the same byte for byte from whichever conductor, and holds all that the receipt speaks of', async () => {
    const w = world();
    const run = await w.start([planStep('a'), planStep('b', { needs: ['a'] })]);
    const worker = await w.worker();
    await worker.run('a', { kind: 'failed', errorClass: 'step', message: 'no' });
    await w.end(run);
    const archive = await w.engine.disclose(run, 'full');
    const other = await openTestEngine(w.db);
    try {
      expect(Buffer.from(await other.disclose(run, 'full')).equals(archive)).toBe(true);
    } finally {
      await other.close();
    }
    const { publicKey, payloadSha256 } = await w.engine.readReceipt(run);
    const { receipt, manifest } = await verifyDisclosure({ archive, key: publicKey });
    expect(receipt.payloadSha256).toBe(payloadSha256);
    expect(receipt.statement.predicate.run.status).toBe('failed');
    expect(manifest.policy.decisions.length).toBeGreaterThan(0);
    expect(manifest.policy.decisions.every(({ isReplayable }) => isReplayable)).toBe(true);
  });

  it('shows that its receipt is in the register, and stays as it is while that grows', async () => {
    const w = world();
    const [first, second] = [await w.start([planStep('a')]), await w.start([planStep('a')])];
    const worker = await w.worker();
    await worker.run('a', { kind: 'succeeded' });
    await w.end(first);
    const archive = await w.engine.disclose(first, 'full');
    await worker.run('a', { kind: 'succeeded' });
    await w.end(second);
    await w.engine.disclose(second, 'full');
    expect(Buffer.from(await w.engine.disclose(first, 'full')).equals(archive)).toBe(true);
    const { publicKey } = await w.engine.readReceipt(first);
    const logKey = readVerifierKey((await w.engine.evidence.checkpoint()).verifierKey);
    const { logged } = await verifyDisclosure({ archive, key: publicKey, logKey });
    expect(logged?.index).toBeGreaterThan(0);
    const another = readVerifierKey(newLogSigner('another.example/evidence').verifierKey);
    await expect(verifyDisclosure({ archive, key: publicKey, logKey: another })).rejects.toMatchObject({
      code: 'KEY_UNKNOWN',
    });
  });

  it('holds the log of the last turn of a loop, and not of those before it', async () => {
    const w = world();
    const run = await w.start([planStep('l', { loop: { until: "steps.l.outputs.n == '2'", max: 5 } })]);
    const worker = await w.worker();
    for (const n of ['1', '2']) {
      const lease = await worker.take('l');
      const text = `turn ${n}\n`;
      await w.engine.leases.appendLog(worker.id, [{ ...lease, seq: 0, text }]);
      const log = { digest: digestBytes(text), sizeBytes: Buffer.byteLength(text), isTruncated: false };
      await worker.complete(lease, { kind: 'succeeded', outputs: { n }, log });
    }
    await w.end(run);
    const { publicKey } = await w.engine.readReceipt(run);
    const { manifest, files } = await verifyDisclosure({
      archive: await w.engine.disclose(run, 'full'),
      key: publicKey,
    });
    expect(manifest.logs).toMatchObject([{ stepId: 'l', isWhole: true }]);
    expect(Buffer.from(files.get(manifest.logs[0]?.path ?? '') ?? []).toString()).toBe('turn 2\n');
  });

  it('leaves logs, data and questions out of its public edition, which holds all the same', async () => {
    const w = world();
    const run = await w.start([planStep('a')]);
    const worker = await w.worker();
    const lease = await worker.take('a');
    await w.engine.leases.appendLog(worker.id, [{ ...lease, seq: 0, text: 'plugh-xyzzy\n' }]);
    const log = { digest: digestBytes('plugh-xyzzy\n'), sizeBytes: 12, isTruncated: false };
    await worker.complete(lease, { kind: 'succeeded', log });
    await w.end(run);
    const archive = await w.engine.disclose(run, 'public');
    expect(Buffer.from(await w.engine.disclose(run, 'public')).equals(archive)).toBe(true);
    const { publicKey } = await w.engine.readReceipt(run);
    const { manifest, files } = await verifyDisclosure({ archive, key: publicKey });
    expect(manifest.logs).toEqual([{ stepId: 'a', path: null, isWhole: false }]);
    expect(manifest.policy.decisions.length).toBeGreaterThan(0);
    for (const decision of manifest.policy.decisions)
      expect(decision).toMatchObject({ question: null, data: null, isReplayable: false });
    const paths = [...files.keys()];
    expect(paths.filter((path) => /^(logs|policy\/data|policy\/questions)\//.test(path))).toEqual([]);
    expect([...files.values()].some((content) => Buffer.from(content).includes('plugh-xyzzy'))).toBe(false);
    const text = Buffer.from(files.get('VERIFY.md') ?? []).toString();
    expect(text).toContain('1 of 1 logs are not in this pack');
    expect(text).not.toContain('replay.sh');
  });

  it('is signed once, however many ask for it at the same moment', async () => {
    const w = world();
    const run = await w.start([planStep('a')]);
    await (await w.worker()).run('a', { kind: 'succeeded' });
    await w.end(run);
    const archives = await Promise.all(Array.from({ length: 5 }, () => w.engine.disclose(run, 'full')));
    expect(new Set(archives.map((archive) => Buffer.from(archive).toString('base64'))).size).toBe(1);
    expect(await w.sql(`select count(*)::int from disclosure where run_id = ${run}`)).toEqual([[1]]);
  });

  it('is refused while the run goes on', async () => {
    const w = world();
    const run = await w.start([planStep('a')]);
    await expect(w.engine.disclose(run, 'full')).rejects.toMatchObject({ code: 'RUN_NOT_FINISHED' });
  });
});
