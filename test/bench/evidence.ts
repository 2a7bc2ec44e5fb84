import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SYSTEM_CLOCK } from '../../src/base/clock.ts';
import { ulid } from '../../src/base/ids.ts';
import { openEvidenceDesk } from '../../src/engine/evidence-desk.ts';
import { Hub } from '../../src/engine/hub.ts';
import { Registrar } from '../../src/engine/registrar.ts';
import { readLeaf } from '../../src/provenance/evidence-log/leaf.ts';
import { readVerifierKey } from '../../src/provenance/evidence-log/note-key.ts';
import { verifyLogged } from '../../src/provenance/evidence-log/verify-log.ts';
import { openEvidenceKey } from '../../src/provenance/signers/evidence-key.ts';
import type { Database } from '../../src/store/database.ts';
import { openEmbedded } from '../../src/store/embedded.ts';
import { migrate } from '../../src/store/migrate.ts';
import { openPostgres } from '../../src/store/postgres.ts';
import { fsyncMicros } from './machine.ts';
import { dropScratch, makeScratch } from './scratch-database.ts';
import { percentile, rounded } from './statistics.ts';

/**
 * What an append to a long register takes, and a proof from it, over the store.
 *
 * `npm run bench:evidence [-- --leaves=1000000] [--database=pglite]` prints one JSON line. It exits with 1 where a proof
 * does not hold, and with --bars also where a bar is missed. An append is one leaf with a checkpoint of its own, durably: the worst case, since a burst shares both. What the disk
 * takes to sync is in it, and is printed beside it.
 */
const APPEND_MS_MAX = 2;
const PROOF_MS_MAX = 5;
const TRIES = 300;
const FILL_BATCH = 50_000;

const PLAN = `insert into plan (digest, body, sinks, classes, pendings, succs, runners)
  values ('bench', '{}', 0, '{}', '{}', '{}', '{}') on conflict do nothing`;

const option = (name: string, fallback: string): string =>
  process.argv.find((word) => word.startsWith(`--${name}=`))?.slice(name.length + 3) ?? fallback;

const leaves = Number(option('leaves', '1000000'));
const database = await makeScratch(option('database', 'postgres') === 'pglite' ? 'pglite' : 'postgres');
const folder = mkdtempSync(join(tmpdir(), 'maestro-bench-'));
const db = database.kind === 'postgres' ? await openPostgres(database.url) : await openEmbedded(database.folder);
let isMissed = true;
try {
  await migrate(db);
  const logSigner = await openEvidenceKey(join(folder, 'evidence-key.pem'), 'bench.example/evidence');
  const hub = new Hub(db);
  const tools = { db, hub, logSigner, isBusy: () => false, isShared: true, mayFoundRegister: true, onError: fail };
  const registrar = new Registrar(tools);
  const desk = openEvidenceDesk({ db, hub, registrar });
  const key = readVerifierKey(logSigner.verifierKey);

  const fillBegin = performance.now();
  for (let from = 0; from < leaves; from += FILL_BATCH) {
    await queueLeaves(db, Math.min(FILL_BATCH, leaves - from));
    await registrar.register();
  }
  const fillMs = performance.now() - fillBegin;
  await db.query('', 'vacuum analyze', []);

  const append: number[] = [];
  for (let i = 0; i < TRIES; i++) {
    await queueLeaves(db, 1);
    const begin = performance.now();
    await registrar.register();
    append.push(performance.now() - begin);
  }
  const runs = await db.query('', `select key from run order by random() limit ${TRIES}`, []);
  const proof: number[] = [];
  for (const [run] of runs) {
    const begin = performance.now();
    const { open } = await desk.proofs(String(run));
    proof.push(performance.now() - begin);
    if (!open) throw new Error(`no proof of run ${String(run)}`);
    verifyLogged(readLeaf(open.leaf), open.proof, key);
  }
  const [appendMs, proofMs] = [append, proof].map((list) => list.toSorted((a, b) => a - b)) as [number[], number[]];
  isMissed = (percentile(appendMs, 95) ?? 0) >= APPEND_MS_MAX || (percentile(proofMs, 95) ?? 0) >= PROOF_MS_MAX;
  console.log(
    JSON.stringify({
      bench: 'evidence',
      database: database.kind,
      leaves,
      fillMicrosPerLeaf: rounded((fillMs * 1000) / leaves, 1),
      appendP50Ms: rounded(percentile(appendMs, 50), 3),
      appendP95Ms: rounded(percentile(appendMs, 95), 3),
      proofP50Ms: rounded(percentile(proofMs, 50), 3),
      proofP95Ms: rounded(percentile(proofMs, 95), 3),
      fsyncMicros: rounded(fsyncMicros(), 0),
      isMissed,
    }),
  );
} finally {
  await db.close();
  await dropScratch(database);
  rmSync(folder, { recursive: true, force: true });
}
process.exitCode = isMissed && process.argv.includes('--bars') ? 1 : 0;

/** Runs that began, as the engine's own transactions leave them; of each, the leaf that opens it. */
async function queueLeaves(db: Database, count: number): Promise<void> {
  const now = SYSTEM_CLOCK.now();
  const keys = Array.from({ length: count }, () => ulid(now, randomBytes(16)));
  await db.query('', PLAN, []);
  await db.query(
    '',
    `with born as (
       insert into run (key, plan_id, state, sinks_left, nonce, trigger)
       select key, (select id from plan limit 1), 1, 1, '', '{}' from unnest($1::text[]) as key returning id)
     insert into evidence_queue (run_id, kind) select id, 1 from born`,
    [`{${keys.join(',')}}`],
  );
}

function fail(error: unknown): never {
  throw error;
}
