import { resolve } from 'node:path';
import { verifyDisclosure } from '../../provenance/disclosure/verify-disclosure.ts';
import { type VerifyRequest, verifyReceipt } from '../../provenance/verify.ts';
import { type LinkedReceipt, verifyLineage } from '../../provenance/verify-lineage.ts';
import type { Arguments } from '../arguments.ts';
import { plural } from '../finding-text.ts';
import { BUNDLE_NAME, isArchive, readReceiptFile, receiptFilesAt, recordOf } from '../receipt-files.ts';

/** Verifies another receipt by itself, trusting whom the first one is trusted by. */
type VerifyOther = (path: string) => LinkedReceipt | Promise<LinkedReceipt>;

/**
 * Holds a receipt against those of the runs that it names. Where none is given, nothing is said of them.
 * @returns how many others there are
 * @throws VerificationError of each of them, and those of `verifyLineage`
 */
export async function checkRelated(
  receipt: LinkedReceipt,
  args: Arguments,
  cwd: string,
  verifyOther: VerifyOther,
): Promise<number> {
  const others: LinkedReceipt[] = [];
  for (const path of args.list('related')) others.push(await verifyOther(resolve(cwd, path)));
  if (others.length > 0) verifyLineage([receipt, ...others]);
  return others.length;
}

export function relatedLine(count: number): string {
  return `  fits     ${plural(count, 'receipt')} of the runs that it comes from`;
}

/** Of a folder, a bundle or a disclosure pack. */
export function otherByKey(key: VerifyRequest['key']): VerifyOther {
  return async (path) => {
    const files = receiptFilesAt(path, BUNDLE_NAME);
    const bytes = readReceiptFile(files.bundle);
    if (isArchive(bytes)) return (await verifyDisclosure({ archive: bytes, key })).receipt;
    return verifyReceipt({ bundle: bytes, key, ...recordOf(files) });
  };
}
