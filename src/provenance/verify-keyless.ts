import { type KeylessTrust, openKeylessEnvelope } from './open-keyless-envelope.ts';
import { checkReceipt, type ReceiptClaims, type VerifiedReceipt } from './verify.ts';

export interface KeylessVerifyRequest extends ReceiptClaims, KeylessTrust {
  /** Bytes of the sigstore bundle. */
  readonly bundle: Uint8Array;
}

/**
 * Checks a receipt that was signed under a short-lived certificate, offline: everything that `verifyReceipt` checks, with the
 * identity in the certificate in place of a key. Throws VerificationError.
 */
export function verifyKeylessReceipt(request: KeylessVerifyRequest): Omit<VerifiedReceipt, 'keyHint'> {
  return checkReceipt(openKeylessEnvelope(request.bundle, request), request);
}
