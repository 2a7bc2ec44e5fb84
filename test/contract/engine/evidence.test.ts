import { afterAll, beforeAll, expect, it } from 'vitest';
import type { EvidenceDesk } from '../../../src/protocol/evidence.ts';
import { type Checkpoint, openCheckpoint } from '../../../src/provenance/evidence-log/checkpoint.ts';
import { readLeaf } from '../../../src/provenance/evidence-log/leaf.ts';
import { LogAudit } from '../../../src/provenance/evidence-log/log-audit.ts';
import { readVerifierKey } from '../../../src/provenance/evidence-log/note-key.ts';
import { readHash } from '../../../src/provenance/evidence-log/tlog-proof.ts';
import { verifyContinues, verifyLogged } from '../../../src/provenance/evidence-log/verify-log.ts';
import { onEveryDatabase } from '../../every-database.ts';
import { LOG_SIGNER } from '../../fakes/engine.ts';
import { planOf, planStep } from '../../fakes/plans.ts';
import { freshDatabase } from '../../fresh-database.ts';
import { describeWith } from '../../real-parts.ts';
import { newLogSigner } from '../../unit/provenance/evidence-log/sample-log.ts';
import { onEveryStore } from './engines.ts';
import { FAILED, World } from './world.ts';

const KEY = readVerifierKey(LOG_SIGNER.verifierKey);
const NO_RETRY = { max: 0, on: [], backoff: { initialMs: 1, factor: 1, maxMs: 1, jitter: 'none' } } as const;

const head = async (evidence: EvidenceDesk): Promise<Checkpoint> =>
  openCheckpoint((await evidence.checkpoint()).checkpoint, KEY);

/** Reads all leaves, as an auditor does. */
async function audited(evidence: EvidenceDesk, kept: readonly Checkpoint[] = []): Promise<LogAudit> {
  const audit = new LogAudit(await head(evidence), kept);
  while (audit.missing > 0) audit.take(await evidence.leaves((await head(evidence)).size - audit.missing, 7));
  return audit;
}

async function kindsOf(w: World, run: number): Promise<readonly string[]> {
  const { id } = await w.engine.readRun(run);
  const { open, close } = await w.engine.evidence.awaitProofs(id);
  return [open, close].flatMap((leaf) => (leaf ? [readLeaf(leaf.leaf).kind] : []));
}

onEveryStore('the evidence register', (world) => {
  it('holds of a run that it began, and with which receipt it ended, each proven offline', async () => {
    const w = world();
    const run = await w.start([planStep('a')]);
    const { id } = await w.engine.readRun(run);
    await expect.poll(() => w.engine.evidence.proofs(id).catch(() => null)).toMatchObject({ close: null });
    await (await w.worker()).run('a');
    await w.end(run);
    const { payloadSha256 } = await w.engine.readReceipt(run);
    const { open, close, verifierKey } = await w.engine.evidence.awaitProofs(id);
    expect(verifierKey).toBe(LOG_SIGNER.verifierKey);
    const began = { v: 1, kind: 'open', runId: id, attempt: 1 } as const;
    expect(verifyLogged(began, open?.proof ?? '', KEY).index).toBe(open?.index);
    const ended = { v: 1, kind: 'close', runId: id, attempt: 1, payloadSha256 } as const;
    expect(verifyLogged(ended, close?.proof ?? '', KEY).index).toBe(close?.index);
  });

  it('holds runs that failed, were cancelled, and never began', async () => {
    const w = world();
    const failed = await w.start([planStep('a', { retry: NO_RETRY })]);
    await (await w.worker()).run('a', FAILED);
    await w.end(failed);
    const cancelled = await w.start([planStep('a', { runner: 'gpu' })]);
    await w.engine.cancelRun(cancelled, 'enough');
    await w.end(cancelled);
    for (const run of [failed, cancelled]) expect(await kindsOf(w, run)).toEqual(['open', 'close']);
  });

  it('opens a run that waits for its group when it begins, or ends without having begun', async () => {
    const w = world();
    const plan = planOf([planStep('a')], {
      concurrency: { group: 'one', cancelInProgress: false },
    });
    const queuedOrLogged = async (run: number): Promise<readonly number[]> => {
      const rows = await w.sql(
        `select kind from (select run_id, kind from evidence_leaf union all select run_id, kind from evidence_queue) l
         where run_id = ${run} order by kind`,
      );
      return rows.map(([kind]) => Number(kind));
    };
    const first = await w.start(plan);
    const second = await w.start(plan);
    expect([await queuedOrLogged(first), await queuedOrLogged(second)]).toEqual([[1], []]);
    // The one that waited makes room for a newer one, and ends without having begun.
    const third = await w.start(plan);
    await w.end(second);
    expect([await queuedOrLogged(second), await queuedOrLogged(third)]).toEqual([[1, 2], []]);
    await w.engine.cancelRun(first, 'enough');
    await w.end(first);
    await expect.poll(() => queuedOrLogged(third)).toEqual([1]);
    await w.engine.cancelRun(third, 'enough');
    await w.end(third);
    for (const run of [first, second, third]) expect(await kindsOf(w, run)).toEqual(['open', 'close']);
  });

  it('holds a new attempt under its number', async () => {
    const w = world();
    const run = await w.start([planStep('a', { retry: NO_RETRY })]);
    const worker = await w.worker();
    await worker.run('a', FAILED);
    await w.end(run);
    const again = await w.engine.retryRun(run, { type: 'failed' });
    await worker.run('a');
    await w.end(again);
    const { id } = await w.engine.readRun(again);
    const { open, close } = await w.engine.evidence.awaitProofs(id);
    for (const leaf of [open, close]) expect(readLeaf(leaf?.leaf ?? '')).toMatchObject({ runId: id, attempt: 2 });
  });

  it('only grows, and whoever kept a checkpoint sees that', async () => {
    const w = world();
    const { evidence } = w.engine;
    const kept = [await head(evidence)];
    const worker = await w.worker();
    for (let i = 0; i < 5; i++) {
      const run = await w.start([planStep('a')]);
      await worker.run('a');
      await w.end(run);
      await kindsOf(w, run);
      kept.push(await head(evidence));
    }
    const newest = kept.at(-1) as Checkpoint;
    for (const older of kept) {
      const hashes = await evidence.consistency(older.size, newest.size);
      expect(() => verifyContinues(older, newest, hashes.map(readHash))).not.toThrow();
    }
    const audit = await audited(evidence, kept);
    expect(audit.findings()).toEqual([]);
    expect(await evidence.unlogged()).toEqual([]);
  });

  it('is not asked for what it has not', async () => {
    const { evidence } = world().engine;
    const { size } = await head(evidence);
    const code = expect.objectContaining({ code: 'EVIDENCE_NOT_FOUND' }) as Error;
    await expect(evidence.proofs('01nobody')).rejects.toThrowError(code);
    for (const [from, to] of [
      [0, 1],
      [2, 1],
      [1, size + 1],
    ] as const)
      await expect(evidence.consistency(from, to)).rejects.toThrowError(code);
    expect(await evidence.leaves(size, 10)).toEqual([]);
  });

  it('knows of a run whose end it was not told, and of one that it was never told of', async () => {
    const w = world();
    const { evidence } = w.engine;
    const run = await w.start([planStep('a')]);
    await (await w.worker()).run('a');
    await w.end(run);
    const { id } = await w.engine.readRun(run);
    await evidence.awaitProofs(id);
    const ago = `now() - interval '1 hour'`;
    await w.sql(`update run set started_at = ${ago}, finished_at = ${ago} where id = ${run}`);
    expect(await evidence.known([id])).toMatchObject([{ runId: id, isOverdue: false }]);
    await w.sql(`delete from evidence_leaf where run_id = ${run} and kind = 2`);
    // What waits for an hour is no excuse.
    await w.sql(`insert into evidence_queue (run_id, kind) values (${run}, 2)`);
    expect(await evidence.known([id, '01nobody'])).toMatchObject([{ runId: id, isOverdue: true }]);
    await w.sql(`delete from evidence_leaf where run_id = ${run}`);
    expect(await evidence.unlogged()).toEqual([id]);
    await w.sql(`delete from run where id = ${run}`);
  });
});

describeWith('postgres', 'one register of several servers', (url) => {
  let drop: () => Promise<void> = async () => {};
  const worlds: World[] = [];
  beforeAll(async () => {
    const fresh = await freshDatabase(url);
    drop = fresh.drop;
    for (let i = 0; i < 3; i++) worlds.push(await World.open(await fresh.open()));
  });
  afterAll(async () => {
    for (const w of worlds) {
      await w.tidy();
      await w.close();
      await w.db.close();
    }
    await drop();
  });

  it('has each leaf once, whoever appends', async () => {
    const runs = await Promise.all(
      Array.from({ length: 60 }, async (_, i) => {
        const w = worlds[i % worlds.length] as World;
        return { w, run: await w.start([planStep('a')]) };
      }),
    );
    const worker = await (worlds[0] as World).worker();
    for (let i = 0; i < runs.length; i++) await worker.run('a');
    for (const { w, run } of runs) await w.end(run);
    for (const { w, run } of runs) expect(await kindsOf(w, run)).toEqual(['open', 'close']);
    const audit = await audited((worlds[1] as World).engine.evidence);
    expect(audit.findings()).toEqual([]);
    expect(audit.runs.size).toBe(60);
  });
});

onEveryDatabase('a process with another key than the register', (url) => {
  it('appends nothing, says so once, and leaves its leaves to whoever has the key', async () => {
    const fresh = await freshDatabase(url);
    const db = await fresh.open();
    const cancelled = async (w: World): Promise<string> => {
      const run = await w.start([planStep('a')]);
      await w.engine.cancelRun(run, 'enough');
      await w.end(run);
      return (await w.engine.readRun(run)).id;
    };
    const owner = await World.open(db);
    await cancelled(owner);
    await owner.close();
    const errors: unknown[] = [];
    const stranger = await World.open(db, { logSigner: newLogSigner(), onError: (error) => errors.push(error) });
    const id = await cancelled(stranger);
    await stranger.engine.close();
    expect(errors).toMatchObject([{ code: 'CONFIG_INVALID' }]);
    const again = await World.open(db);
    const { open, close } = await again.engine.evidence.awaitProofs(id);
    expect([open?.index, close?.index]).toEqual([2, 3]);
    await again.close();
    await db.close();
    await fresh.drop();
  });

  it('begins no register on a database of others, and leaves its leaves to whoever may', async () => {
    const fresh = await freshDatabase(url);
    const db = await fresh.open();
    const guest = await World.open(db, { logSigner: newLogSigner(), mayFoundRegister: false });
    const run = await guest.start([planStep('a')]);
    await guest.engine.cancelRun(run, 'enough');
    await guest.end(run);
    const { id } = await guest.engine.readRun(run);
    await guest.close();
    expect(await db.query('', 'select count(*)::int from evidence_log', [])).toEqual([[0]]);
    const server = await World.open(db);
    const { open, close } = await server.engine.evidence.awaitProofs(id);
    expect([open?.index, close?.index]).toEqual([0, 1]);
    await server.close();
    await db.close();
    await fresh.drop();
  });
});
