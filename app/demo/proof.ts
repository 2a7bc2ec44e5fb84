import { cpSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { EXIT } from '../../src/cli/exit-codes.ts';
import { RECEIPT_PREDICATE_TYPE } from '../../src/provenance/receipt-schema.ts';
import { maestro } from './maestro-command.ts';
import { act, claim } from './narrator.ts';
import { Programs } from './programs.ts';
import type { Stage } from './stage.ts';

/** Exports the receipt of a run, verifies it in every way that this machine has, and shows that a forgery is refused. */
export async function proveRun({ output, setting }: Stage, run: string, isStrict: boolean): Promise<void> {
  const proof = join(output, 'proof');
  act(
    '11  Prove to an auditor how it came to prod',
    'The receipt says who asked, what ran, what policy answered, who approved and what came out; the whole',
    'disclosure pack holds all that it speaks of, logs and the questions of policy too.',
  );
  await maestro(setting, ['receipt', run, '-o', 'proof']);
  await maestro(setting, ['verify', 'proof', '--key', 'key/maestro.pub']);
  verifyWithCosign(proof, isStrict);
  await maestro(setting, ['disclose', run, '-o', 'disclosure.tgz']);
  await maestro(setting, ['verify', 'disclosure.tgz', '--key', 'key/maestro.pub']);

  act('12  Forge it', 'In a copy of the receipt, another name stands for who approved.');
  forge(proof, join(output, 'forged', 'proof'));
  const refusal = await maestro(setting, ['verify', 'forged/proof', '--key', 'key/maestro.pub'], EXIT.unverified);
  claim('the forgery was refused with exit code 5', refusal === 5, refusal);
}

/** Stock cosign, where it is installed: nothing of Maestro is needed to check a receipt. */
function verifyWithCosign(proof: string, isStrict: boolean): void {
  const words = ['--key', 'maestro.pub', '--bundle', 'receipt.sigstore.json', '--insecure-ignore-tlog'];
  const type = ['--type', RECEIPT_PREDICATE_TYPE];
  const ends = new Programs(proof, isStrict).cosign(['verify-blob-attestation', ...words, ...type, 'run.json']);
  for (const verified of ends) claim('stock cosign verifies it too', verified);
}

function forge(proof: string, forged: string): void {
  cpSync(proof, forged, { recursive: true });
  const path = join(forged, 'receipt.sigstore.json');
  const bundle = JSON.parse(readFileSync(path, 'utf8')) as { dsseEnvelope: { payload: string } };
  const statement = Buffer.from(bundle.dsseEnvelope.payload, 'base64').toString('utf8');
  claim('the receipt names grace, who approved', statement.includes('"grace"'));
  bundle.dsseEnvelope.payload = Buffer.from(statement.replaceAll('"grace"', '"heidi"')).toString('base64');
  writeFileSync(path, JSON.stringify(bundle));
}
