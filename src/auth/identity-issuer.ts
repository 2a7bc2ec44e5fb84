import { createPublicKey } from 'node:crypto';
import { calculateJwkThumbprint } from 'jose';
import type { Clock } from '../base/clock.ts';
import type { JsonObject } from '../base/json.ts';

/** Long enough for one login, too short to be of use to whoever finds it in a log. */
const TOKEN_S = 300;
/** Bytes of each half of a P-256 signature. */
const HALF_BYTES = 32;

/** An ECDSA P-256 key that signs over SHA-256 and answers DER, as the signers of receipts do. */
export interface IdentityKey {
  readonly publicKeyPem: string;
  sign(bytes: Uint8Array): Promise<Uint8Array>;
}

/** Claims beyond those of every token. */
type IdentityClaims = Readonly<Record<string, string>>;

/** What the world reads to verify tokens, by OpenID Connect Discovery. */
export interface IdentityDocuments {
  /** `/.well-known/openid-configuration` */
  readonly configuration: JsonObject;
  /** `/.well-known/jwks.json` */
  readonly keys: JsonObject;
}

/** Says who a run is, in tokens that others verify. */
export interface IdentityIssuer {
  readonly documents: IdentityDocuments;
  /** A JWT (ES256) that holds for five minutes. */
  issue(subject: string, audience: string, claims: IdentityClaims): Promise<string>;
}

/** Where the documents are, below the issuer's URL. */
export const CONFIGURATION_PATH = '/.well-known/openid-configuration';
export const KEYS_PATH = '/.well-known/jwks.json';

/** @param url public URL of this server, without a slash at the end: the issuer that tokens name */
export async function openIdentityIssuer(
  url: string,
  key: IdentityKey,
  { clock, newId }: { readonly clock: Clock; readonly newId: () => string },
): Promise<IdentityIssuer> {
  const jwk = createPublicKey(key.publicKeyPem).export({ format: 'jwk' });
  const kid = await calculateJwkThumbprint(jwk);
  const header = encode({ alg: 'ES256', kid, typ: 'JWT' });
  return {
    documents: {
      configuration: configurationOf(url),
      keys: {
        keys: [
          { kty: jwk.kty ?? '', crv: jwk.crv ?? '', x: jwk.x ?? '', y: jwk.y ?? '', kid, alg: 'ES256', use: 'sig' },
        ],
      },
    },
    issue: async (subject, audience, claims) => {
      const nowS = Math.floor(clock.now() / 1000);
      const times = { iat: nowS, nbf: nowS, exp: nowS + TOKEN_S };
      const text = `${header}.${encode({ ...claims, iss: url, sub: subject, aud: audience, ...times, jti: newId() })}`;
      return `${text}.${halvesOf(await key.sign(Buffer.from(text))).toString('base64url')}`;
    },
  };
}

function configurationOf(url: string): JsonObject {
  return {
    issuer: url,
    jwks_uri: `${url}${KEYS_PATH}`,
    response_types_supported: ['id_token'],
    subject_types_supported: ['public'],
    id_token_signing_alg_values_supported: ['ES256'],
  };
}

function encode(value: JsonObject): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url');
}

/**
 * The two numbers of a signature, each in 32 bytes, out of their DER form: `30 L 02 l r 02 l s`.
 * @source RFC 7518, section 3.4
 */
function halvesOf(der: Uint8Array): Buffer {
  const rBytes = der[3] ?? 0;
  const halves = Buffer.alloc(2 * HALF_BYTES);
  putNumber(halves.subarray(0, HALF_BYTES), der.subarray(4, 4 + rBytes));
  putNumber(halves.subarray(HALF_BYTES), der.subarray(6 + rBytes));
  return halves;
}

/** DER drops zeros in front, and puts one there lest the number be negative. */
function putNumber(half: Buffer, number: Uint8Array): void {
  const digits = number.subarray(Math.max(0, number.length - HALF_BYTES));
  half.set(digits, HALF_BYTES - digits.length);
}
