import { canonicalJson } from '../../base/canonical-json.ts';
import type { Clock } from '../../base/clock.ts';
import { isMaestroError, MaestroError, messageOf } from '../../base/errors.ts';
import { isJsonObject, type JsonObject } from '../../base/json.ts';
import type { SecretProvider, SecretRequest } from '../../protocol/secret-source.ts';
import { assertSecretValue } from '../secret-limits.ts';
import { issuedTokenOf } from './issued-token.ts';
import { type PathTemplate, pathFor } from './path-template.ts';
import { claimsOf, type RunClaims } from './run-claims.ts';
import { type Fetch, remarkOf, unavailable, type VaultAddress, type VaultAnswer, VaultClient } from './vault-client.ts';
import { type IssuedToken, type TakenToken, VaultTokens } from './vault-tokens.ts';

/** A login may be waited for by many: it has a time of its own. */
const LOGIN_MS_MAX = 8000;
/** Old tokens that the vault has forgotten, and the login after them. */
const TRIES_MAX = 3;
/** The vault says so where claims do not match, the role is not there, or a policy does not let the token read. */
const REFUSED: ReadonlySet<number> = new Set([400, 403, 404]);

export interface VaultPlace extends VaultAddress {
  /** Where its JWT method is: `jwt` for `auth/jwt`. */
  readonly mount: string;
  readonly role: string;
  readonly path: PathTemplate;
}

export interface VaultTools {
  readonly fetch: Fetch;
  readonly clock: Clock;
  /** Issues the identity token that the vault is shown. */
  readonly issue: (subject: string, audience: string, claims: Readonly<Record<string, string>>) => Promise<string>;
  /** Told what users are not: why the vault refused or failed. Never a token or a value. */
  readonly onTrouble: (error: unknown) => void;
}

/**
 * Secrets in a HashiCorp Vault or an OpenBao: key-value engine version 2, login with an identity token of the run (JWT
 * method). What the vault refuses counts as what it has not.
 * @throws CONFIG_INVALID for an address that is neither https nor this machine
 */
export function openVault(place: VaultPlace, tools: VaultTools): SecretProvider {
  return new Vault(place, tools);
}

class Vault implements SecretProvider {
  readonly #place: VaultPlace;
  readonly #tools: VaultTools;
  readonly #client: VaultClient;
  readonly #tokens: VaultTokens;

  constructor(place: VaultPlace, tools: VaultTools) {
    this.#place = place;
    this.#tools = tools;
    this.#client = new VaultClient(place, tools.fetch);
    this.#tokens = new VaultTokens(tools.clock, (token, signal) => this.#revoke(token, signal));
  }

  async find(request: SecretRequest, signal: AbortSignal): Promise<Readonly<Record<string, string>>> {
    const path = pathFor(this.#place.path, request);
    const claims = claimsOf(request);
    if (path === undefined || !claims) return {};
    try {
      const data = await this.#read(path, claims, signal);
      return valuesOf(request.names, data);
    } catch (error) {
      if (isMaestroError(error, 'SECRETS_UNAVAILABLE')) this.#tell(messageOf(error.cause));
      throw error;
    }
  }

  async close(): Promise<void> {
    await this.#tokens.close();
  }

  async #read(path: string, claims: RunClaims, signal: AbortSignal): Promise<JsonObject> {
    // All that a role can be bound to: a token got by one branch must not serve another.
    const key = canonicalJson({ ...claims.standing, subject: claims.subject });
    for (let tries = 1; ; tries++) {
      const token = await this.#tokens.take(key, () => this.#logIn(claims));
      if (!token) return {};
      const answer = await this.#readWith(token, path, signal);
      if (answer.status === 200) return dataOf(answer.body);
      if (answer.status !== 403 || !token.isOld || tries === TRIES_MAX) return this.#nothing(answer, token);
      this.#tokens.forget(key, token);
    }
  }

  async #readWith(token: TakenToken, path: string, signal: AbortSignal): Promise<VaultAnswer> {
    try {
      return await this.#client.call({ path, token: token.text, signal });
    } finally {
      await this.#tokens.giveBack(token);
    }
  }

  /** 404 is what is not there, or no longer; it needs no remark. */
  #nothing(answer: VaultAnswer, token: TakenToken): JsonObject {
    const remark = `it refused to be read: ${remarkOf(answer, token.text)}`;
    if (!REFUSED.has(answer.status)) throw unavailable(remark);
    if (answer.status !== 404) this.#tell(remark, 'SECRET_NOT_FOUND');
    return {};
  }

  async #logIn({ subject, standing, passing }: RunClaims): Promise<IssuedToken | undefined> {
    const { url, mount, role } = this.#place;
    const jwt = await this.#tools.issue(subject, url, { ...standing, ...passing });
    const signal = AbortSignal.timeout(LOGIN_MS_MAX);
    const answer = await this.#client.call({ path: `auth/${mount}/login`, body: { role, jwt }, signal });
    if (answer.status === 200) return issuedTokenOf(answer.body);
    const remark = `it refused the login of ${subject}: ${remarkOf(answer, jwt)}`;
    if (!REFUSED.has(answer.status)) throw unavailable(remark);
    this.#tell(remark, 'SECRET_NOT_FOUND');
    return undefined;
  }

  async #revoke(token: string, signal: AbortSignal): Promise<void> {
    try {
      const answer = await this.#client.call({ path: 'auth/token/revoke-self', token, body: {}, signal });
      // Refused is one that has ended already.
      if (answer.status >= 500) this.#tell(`it did not take back a token: ${remarkOf(answer, token)}`);
    } catch (error) {
      this.#tell(`it did not take back a token: ${messageOf((error as Error).cause)}`);
    }
  }

  #tell(remark: string, code: 'SECRET_NOT_FOUND' | 'SECRETS_UNAVAILABLE' = 'SECRETS_UNAVAILABLE'): void {
    const { url, role } = this.#place;
    this.#tools.onTrouble(new MaestroError(code, `vault ${url}, role ${role}: ${remark}`));
  }
}

/** `data` of `data`: the other half is what the engine says about it. A version that was deleted has none. */
function dataOf({ data }: JsonObject): JsonObject {
  if (!isJsonObject(data) || !('data' in data)) throw unavailable('it answered no data of a key-value engine');
  return isJsonObject(data.data) ? data.data : {};
}

function valuesOf(names: readonly string[], data: JsonObject): Readonly<Record<string, string>> {
  const values: [string, string][] = [];
  for (const name of names) {
    if (!Object.hasOwn(data, name)) continue;
    const value: unknown = data[name];
    assertSecretValue(name, value);
    values.push([name, value]);
  }
  return Object.fromEntries(values);
}
