import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type RequestListener, type Server } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import {
  type AddressInfo,
  connect,
  createServer as createTcpServer,
  type Socket,
  type Server as TcpServer,
} from 'node:net';
import { resolve } from 'node:path';
import { EgressProxy, type EgressProxyOptions } from '../../../src/worker/egress/proxy.ts';

/** Key and certificate of a far end that speaks TLS, for `far.example` and loopback. */
export const TLS_FILE = resolve(import.meta.dirname, 'fixtures/far-end-tls.pem');

export interface Seen {
  readonly method: string;
  readonly url: string;
  readonly headers: IncomingMessage['headers'];
  readonly rawHeaders: readonly string[];
  readonly body: string;
}

/** A real server on loopback that remembers what it was asked. */
export class FarEnd {
  readonly seen: Seen[] = [];
  answer: (seen: Seen, response: Parameters<RequestListener>[1]) => void = (_, response) => void response.end('ok');
  readonly server: Server;

  private constructor(isTls: boolean) {
    const listener: RequestListener = (request, response) => {
      const parts: Buffer[] = [];
      request.on('data', (part: Buffer) => parts.push(part));
      request.on('end', () => {
        const { method = '', url = '', headers, rawHeaders } = request;
        const seen = { method, url, headers, rawHeaders, body: Buffer.concat(parts).toString() };
        this.seen.push(seen);
        this.answer(seen, response);
      });
    };
    const pem = isTls ? readFileSync(TLS_FILE) : undefined;
    this.server = pem ? createTlsServer({ key: pem, cert: pem }, listener) : createServer(listener);
  }

  static async open(isTls = false): Promise<FarEnd> {
    const far = new FarEnd(isTls);
    far.server.listen(0, '127.0.0.1');
    await once(far.server, 'listening');
    return far;
  }

  get port(): number {
    return (this.server.address() as AddressInfo).port;
  }

  async close(): Promise<void> {
    this.server.closeAllConnections();
    await new Promise((done) => this.server.close(done));
  }
}

/** A connection to a proxy, as bytes: what no well-behaved client sends can be sent, too. */
export class RawClient {
  readonly socket: Socket;
  readonly #parts: Buffer[] = [];
  readonly #login: string;

  constructor(proxyUrl: string) {
    const { hostname, port, username, password } = new URL(proxyUrl);
    this.#login = Buffer.from(`${username}:${password}`).toString('base64');
    this.socket = connect({ host: hostname, port: Number(port), allowHalfOpen: true });
    this.socket.on('data', (part: Buffer) => this.#parts.push(part));
    this.socket.on('error', () => {});
  }

  get text(): string {
    return Buffer.concat(this.#parts).toString('latin1');
  }

  /** The status of the first answer; 0 for none. */
  get status(): number {
    return Number(/^HTTP\/1\.1 (\d{3})/.exec(this.text)?.[1] ?? 0);
  }

  /** Lines of a request, the proxy's password among its headers. */
  send(requestLine: string, headers: readonly string[] = [], body = ''): this {
    const lines = [requestLine, `Proxy-Authorization: Basic ${this.#login}`, ...headers];
    this.socket.write(`${lines.join('\r\n')}\r\n\r\n${body}`, 'latin1');
    return this;
  }

  connectTo(authority: string): this {
    return this.send(`CONNECT ${authority} HTTP/1.1`, [`Host: ${authority}`]);
  }

  get(url: string, headers: readonly string[] = ['Host: whatever.example']): this {
    return this.send(`GET ${url} HTTP/1.1`, [...headers, 'Connection: close']);
  }

  /** Waits for these bytes of the answer, or for the end of the connection. */
  async until(expected: string | RegExp): Promise<string> {
    const isThere = (): boolean =>
      typeof expected === 'string' ? this.text.includes(expected) : expected.test(this.text);
    while (!isThere() && !this.socket.readableEnded && !this.socket.destroyed)
      await this.#oneOf(['data', 'end', 'close']);
    return this.text;
  }

  /** Waits until the proxy has ended the connection. */
  async ended(): Promise<this> {
    if (!this.socket.readableEnded && !this.socket.destroyed) await this.#oneOf(['end', 'close']);
    this.socket.destroy();
    return this;
  }

  async #oneOf(events: readonly string[]): Promise<void> {
    const isOver = new AbortController();
    // A connection that is reset has ended, too.
    await Promise.race(events.map((event) => once(this.socket, event, isOver))).catch(() => {});
    isOver.abort();
  }
}

/** The status that a proxy answers to one CONNECT. */
export async function connectStatus(proxyUrl: string, authority: string): Promise<number> {
  const client = new RawClient(proxyUrl).connectTo(authority);
  await client.until('\r\n\r\n');
  client.socket.destroy();
  return client.status;
}

/** A far end that takes connections and says nothing by itself. */
export class SilentEnd {
  readonly sockets: Socket[] = [];
  readonly server: TcpServer = createTcpServer({ allowHalfOpen: true }, (socket) => {
    socket.on('error', () => {});
    this.sockets.push(socket);
  });

  async open(): Promise<number> {
    this.server.listen(0, '127.0.0.1');
    await once(this.server, 'listening');
    return (this.server.address() as AddressInfo).port;
  }

  close(): void {
    for (const socket of this.sockets) socket.destroy();
    this.server.close();
  }
}

/** A far end, and the proxies of a test before it. */
export class EgressWorld {
  readonly far: FarEnd;
  readonly #proxies = new Set<EgressProxy>();

  private constructor(far: FarEnd) {
    this.far = far;
  }

  static async open(): Promise<EgressWorld> {
    return new EgressWorld(await FarEnd.open());
  }

  /** The far end, as the names of a step's egress have it. */
  get target(): string {
    return `far.example:${this.far.port}`;
  }

  /** Names of the tests lead to loopback, which is listed, so that a real far end can stand there. */
  async proxy(egress?: readonly string[], changes: Partial<EgressProxyOptions> = {}): Promise<EgressProxy> {
    const listed = egress ?? [this.target, `127.0.0.1:${this.far.port}`];
    const proxy = await EgressProxy.open({
      egress: listed,
      hostEnv: {},
      resolve: async () => ['127.0.0.1'],
      ...changes,
    });
    this.#proxies.add(proxy);
    return proxy;
  }

  /** Closes the proxy and answers what it has to tell. */
  async closed(proxy: EgressProxy): Promise<string> {
    this.#proxies.delete(proxy);
    return (await proxy.close()).lines().join('\n');
  }

  async close(): Promise<void> {
    await Promise.all([...this.#proxies].map((proxy) => proxy.close()));
    await this.far.close();
  }
}
