import { statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { readVerifierKey } from '../../provenance/evidence-log/note-key.ts';
import { verifyLogged } from '../../provenance/evidence-log/verify-log.ts';
import { demand } from '../../provenance/verification-error.ts';
import type { VerifiedReceipt } from '../../provenance/verify.ts';
import { readLogKeyFile, readSmallFile } from '../evidence-files.ts';
import type { Output } from '../output.ts';
import type { ReceiptFiles } from '../receipt-files.ts';

/** Where a receipt stands in the register, by the proof beside it. */
export interface LoggedReceipt {
  readonly origin: string;
  readonly index: number;
  readonly size: number;
  readonly isKeyTrusted: boolean;
}

/**
 * Whoever names the register's key wants to know that the receipt is in it: without a proof it may be one of two.
 * @param given path of the register's key; undefined for the one beside the receipt
 * @throws VerificationError LOG_PROOF_MISSING, and those of `verifyLogged`
 */
export function checkLogged(
  { payloadSha256, statement }: Pick<VerifiedReceipt, 'payloadSha256' | 'statement'>,
  { folder }: ReceiptFiles,
  given: string | undefined,
  cwd: string,
): LoggedReceipt | undefined {
  const proof = join(folder, 'receipt.tlog-proof');
  const isThere = statSync(proof, { throwIfNoEntry: false })?.isFile() === true;
  const isKeyTrusted = given !== undefined;
  demand(
    isThere || !isKeyTrusted,
    'LOG_PROOF_MISSING',
    'expected receipt.tlog-proof beside the receipt: nothing shows that the register has it',
  );
  if (!isThere) return undefined;
  const { id, attempt } = statement.predicate.run;
  const leaf = { v: 1, kind: 'close', runId: id, attempt, payloadSha256 } as const;
  const key = isKeyTrusted
    ? readLogKeyFile(resolve(cwd, given))
    : readVerifierKey(readSmallFile(join(folder, 'log.pub')));
  const { checkpoint, index } = verifyLogged(leaf, readSmallFile(proof), key);
  return { origin: checkpoint.origin, index, size: checkpoint.size, isKeyTrusted };
}

/** Of a proof that was checked with the key that lay beside it: whoever made one could make the other. */
export function noteLogKey(output: Output): void {
  output.note('the register’s key came along: this shows that the proof is of that key, not whose register it is');
  output.next('maestro verify PATH --log-key FILE, with a key that you got from its owner');
}
