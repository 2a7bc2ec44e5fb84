import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { createRemoteJWKSet, type JWTPayload, jwtVerify } from 'jose';
import type { Clock } from '../../src/base/clock.ts';

/** One call that the vault got. */
export interface VaultRequest {
  readonly method: string;
  readonly path: string;
  readonly token: string | undefined;
  readonly namespace: string | undefined;
  readonly body: string;
}

interface Grant {
  readonly repository: string;
  readonly endsAt: number;
  usesLeft: number;
}

/**
 * The part of a vault that Maestro speaks to, over its real wire: JWT login against published keys with bound claims, the
 * key-value engine (version 2), revocation. A policy lets a token read what is of its own repository. It can misbehave.
 * The contract suite of secret providers holds it to a real OpenBao.
 */
export class FakeVault {
  readonly #server: Server;
  readonly #clock: Clock;
  readonly #issuer: string;
  readonly #tokens = new Map<string, Grant>();
  #logins = 0;
  /** `acme/orders` -> name -> value. */
  readonly secrets = new Map<string, Record<string, unknown>>();
  readonly requests: VaultRequest[] = [];
  readonly claims: JWTPayload[] = [];
  /** What the role wants of a token's claims. */
  boundClaims: Readonly<Record<string, string>> = {};
  leaseS = 600;
  usesMax = 0;
  tokenType = 'service';
  /** Answers instead of the vault, where it is true. */
  instead: ((request: VaultRequest, response: ServerResponse) => boolean) | undefined;

  constructor(issuer: string, clock: Clock) {
    this.#issuer = issuer;
    this.#clock = clock;
    this.#server = createServer((request, response) => void this.#serve(request, response));
  }

  async open(): Promise<this> {
    await new Promise<void>((listening) => this.#server.listen(0, '127.0.0.1', listening));
    return this;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** Tokens that are neither given back nor forgotten. */
  get openTokens(): number {
    return this.#tokens.size;
  }

  /** Paths that were called, without the common beginning. */
  get calls(): readonly string[] {
    return this.requests.map(({ path }) => path.replace('/v1/', ''));
  }

  forgetTokens(): void {
    this.#tokens.clear();
  }

  async close(): Promise<void> {
    await new Promise((closed) => {
      this.#server.close(closed);
      this.#server.closeAllConnections();
    });
  }

  async #serve(incoming: IncomingMessage, response: ServerResponse): Promise<void> {
    const header = (name: string): string | undefined => incoming.headers[name]?.toString();
    const request = {
      method: incoming.method ?? '',
      path: incoming.url ?? '',
      token: header('x-vault-token'),
      namespace: header('x-vault-namespace'),
      body: await text(incoming),
    };
    this.requests.push(request);
    if (this.instead?.(request, response)) return;
    const { status, body } = await this.#answer(request);
    response
      .writeHead(status, { 'content-type': 'application/json' })
      .end(body === undefined ? '' : JSON.stringify(body));
  }

  async #answer({ path, token, body }: VaultRequest): Promise<{ status: number; body?: object }> {
    if (path === '/v1/auth/jwt/login') return this.#logIn(JSON.parse(body) as { role: string; jwt: string });
    const grant = this.#use(token);
    if (!grant) return refusal(403, 'permission denied');
    if (path === '/v1/auth/token/revoke-self') {
      this.#tokens.delete(token ?? '');
      return { status: 204 };
    }
    const [, repository] = /^\/v1\/secret\/data\/([^/]+\/[^/]+)$/.exec(path) ?? [];
    if (repository !== grant.repository) return refusal(403, '1 error occurred:\n\t* permission denied\n\n');
    const data = this.secrets.get(repository);
    if (!data) return refusal(404);
    return { status: 200, body: { data: { data, metadata: { version: 1, deletion_time: '' } } } };
  }

  async #logIn({ role, jwt }: { role: string; jwt: string }): Promise<{ status: number; body: object }> {
    if (role !== 'maestro') return refusal(400, `role "${role}" could not be found`);
    try {
      const keys = createRemoteJWKSet(new URL(`${this.#issuer}/.well-known/jwks.json`));
      const currentDate = new Date(this.#clock.now());
      const { payload } = await jwtVerify(jwt, keys, { issuer: this.#issuer, audience: this.url, currentDate });
      this.claims.push(payload);
      for (const [name, value] of Object.entries(this.boundClaims))
        if (payload[name] !== value)
          return refusal(
            400,
            `error validating claims: claim "${name}" does not match any associated bound claim values`,
          );
      return { status: 200, body: { auth: this.#grant(String(payload.repository)) } };
    } catch (error) {
      return refusal(400, `error validating token: ${String(error)}`);
    }
  }

  #grant(repository: string): object {
    const token = `s.${'t'.repeat(20)}${++this.#logins}`;
    const usesLeft = this.usesMax || Number.POSITIVE_INFINITY;
    this.#tokens.set(token, { repository, endsAt: this.#clock.now() + this.leaseS * 1000, usesLeft });
    return { client_token: token, lease_duration: this.leaseS, num_uses: this.usesMax, token_type: this.tokenType };
  }

  #use(token = ''): Grant | undefined {
    const grant = this.#tokens.get(token);
    if (!grant || grant.endsAt <= this.#clock.now() || grant.usesLeft-- <= 0) return undefined;
    return grant;
  }
}

function refusal(status: number, ...errors: readonly string[]): { status: number; body: object } {
  return { status, body: { errors } };
}
