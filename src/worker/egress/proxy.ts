import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { EgressList } from '../../steps/egress-list.ts';
import { forward, refuseRequest } from './forward.ts';
import { PROXY_LIMITS, type ProxyLimits } from './limits.ts';
import { Lookups, type Resolve, SYSTEM_RESOLVE } from './lookups.ts';
import type { EgressTally } from './tally.ts';
import { refuseTunnel, tunnel, UNKNOWN_CLIENT } from './tunnel.ts';
import { UpstreamProxies } from './upstream.ts';
import { WayOut } from './way-out.ts';

const LOOPBACK = '127.0.0.1';
const USER = 'step';
const PASSWORD_BYTES = 32;

export interface EgressProxyOptions {
  /** As the plan lists them. */
  readonly egress: readonly string[];
  /** The worker's environment: it may name a proxy of the machine, which this one then goes through. */
  readonly hostEnv: Readonly<Record<string, string | undefined>>;
  readonly resolve?: Resolve;
  readonly limits?: Partial<ProxyLimits>;
}

/**
 * A forward proxy on loopback that lets one attempt of a step reach what the step lists, and nothing else.
 *
 * It takes CONNECT and plain `http://` requests of who knows its password, which is new for every attempt.
 */
export class EgressProxy {
  readonly password = randomBytes(PASSWORD_BYTES).toString('hex');
  readonly #server: Server;
  readonly #clients = new Set<Socket>();
  readonly #wayOut: WayOut;
  readonly #expected = digestOf(`Basic ${Buffer.from(`${USER}:${this.password}`).toString('base64')}`);

  /** @throws MaestroError CONFIG_INVALID for a proxy of the machine that cannot be used */
  static async open(options: EgressProxyOptions): Promise<EgressProxy> {
    const proxy = new EgressProxy(options);
    proxy.#server.listen(0, LOOPBACK);
    await once(proxy.#server, 'listening');
    return proxy;
  }

  private constructor({ egress, hostEnv, resolve = SYSTEM_RESOLVE, limits: changes }: EgressProxyOptions) {
    const limits = { ...PROXY_LIMITS, ...changes };
    const rules = {
      list: new EgressList(egress),
      upstreams: new UpstreamProxies(hostEnv),
      lookups: new Lookups(resolve),
    };
    this.#wayOut = new WayOut(rules, limits);
    this.#server = this.#serve(limits);
  }

  /** For `HTTP_PROXY` and the like. */
  get url(): string {
    return `http://${USER}:${this.password}@${LOOPBACK}:${(this.#server.address() as AddressInfo).port}`;
  }

  /** Closes the listener and every connection; answers what went through it. */
  async close(): Promise<EgressTally> {
    const closed = once(this.#server, 'close');
    this.#server.close();
    for (const client of this.#clients) client.destroy();
    this.#wayOut.close();
    await closed;
    return this.#wayOut.tally;
  }

  #serve(limits: ProxyLimits): Server {
    const server = createServer({
      maxHeaderSize: limits.headerBytesMax,
      headersTimeout: limits.headersMs,
      connectionsCheckingInterval: Math.min(limits.headersMs, 1000),
      // A body takes as long as it takes, while bytes come.
      requestTimeout: 0,
    });
    server.maxConnections = limits.connectionsMax;
    // Their bytes are limited. Beyond a number Node would leave headers out in silence.
    server.maxHeadersCount = 0;
    server.on('connection', (client: Socket) => {
      this.#clients.add(client);
      client.once('close', () => this.#clients.delete(client));
    });
    // One connection that cannot be accepted, for want of descriptors, is no reason to end the worker.
    server.on('error', () => {});
    server.on('drop', () => this.#wayOut.tally.drop());
    server.on('request', (request, response) => {
      if (!this.#isOwn(request)) return refuseRequest(response, UNKNOWN_CLIENT);
      forward(request, response, this.#wayOut).catch(() => response.destroy());
    });
    server.on('connect', (request, client: Socket, head) => {
      // A client that breaks off harms nobody else; `close` follows.
      client.on('error', () => {});
      if (!this.#isOwn(request)) return refuseTunnel(client, UNKNOWN_CLIENT);
      tunnel(request, client, head, this.#wayOut).catch(() => client.destroy());
    });
    return server;
  }

  /** Strangers are not counted: whoever else is on this machine writes nothing into the step's log. */
  #isOwn({ headers }: IncomingMessage): boolean {
    return timingSafeEqual(digestOf(headers['proxy-authorization'] ?? ''), this.#expected);
  }
}

/** Texts of any length become equally long, as the comparison wants it. */
function digestOf(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}
