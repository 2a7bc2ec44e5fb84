import { isJsonObject, type Json, type JsonObject } from '../base/json.ts';
import { readPublicKey } from './public-key.ts';
import { parseStrictJson } from './strict-json.ts';
import { demand } from './verification-error.ts';
import type { TrustedKey } from './verify.ts';

/**
 * A file of public keys with what is known about them: what a verifier trusts, and what a server publishes.
 *
 * ```json
 * { "schema": "maestro.trusted-keys/v1",
 *   "keys": [{ "publicKeyPem": "-----BEGIN PUBLIC KEY-----…", "notBefore": "2026-01-01T00:00:00Z",
 *              "notAfter": "2027-01-01T00:00:00Z", "revokedAt": "2026-05-01T00:00:00Z", "comment": "server, 2026" }] }
 * ```
 */
export const TRUSTED_KEYS_SCHEMA = 'maestro.trusted-keys/v1';
export const TRUSTED_KEYS_BYTES_MAX = 1_048_576;
const KEYS_MAX = 1000;
const COMMENT_CHARS_MAX = 200;
const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?(?:Z|[+-]\d\d:\d\d)$/;

/** A key of such a file. `revokedAt` is for readers: whoever has a key can sign with any date, so all that it signed is refused. */
export interface KnownKey extends TrustedKey {
  readonly revokedAt?: string;
  readonly comment?: string;
}

/**
 * Strict: an unknown field could be a condition that this version does not know, such as one that takes a key away.
 * Throws VerificationError KEYS_MALFORMED, or the code of what is wrong with its JSON.
 */
export function parseTrustedKeys(bytes: Uint8Array): readonly KnownKey[] {
  const file = parseStrictJson(bytes, TRUSTED_KEYS_BYTES_MAX);
  demandForm(isJsonObject(file) && file.schema === TRUSTED_KEYS_SCHEMA, `a file of the schema ${TRUSTED_KEYS_SCHEMA}`);
  demandForm(hasOnly(file, ['schema', 'keys']) && Array.isArray(file.keys), 'exactly the fields schema and keys');
  demandForm(file.keys.length <= KEYS_MAX, `at most ${KEYS_MAX} keys`);
  const keys = file.keys.map(keyOf);
  const hints = new Set(keys.map(({ publicKeyPem }) => readPublicKey(publicKeyPem)?.hint));
  // With two entries the more lenient one could win.
  demandForm(hints.size === keys.length, 'each key once');
  return keys;
}

/** Text of such a file. */
export function trustedKeysText(keys: readonly KnownKey[]): string {
  return `${JSON.stringify(trustedKeysDocument(keys), undefined, 2)}\n`;
}

export function trustedKeysDocument(keys: readonly KnownKey[]): JsonObject {
  return { schema: TRUSTED_KEYS_SCHEMA, keys: keys.map((key) => ({ ...key })) };
}

const FIELDS = ['publicKeyPem', 'notBefore', 'notAfter', 'isRevoked', 'revokedAt', 'comment'];

function keyOf(value: Json): KnownKey {
  demandForm(isJsonObject(value) && hasOnly(value, FIELDS), `keys with no other fields than ${FIELDS.join(', ')}`);
  const { publicKeyPem, notBefore, notAfter, isRevoked, revokedAt, comment } = value;
  demandForm(
    typeof publicKeyPem === 'string' && readPublicKey(publicKeyPem) !== undefined,
    'publicKeyPem to be the PEM of one P-256 public key',
  );
  demandForm(isRevoked === undefined || typeof isRevoked === 'boolean', 'isRevoked to be true or false');
  demandForm(isRevoked !== false || revokedAt === undefined, 'isRevoked and revokedAt to agree');
  demandForm(
    comment === undefined || isComment(comment),
    `comment to be a text of at most ${COMMENT_CHARS_MAX} characters`,
  );
  const times = Object.entries({ notBefore, notAfter, revokedAt }).filter(([, time]) => time !== undefined);
  for (const [name, time] of times) demandForm(isTime(time), `${name} to be a time as 2026-01-31T12:00:00Z`);
  return {
    publicKeyPem,
    ...Object.fromEntries(times),
    ...((isRevoked !== undefined || revokedAt !== undefined) && { isRevoked: isRevoked ?? true }),
    ...(typeof comment === 'string' && { comment }),
  };
}

function isTime(value: Json | undefined): value is string {
  return typeof value === 'string' && TIME.test(value) && !Number.isNaN(Date.parse(value));
}

function isComment(value: Json): boolean {
  return typeof value === 'string' && value.length <= COMMENT_CHARS_MAX && !/\p{Cc}/u.test(value);
}

function hasOnly(value: JsonObject, names: readonly string[]): boolean {
  return Object.keys(value).every((name) => names.includes(name));
}

function demandForm(claim: boolean, expected: string): asserts claim {
  demand(claim, 'KEYS_MALFORMED', `expected ${expected}`);
}
