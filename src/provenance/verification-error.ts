/** Why a receipt, or a register of them, is refused. Codes are public and stable; docs/guides/verify.md explains each. */
export const VERIFICATION_CODES = [
  // The file and its JSON
  'TOO_LARGE',
  'JSON_MALFORMED',
  'JSON_TOO_DEEP',
  'JSON_DUPLICATE_KEY',
  'JSON_FORBIDDEN_KEY',
  'JSON_FORBIDDEN_CHARACTER',
  'JSON_NUMBER_UNSAFE',
  'JSON_NOT_CANONICAL',
  // The envelope
  'ENVELOPE_MALFORMED',
  'PAYLOAD_TYPE_WRONG',
  'BASE64_INVALID',
  'SIGNATURE_COUNT',
  'SIGNATURE_INVALID',
  'CERTIFICATE_UNEXPECTED',
  'CERTIFICATE_MISSING',
  'CERTIFICATE_UNTRUSTED',
  'IDENTITY_MISMATCH',
  'ISSUER_MISMATCH',
  'TIMESTAMP_MISSING',
  'TIMESTAMP_UNTRUSTED',
  'TIMESTAMP_OUT_OF_WINDOW',
  'LOG_ENTRY_INVALID',
  'TRUSTED_ROOT_INVALID',
  'KEYS_MALFORMED',
  'KEY_INVALID',
  'KEY_UNKNOWN',
  'KEY_REVOKED',
  'KEY_OUT_OF_DATE',
  // The statement
  'STATEMENT_MALFORMED',
  'PREDICATE_TYPE_WRONG',
  'SCHEMA_INVALID',
  'SUBJECT_INVALID',
  'SUBJECT_DUPLICATE',
  'SUBJECT_MISMATCH',
  'RUN_MISMATCH',
  // What the issuer says contradicts itself
  'PLAN_MISMATCH',
  'STEP_COUNT_MISMATCH',
  'STEPS_ROOT_MISMATCH',
  'STEP_INCONSISTENT',
  'OUTPUTS_MISMATCH',
  'STATUS_INCONSISTENT',
  'POLICY_MISMATCH',
  'APPROVAL_INVALID',
  'PROMOTION_INVALID',
  'SECRET_INVALID',
  'LLM_INVALID',
  'COST_INVALID',
  'RELATION_INVALID',
  'RELATION_DANGLING',
  'RELATION_CYCLE',
  // The pack around it
  'ARCHIVE_MALFORMED',
  'ARCHIVE_PATH_UNSAFE',
  'ARCHIVE_ENTRY_UNSAFE',
  'ARCHIVE_NAME_DUPLICATE',
  'PACK_FILE_MISMATCH',
  'SECRET_EXPOSED',
  // The evidence register
  'LEAF_MALFORMED',
  'LEAF_DUPLICATE',
  'CHECKPOINT_MALFORMED',
  'LOG_PROOF_MALFORMED',
  'LOG_PROOF_MISSING',
  'LOG_PROOF_INVALID',
  'LOG_TRUNCATED',
  'LOG_ROLLED_BACK',
  'LOG_FORKED',
  'OPEN_WITHOUT_CLOSE',
  'CLOSE_WITHOUT_OPEN',
  'CLOSE_MISMATCH',
  'RUN_NOT_LOGGED',
  // What a statement beside the receipt says
  'PREDICATE_INVALID',
  'BUILDER_MISMATCH',
] as const;

export type VerificationCode = (typeof VERIFICATION_CODES)[number];

/** A receipt is not to be trusted; `code` says which check refused it. */
export class VerificationError extends Error {
  override readonly name = 'VerificationError';
  readonly code: VerificationCode;

  constructor(code: VerificationCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

/** Refuses with `code` unless the claim holds. */
export function demand(claim: boolean, code: VerificationCode, message: string | (() => string)): asserts claim {
  if (!claim) throw new VerificationError(code, typeof message === 'string' ? message : message());
}
