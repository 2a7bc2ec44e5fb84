import { MaestroError } from '../../base/errors.ts';
import type { ImageName } from '../oci/image-name.ts';
import { parseChallenge, tokenOf } from './challenge.ts';
import { type CallRules, type callRegistry, type RegistryAnswer, type RegistryRequest } from './registry-call.ts';

export interface Credentials {
  readonly username: string;
  readonly password: string;
}

interface LoginOptions extends CallRules {
  readonly name: ImageName;
  readonly credentials: Credentials | undefined;
  readonly mountFrom?: readonly string[];
}

type Call = typeof callRegistry;

/**
 * Answers the challenge of a registry: Basic, or a token from the realm that it names.
 *
 * The realm is a host like any other, so `callRegistry` gives it a password only over https and on the step's egress list. Credentials go to
 * the registry's own origin and to that realm, never to where an upload or a redirect leads.
 */
export class RegistryLogin {
  readonly #options: LoginOptions;
  #authorization: string | undefined;
  #login: Promise<string | undefined> | undefined;

  constructor(options: LoginOptions) {
    this.#options = options;
  }

  async call(request: RegistryRequest, call: Call): Promise<RegistryAnswer> {
    const sent = this.#authorization;
    const answer = await call(this.#signed(request), this.#options);
    if (answer.status !== 401 || answer.url.origin !== this.#options.origin.origin) return answer;
    // Several blobs are on their way: another one may have logged in meanwhile.
    if (this.#authorization === sent) this.#authorization = await this.#loggedIn(answer, call);
    // Refused with what it asked for itself: asking again would go round in circles.
    return this.#authorization === sent ? answer : call(this.#signed(request), this.#options);
  }

  /** One login for all who wait for it. */
  #loggedIn(answer: RegistryAnswer, call: Call): Promise<string | undefined> {
    this.#login ??= this.#answerTo(answer, call).finally(() => {
      this.#login = undefined;
    });
    return this.#login;
  }

  #signed(request: RegistryRequest): RegistryRequest {
    const { origin } = this.#options;
    if (this.#authorization === undefined || request.url.origin !== origin.origin) return request;
    return { ...request, headers: { ...request.headers, authorization: this.#authorization } };
  }

  async #answerTo(answer: RegistryAnswer, call: Call): Promise<string | undefined> {
    const challenge = parseChallenge(answer.headers.get('www-authenticate'));
    if (!challenge) return undefined;
    const basic = basicOf(this.#options.credentials);
    if (challenge.scheme === 'basic') return basic;
    const realm = URL.parse(challenge.realm);
    if (!realm || realm.search !== '' || realm.hash !== '')
      throw new MaestroError('REGISTRY_REFUSED', `expected ${answer.url.host} to name the address of its tokens`);
    const token = await call(
      {
        method: 'GET',
        url: this.#tokenUrl(realm, challenge.service),
        ...(basic === undefined ? {} : { headers: { authorization: basic } }),
      },
      this.#options,
    );
    if (token.status !== 200)
      throw new MaestroError('REGISTRY_REFUSED', `${realm.host} gave no token: it answered ${token.status}`);
    return `Bearer ${tokenOf(token.bytes.toString('utf8'), realm.host)}`;
  }

  #tokenUrl(realm: URL, service: string | undefined): URL {
    const url = new URL(realm);
    if (service !== undefined) url.searchParams.set('service', service);
    url.searchParams.append('scope', `repository:${this.#options.name.repository}:pull,push`);
    for (const from of this.#options.mountFrom ?? []) url.searchParams.append('scope', `repository:${from}:pull`);
    return url;
  }
}

function basicOf(credentials: Credentials | undefined): string | undefined {
  if (!credentials) return undefined;
  return `Basic ${Buffer.from(`${credentials.username}:${credentials.password}`).toString('base64')}`;
}
