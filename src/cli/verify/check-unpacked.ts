import { lstatSync } from 'node:fs';
import { join } from 'node:path';
import { digestBytes } from '../../base/digest.ts';
import { DISCLOSURE_PREDICATE_TYPE, SUMS_BUNDLE_NAME } from '../../provenance/disclosure/disclosure-statement.ts';
import { keysInside } from '../../provenance/disclosure/pack-files.ts';
import { verifyDisclosed } from '../../provenance/disclosure/verify-disclosure.ts';
import { openEnvelope } from '../../provenance/open-envelope.ts';
import { demand } from '../../provenance/verification-error.ts';
import { findKey, readTrustedKeys, type TrustedKey } from '../../provenance/verify.ts';
import { entriesIn } from '../folder-entries.ts';
import { readReceiptFile } from '../receipt-files.ts';
import type { BesideRequest } from './check-beside.ts';
import type { NamesOfOutputs } from './names-of-outputs.ts';
import { isOfKey, parsed, typeIn } from './statements-beside.ts';
import { readUnpacked } from './unpacked-pack.ts';

const NONE: ReadonlySet<string> = new Set();

/**
 * Verifies the disclosure pack that a folder is, unpacked.
 * @returns paths of its files; none where the folder is no pack of a key that is trusted
 * @throws VerificationError of `verifyDisclosed`; RUN_MISMATCH where it is of another run than the receipt
 */
export function checkUnpacked(
  { folder, receipt, ...given }: BesideRequest,
  names: NamesOfOutputs,
): ReadonlySet<string> {
  const path = join(folder, SUMS_BUNDLE_NAME);
  if (!lstatSync(path, { throwIfNoEntry: false })?.isFile()) return NONE;
  const bundle = readReceiptFile(path);
  const key = given.isKeyGiven ? given.key : keysIn(folder);
  if (names.digestsOf(SUMS_BUNDLE_NAME).has(digestBytes(bundle)) || !isOfPack(bundle, key)) return NONE;
  const files = readUnpacked(folder);
  const pack = verifyDisclosed(files, { key });
  const isSame = pack.receipt.payloadSha256 === receipt.payloadSha256;
  demand(isSame, 'RUN_MISMATCH', 'the disclosure pack in the folder is of another run than the receipt');
  return new Set(files.keys());
}

function keysIn(folder: string): readonly TrustedKey[] {
  const names = entriesIn(folder).filter(({ path, isFile }) => isFile && path.endsWith('.pub'));
  return keysInside(new Map(names.map(({ path }) => [path, readReceiptFile(join(folder, path))])));
}

/** Whether a key that is trusted signed it, and as the list of a pack. @throws VerificationError where it was changed since */
function isOfPack(bundle: Buffer, key: BesideRequest['key']): boolean {
  const keys = readTrustedKeys(key);
  if (!isOfKey(parsed(bundle.toString()), keys)) return false;
  const { payload } = openEnvelope(bundle, (hint) => findKey(keys, hint));
  return typeIn(payload) === DISCLOSURE_PREDICATE_TYPE;
}
