import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { signPayload } from '../../src/provenance/envelope.ts';
import { buildReceipt } from '../../src/provenance/receipt.ts';
import { openLocalSigner } from '../../src/provenance/signers/local.ts';
import { verifyReceipt } from '../../src/provenance/verify.ts';
import { sampleRun } from '../unit/provenance/sample-run.ts';

/**
 * What a receipt costs: build, sign and verify of one run, the first time in a fresh process, as `maestro` meets it.
 *
 * `node test/bench/receipt.ts [steps]` prints one JSON line. The bar is 250 ms for 1,000 steps.
 */
const steps = Number(process.argv[2] ?? 1000);
const directory = mkdtempSync(join(tmpdir(), 'maestro-bench-'));
const facts = sampleRun(steps);
const signer = await openLocalSigner(join(directory, 'signing.pem'));
rmSync(directory, { recursive: true });

const start = performance.now();
const { payload, runRecord } = buildReceipt(facts);
const built = performance.now();
const bundle = Buffer.from(await signPayload(payload, signer));
const signed = performance.now();
verifyReceipt({ bundle, key: signer.publicKeyPem, runRecord: Buffer.from(runRecord) });
const verified = performance.now();

const ms = (from: number, to: number) => Math.round((to - from) * 10) / 10;
console.log(
  JSON.stringify({
    bench: 'receipt',
    steps,
    buildMs: ms(start, built),
    signMs: ms(built, signed),
    verifyMs: ms(signed, verified),
    totalMs: ms(start, verified),
    payloadBytes: Buffer.byteLength(payload),
  }),
);
