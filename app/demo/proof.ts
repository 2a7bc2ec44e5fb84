import { execFileSync } from 'node:child_process';
import { createPublicKey } from 'node:crypto';
import { cpSync, readFileSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import process from 'node:process';
import { EXIT } from '../../src/cli/exit-codes.ts';
import { RECEIPT_PREDICATE_TYPE } from '../../src/provenance/receipt-schema.ts';
import { maestro } from './maestro-command.ts';
import { act, claim, print, showCommand } from './narrator.ts';
import type { Stage } from './stage.ts';

/** Exports the receipt of a run, verifies it in every way that this machine has, and shows that a forgery is refused. */
export async function proveRun({ output, setting, keyFile }: Stage, run: string): Promise<void> {
  const proof = join(output, 'proof');
  const key = join(output, 'key', 'maestro.pub');
  act(
    '9  Prove it to a stranger',
    'The receipt says who asked, what ran, what policy answered, who approved and what came out; a disclosure',
    'pack holds all that it speaks of. To check them takes no network, no account and no server: only the',
    'public key.',
  );
  writeFileSync(key, createPublicKey(readFileSync(keyFile)).export({ type: 'spki', format: 'pem' }));
  await maestro(setting, ['receipt', run, '-o', 'proof']);
  await maestro(setting, ['verify', 'proof', '--key', 'key/maestro.pub']);
  verifyWithCosign(proof, key);
  await maestro(setting, ['disclose', run, '-o', 'disclosure.tgz']);
  await maestro(setting, ['verify', 'disclosure.tgz', '--key', 'key/maestro.pub']);

  act(
    '10  Forge it',
    'In a copy of the receipt, another name stands for who approved; in a copy of the pack, one bit is another.',
  );
  forge(proof, join(output, 'forged'));
  const refusal = await maestro(setting, ['verify', 'forged', '--key', 'key/maestro.pub'], EXIT.unverified);
  claim('the forgery was refused with exit code 5', refusal === 5, refusal);
  flip(join(output, 'disclosure.tgz'), join(output, 'forged', 'disclosure.tgz'));
  const damage = await maestro(
    setting,
    ['verify', 'forged/disclosure.tgz', '--key', 'key/maestro.pub'],
    EXIT.unverified,
  );
  claim('so was the pack', damage === 5, damage);
}

/** Stock cosign, where it is installed: nothing of Maestro is needed to check a receipt. */
function verifyWithCosign(proof: string, key: string): void {
  if (!succeeds('cosign', ['version'], 'ignore')) {
    print('  cosign is not on PATH: with it, this would be verified a second time (docs/guides/verify.md)');
    return;
  }
  const shown = (path: string): string => relative(process.cwd(), path);
  const root = join(proof, '..', 'key', 'empty-root.json');
  writeFileSync(root, EMPTY_ROOT);
  const words = [
    'verify-blob-attestation',
    '--key',
    shown(key),
    '--bundle',
    shown(join(proof, 'receipt.sigstore.json')),
  ];
  // The second line is for cosign 2, which would ask the network whom to trust; cosign 3 takes it too.
  words.push('--insecure-ignore-tlog', '--type', RECEIPT_PREDICATE_TYPE);
  words.push('--new-bundle-format', '--trusted-root', shown(root), shown(join(proof, 'run.json')));
  showCommand(['cosign', ...words]);
  claim('stock cosign verifies it too', succeeds('cosign', words, 'inherit'));
}

/** Trusts nobody: all that counts is the key. */
const EMPTY_ROOT = JSON.stringify({
  mediaType: 'application/vnd.dev.sigstore.trustedroot+json;version=0.1',
  tlogs: [],
  certificateAuthorities: [],
  ctlogs: [],
  timestampAuthorities: [],
});

function succeeds(program: string, words: readonly string[], output: 'ignore' | 'inherit'): boolean {
  try {
    execFileSync(program, words, { stdio: ['ignore', output, output] });
    return true;
  } catch {
    return false;
  }
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

/** One bit of a byte in the middle. */
function flip(pack: string, flipped: string): void {
  const bytes = readFileSync(pack);
  const at = Math.floor(bytes.byteLength / 2);
  bytes.writeUInt8(bytes.readUInt8(at) ^ 1, at);
  writeFileSync(flipped, bytes);
}
