import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { createServer } from 'node:net';

const ROOT_TOKEN = 'root-of-the-test';
/** Each repository reads its own path and no other: the policy names the metadata that the login took from the token. */
const POLICY = (accessor: string): string =>
  `path "secret/data/{{identity.entity.aliases.${accessor}.metadata.owner}}/{{identity.entity.aliases.${accessor}.metadata.name}}" {
    capabilities = ["read"]
  }`;

/** A real OpenBao in memory, set up as the guide tells its operator. */
export class OpenBao {
  readonly #program: string;
  #process: ChildProcess | undefined;
  url = '';

  constructor(program: string) {
    this.#program = program;
  }

  /** @param config of the JWT method: where keys are */
  async open(config: object, role: object = {}): Promise<this> {
    const address = `127.0.0.1:${await freePort()}`;
    this.url = `http://${address}`;
    const options = ['server', '-dev', '-dev-no-store-token', `-dev-root-token-id=${ROOT_TOKEN}`];
    this.#process = spawn(this.#program, [...options, `-dev-listen-address=${address}`], {
      stdio: ['ignore', 'pipe', 'ignore'],
      env: {},
    });
    await this.#started(this.#process);
    await this.root('sys/auth/jwt', { type: 'jwt' });
    await this.root('auth/jwt/config', config);
    const methods = (await this.root('sys/auth')) as { data: Record<string, { accessor: string }> };
    await this.root('sys/policies/acl/maestro', { policy: POLICY(methods.data['jwt/']?.accessor ?? '') });
    await this.root('auth/jwt/role/maestro', {
      role_type: 'jwt',
      user_claim: 'sub',
      bound_audiences: [this.url],
      claim_mappings: { repository_owner: 'owner', repository_name: 'name' },
      token_policies: ['maestro'],
      token_ttl: '10m',
      ...role,
    });
    return this;
  }

  /** A call of its administrator. */
  async root(path: string, body?: object): Promise<unknown> {
    const answer = await fetch(`${this.url}/v1/${path}`, {
      headers: { 'x-vault-token': ROOT_TOKEN },
      ...(body && { method: 'POST', body: JSON.stringify(body) }),
    });
    const text = await answer.text();
    if (!answer.ok) throw new Error(`${path}: ${answer.status} ${text}`);
    return text === '' ? undefined : JSON.parse(text);
  }

  /** How many tokens the JWT method gave out that were not given back. */
  async openTokens(): Promise<number> {
    const { data } = (await this.root('auth/token/accessors?list=true')) as { data: { keys: readonly string[] } };
    const tokens = await Promise.all(
      data.keys.map(
        (accessor) => this.root('auth/token/lookup-accessor', { accessor }) as Promise<{ data: { path: string } }>,
      ),
    );
    return tokens.filter((token) => token.data.path === 'auth/jwt/login').length;
  }

  async close(): Promise<void> {
    if (!this.#process || this.#process.exitCode !== null) return;
    this.#process.kill('SIGKILL');
    await once(this.#process, 'exit');
  }

  async #started(process: ChildProcess): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    let text = '';
    process.once('exit', () => reject(new Error(`OpenBao did not start: ${text}`)));
    process.once('error', reject);
    process.stdout?.on('data', (chunk) => {
      text = (text + String(chunk)).slice(-10_000);
      if (text.includes('server started')) resolve();
    });
    await promise;
  }
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  const { port } = server.address() as AddressInfo;
  await new Promise((closed) => server.close(closed));
  return port;
}
