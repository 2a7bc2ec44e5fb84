import { errors, type JWTVerifyGetKey, jwtVerify } from 'jose';
import type { Clock } from '../base/clock.ts';
import { isMaestroError, MaestroError, messageOf } from '../base/errors.ts';
import { type JobIdentity, readJobIdentity } from './job-identity.ts';

const TOKEN_CHARS_MAX = 16_384;
const TOLERANCE_S = 30;
/** GitHub's own tokens live for 5 to 15 minutes: an older one was kept by somebody. */
const AGE_MAX_S = 900;

export interface TokenExpectation {
  readonly issuer: string;
  /** The public URL of this server: a token for another one must not open this one. */
  readonly audience: string;
  readonly keys: JWTVerifyGetKey;
  readonly clock: Clock;
}

/**
 * Checks the identity token of a job: signature (RS256 only), issuer, audience, times.
 * @throws UNAUTHENTICATED for a token that does not hold, NETWORK_FAILED where the issuer's keys cannot be read
 */
export async function verifyJobToken(token: string, expected: TokenExpectation): Promise<JobIdentity> {
  if (token.length > TOKEN_CHARS_MAX) throw refusal('it is too long');
  try {
    const { payload } = await jwtVerify(token, expected.keys, {
      algorithms: ['RS256'],
      issuer: expected.issuer,
      audience: expected.audience,
      clockTolerance: TOLERANCE_S,
      maxTokenAge: AGE_MAX_S,
      requiredClaims: ['exp', 'iat', 'sub'],
      currentDate: new Date(expected.clock.now()),
    });
    return readJobIdentity(payload);
  } catch (error) {
    if (isMaestroError(error)) throw error;
    if (error instanceof errors.JWKSTimeout || error instanceof errors.JWKSInvalid || !isOfToken(error))
      throw new MaestroError('NETWORK_FAILED', 'the keys of the token issuer cannot be read', { cause: error });
    throw refusal(messageOf(error));
  }
}

function isOfToken(error: unknown): boolean {
  return error instanceof errors.JOSEError && error.code !== 'ERR_JOSE_GENERIC';
}

/** The library's messages name claims and never quote the token. */
function refusal(why: string): MaestroError {
  return new MaestroError('UNAUTHENTICATED', `the job’s identity token does not hold: ${why}`);
}
