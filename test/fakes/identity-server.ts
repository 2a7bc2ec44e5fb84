import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  CONFIGURATION_PATH,
  type IdentityIssuer,
  KEYS_PATH,
  openIdentityIssuer,
} from '../../src/auth/identity-issuer.ts';
import type { Clock } from '../../src/base/clock.ts';
import { openLocalSigner } from '../../src/provenance/signers/local.ts';

/** This server's real issuer with a key of its own, and its documents on loopback. */
export class IdentityServer {
  readonly #server: Server;
  #folder = '';
  #issuer: IdentityIssuer | undefined;
  #tokens = 0;

  constructor() {
    this.#server = createServer((request, response) => {
      const documents = this.issuer.documents;
      const found = { [CONFIGURATION_PATH]: documents.configuration, [KEYS_PATH]: documents.keys }[request.url ?? ''];
      response.writeHead(found ? 200 : 404, { 'content-type': 'application/json' }).end(JSON.stringify(found ?? {}));
    });
  }

  async open(clock: Clock): Promise<this> {
    await new Promise<void>((listening) => this.#server.listen(0, '127.0.0.1', listening));
    this.#folder = await mkdtemp(join(tmpdir(), 'maestro-identity-'));
    const key = await openLocalSigner(join(this.#folder, 'identity-key.pem'));
    this.#issuer = await openIdentityIssuer(this.url, key, { clock, newId: () => `token-${++this.#tokens}` });
    return this;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  get issuer(): IdentityIssuer {
    if (!this.#issuer) throw new Error('open it first');
    return this.#issuer;
  }

  async close(): Promise<void> {
    await new Promise((closed) => {
      this.#server.close(closed);
      this.#server.closeAllConnections();
    });
    await rm(this.#folder, { recursive: true, force: true });
  }
}
