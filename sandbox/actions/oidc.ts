import { type CryptoKey, exportJWK, generateKeyPair, type JWK, SignJWT } from 'jose';

const TOKEN_SECONDS = 300;

/** GitHub's OIDC issuer: what it says about a job is signed by a key that anybody can fetch. */
export class OidcIssuer {
  readonly issuer: string;
  private readonly nowMs: () => number;
  private readonly key: Promise<{ readonly privateKey: CryptoKey; readonly jwk: JWK }>;

  constructor(origin: string, nowMs: () => number) {
    this.issuer = `${origin}/_services/token`;
    this.nowMs = nowMs;
    this.key = makeKey();
  }

  discovery(): object {
    return {
      issuer: this.issuer,
      jwks_uri: `${this.issuer}/.well-known/jwks`,
      subject_types_supported: ['public', 'pairwise'],
      response_types_supported: ['id_token'],
      id_token_signing_alg_values_supported: ['RS256'],
      scopes_supported: ['openid'],
      claims_supported: [
        'sub',
        'aud',
        'exp',
        'iat',
        'iss',
        'jti',
        'nbf',
        'ref',
        'repository',
        'repository_id',
        'run_id',
      ],
    };
  }

  async keys(): Promise<object> {
    return { keys: [(await this.key).jwk] };
  }

  async sign(audience: string, claims: Readonly<Record<string, string>>): Promise<string> {
    const { privateKey, jwk } = await this.key;
    const now = Math.floor(this.nowMs() / 1000);
    return await new SignJWT({ ...claims })
      .setProtectedHeader({ alg: 'RS256', typ: 'JWT', kid: jwk.kid ?? '' })
      .setIssuer(this.issuer)
      .setAudience(audience)
      .setIssuedAt(now)
      .setNotBefore(now)
      .setExpirationTime(now + TOKEN_SECONDS)
      .setJti(crypto.randomUUID())
      .sign(privateKey);
  }
}

async function makeKey(): Promise<{ privateKey: CryptoKey; jwk: JWK }> {
  const { privateKey, publicKey } = await generateKeyPair('RS256', { extractable: true });
  const jwk = { ...(await exportJWK(publicKey)), kid: crypto.randomUUID(), alg: 'RS256', use: 'sig' };
  return { privateKey, jwk };
}
