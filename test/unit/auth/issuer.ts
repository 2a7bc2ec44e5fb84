import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { exportJWK, type GenerateKeyPairResult, generateKeyPair, SignJWT } from 'jose';

type Key = GenerateKeyPairResult['publicKey'];

/** A real OIDC issuer on loopback, as GitHub's: a discovery document and a key. It can misbehave. */
export class TestIssuer {
  readonly #server: Server;
  readonly #pair: GenerateKeyPairResult;
  /** Paths that were asked for. */
  readonly asked: string[] = [];
  /** What it answers instead, by path. */
  readonly instead = new Map<string, { status: number; body: string }>();

  static async open(): Promise<TestIssuer> {
    const pair = await generateKeyPair('RS256', { extractable: true });
    const issuer = new TestIssuer(pair);
    await new Promise<void>((listening) => issuer.#server.listen(0, '127.0.0.1', listening));
    return issuer;
  }

  private constructor(pair: GenerateKeyPairResult) {
    this.#pair = pair;
    this.#server = createServer((request, response) => {
      const path = request.url ?? '';
      this.asked.push(path);
      void (async () => {
        const { status, body } = await this.#answer(path);
        response.writeHead(status, { 'content-type': 'application/json' }).end(body);
      })();
    });
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/_services/token`;
  }

  get publicKey(): Key {
    return this.#pair.publicKey;
  }

  async close(): Promise<void> {
    await new Promise((closed) => {
      this.#server.close(closed);
      this.#server.closeAllConnections();
    });
  }

  async #answer(path: string): Promise<{ status: number; body: string }> {
    const instead = this.instead.get(path);
    if (instead) return instead;
    if (path.endsWith('/.well-known/openid-configuration'))
      return { status: 200, body: JSON.stringify({ issuer: this.url, jwks_uri: `${this.url}/.well-known/jwks` }) };
    const jwk = { ...(await exportJWK(this.#pair.publicKey)), kid: 'one', alg: 'RS256', use: 'sig' };
    return { status: 200, body: JSON.stringify({ keys: [jwk] }) };
  }

  /** A token as GitHub's, with changes; times in seconds from `nowS`. */
  sign(nowS: number, change: Change = {}): Promise<string> {
    const { claims, kid = 'one', issuedS = -5, expiresS = 300, key = this.#pair.privateKey, alg = 'RS256' } = change;
    return new SignJWT({ ...CLAIMS, iss: this.url, aud: AUDIENCE, ...claims })
      .setProtectedHeader({ alg, kid })
      .setIssuedAt(nowS + issuedS)
      .setExpirationTime(nowS + expiresS)
      .sign(key);
  }
}

interface Change {
  readonly claims?: Record<string, unknown>;
  readonly kid?: string;
  readonly issuedS?: number;
  readonly expiresS?: number;
  readonly key?: Key | Uint8Array;
  readonly alg?: string;
}

export const AUDIENCE = 'https://maestro.example.com';

/** What GitHub says of a dispatched job. */
export const CLAIMS = {
  sub: 'repo:ada/engine:ref:refs/heads/main',
  repository: 'ada/engine',
  repository_id: '74',
  repository_owner_id: '65',
  run_id: '30433642',
  run_attempt: '1',
  event_name: 'workflow_dispatch',
  job_workflow_ref: 'ada/engine/.github/workflows/maestro.yml@refs/heads/main',
  workflow_ref: 'ada/engine/.github/workflows/maestro.yml@refs/heads/main',
  ref: 'refs/heads/main',
  sha: 'b'.repeat(40),
  actor: 'maestro[bot]',
  runner_environment: 'self-hosted',
} as const;
