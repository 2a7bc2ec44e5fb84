import type { Socket } from 'node:net';
import { messageOf } from '../../base/errors.ts';
import { askForTunnel, established, openTo, openToUpstream } from './connect.ts';
import type { ProxyLimits } from './limits.ts';
import { findRoute, type Route, type RouteRules } from './route.ts';
import { EgressTally } from './tally.ts';
import type { Target } from './target.ts';
import type { RequestForm, Upstream } from './upstream.ts';

/** An open connection: to the target, or for a plain request to the machine's own proxy. */
export interface Passage {
  readonly socket: Socket;
  readonly upstream: Upstream | undefined;
}

/** Why there is none, as the client is told. */
export interface Refusal {
  readonly status: 403 | 502;
  readonly message: string;
}

/** The connections of one attempt to the outside: judged, counted, and closed together. */
export class WayOut {
  readonly tally = new EgressTally();
  readonly limits: ProxyLimits;
  readonly #rules: RouteRules;
  readonly #open = new Set<Socket>();
  /** Asked for, and not yet open. */
  #pending = 0;
  #isClosed = false;

  constructor(rules: RouteRules, limits: ProxyLimits) {
    this.#rules = rules;
    this.limits = limits;
  }

  /** One client connection can ask for many at once (requests may be pipelined), hence a limit here as well. */
  async connect(target: Target, form: RequestForm): Promise<Passage | Refusal> {
    if (this.#open.size + this.#pending >= this.limits.connectionsMax) {
      this.tally.drop();
      return { status: 502, message: `more than ${this.limits.connectionsMax} connections at one time` };
    }
    this.#pending++;
    try {
      return await this.#judgeAndConnect(target, form);
    } finally {
      this.#pending--;
    }
  }

  close(): void {
    this.#isClosed = true;
    for (const socket of this.#open) socket.destroy();
  }

  async #judgeAndConnect(target: Target, form: RequestForm): Promise<Passage | Refusal> {
    const name = `${target.host}:${target.port}`;
    const route = await findRoute(target, form, this.#rules);
    if (route.kind === 'denied') {
      this.tally.deny(target, route.reason);
      return { status: 403, message: `egress denied to ${name}: ${route.reason}` };
    }
    const entry = this.tally.allow(target);
    if (route.kind === 'unknown')
      return { status: 502, message: `${name} could not be reached: the name is not known` };
    try {
      const passage = await this.#pass(target, form, route);
      this.tally.measure(passage.socket, entry);
      return passage;
    } catch (error) {
      return { status: 502, message: `${name} could not be reached: ${reasonOf(error)}` };
    }
  }

  async #pass(
    target: Target,
    form: RequestForm,
    route: Extract<Route, { kind: 'direct' | 'upstream' }>,
  ): Promise<Passage> {
    if (this.#isClosed) throw new Error('the step has ended');
    const { connectMs } = this.limits;
    const upstream = route.kind === 'upstream' ? route.upstream : undefined;
    const socket = this.#hold(
      route.kind === 'upstream' ? openToUpstream(route.upstream) : openTo(target, route.addresses),
    );
    await established(socket, upstream?.isTls === true, connectMs);
    if (upstream && form === 'connect') await askForTunnel(socket, upstream, target, connectMs);
    return { socket, upstream };
  }

  #hold(socket: Socket): Socket {
    this.#open.add(socket);
    // Whoever uses the connection hears of its end by `close`.
    socket.on('error', () => {});
    socket.once('close', () => this.#open.delete(socket));
    return socket;
  }
}

/** The error of several addresses that were tried in turn has no message of its own. */
function reasonOf(error: unknown): string {
  return messageOf(error) || (error as NodeJS.ErrnoException).code || 'unknown cause';
}
