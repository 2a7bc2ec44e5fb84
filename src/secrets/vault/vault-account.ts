import type { Clock } from '../../base/clock.ts';
import type { JsonObject } from '../../base/json.ts';
import { readBounded } from '../sealed/read-bounded.ts';
import { issuedTokenOf } from './issued-token.ts';
import { type Fetch, remarkOf, unavailable, type VaultAddress, type VaultAnswer, VaultClient } from './vault-client.ts';
import { type IssuedToken, type TakenToken, VaultTokens } from './vault-tokens.ts';

/** How this machine proves itself to a vault. Files are read anew at each use: agents renew them. Absolute paths. */
export type VaultLogin =
  | { readonly method: 'token'; readonly tokenFile: string }
  | {
      readonly method: 'approle';
      /** `approle` for `auth/approle`. */
      readonly mount: string;
      readonly roleId: string;
      readonly secretIdFile: string;
    }
  | { readonly method: 'jwt'; readonly mount: string; readonly role: string; readonly jwtFile: string };

/** Calls of one account of a vault. */
export interface VaultAccount {
  /** @throws SECRETS_UNAVAILABLE with the reason as its cause, CONFIG_INVALID for a file that cannot be read */
  call(call: Pick<Parameters<VaultClient['call']>[0], 'path' | 'body' | 'signal'>): Promise<VaultAnswer>;
  /** Gives the token back. Never fails. */
  close(): Promise<void>;
}

const LOGIN_MS_MAX = 4000;
const ACCOUNT = 'own';

/** @throws CONFIG_INVALID for an address that is neither https nor this machine */
export function openVaultAccount(
  address: VaultAddress,
  login: VaultLogin,
  { fetch, clock }: { readonly fetch: Fetch; readonly clock: Clock },
): VaultAccount {
  return new Account(new VaultClient(address, fetch), login, clock);
}

class Account implements VaultAccount {
  readonly #client: VaultClient;
  readonly #login: VaultLogin;
  readonly #tokens: VaultTokens;

  constructor(client: VaultClient, login: VaultLogin, clock: Clock) {
    this.#client = client;
    this.#login = login;
    this.#tokens = new VaultTokens(clock, (token, signal) => this.#revoke(token, signal));
  }

  async call(call: Parameters<VaultAccount['call']>[0]): Promise<VaultAnswer> {
    if (this.#login.method === 'token') {
      return this.#client.call({ ...call, token: await secretOf(this.#login.tokenFile) });
    }
    const token = await this.#take();
    const answer = await this.#callWith(token, call);
    // A token that was kept may have been revoked over there since.
    if (answer.status !== 403 || !token.isOld) return answer;
    this.#tokens.forget(ACCOUNT, token);
    return this.#callWith(await this.#take(), call);
  }

  async close(): Promise<void> {
    await this.#tokens.close();
  }

  async #callWith(token: TakenToken, call: Parameters<VaultAccount['call']>[0]): Promise<VaultAnswer> {
    try {
      return await this.#client.call({ ...call, token: token.text });
    } finally {
      await this.#tokens.giveBack(token);
    }
  }

  async #take(): Promise<TakenToken> {
    const token = await this.#tokens.take(ACCOUNT, () => this.#logIn());
    if (!token) throw unavailable('it refused the login');
    return token;
  }

  async #logIn(): Promise<IssuedToken> {
    const { path, body, secret } = await this.#words();
    const answer = await this.#client.call({ path, body, signal: AbortSignal.timeout(LOGIN_MS_MAX) });
    if (answer.status !== 200) throw unavailable(`it refused the login: ${remarkOf(answer, secret)}`);
    return issuedTokenOf(answer.body);
  }

  async #words(): Promise<{ readonly path: string; readonly body: JsonObject; readonly secret: string }> {
    const login = this.#login;
    if (login.method === 'token') throw new TypeError('a token needs no login');
    const path = `auth/${login.mount}/login`;
    if (login.method === 'approle') {
      const secret = await secretOf(login.secretIdFile);
      return { path, secret, body: { role_id: login.roleId, secret_id: secret } };
    }
    const secret = await secretOf(login.jwtFile, false);
    return { path, secret, body: { role: login.role, jwt: secret } };
  }

  async #revoke(token: string, signal: AbortSignal): Promise<void> {
    // What is not given back ends by itself.
    await this.#client.call({ path: 'auth/token/revoke-self', token, body: {}, signal }).catch(() => {});
  }
}

/** Tokens that a platform mounts are readable by all of a container, and short-lived. */
async function secretOf(path: string, isPrivate = true): Promise<string> {
  return Buffer.from(await readBounded(path, isPrivate))
    .toString('utf8')
    .trim();
}
