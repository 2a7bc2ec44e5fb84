import type { JobIdentity } from '../auth/job-identity.ts';
import { sessionTokenHash } from '../auth/session-token.ts';
import { MaestroError } from '../base/errors.ts';
import type { PersonCaller } from '../protocol/person-call.ts';
import type { BoundWorker } from '../protocol/worker-session.ts';
import { addressKey } from './address.ts';
import { BodyBudget, type HeldBody } from './body-budget.ts';
import type { HttpApiTools } from './http-api-tools.ts';
import { InFlight } from './in-flight.ts';
import {
  ADDRESS_RATE,
  CALLS_AT_ONCE_MAX,
  CONTENT_RATE,
  LARGE_BODIES,
  PEOPLE_ASKED_AT_ONCE_MAX,
  PERSON_RATE,
  RATES_KEPT,
  RENEW_BYTES_MAX,
  SESSION_BYTES_RATE,
  SESSION_RATE,
  SMALL_BODIES,
  VITAL_BYTES_RATE,
  VITAL_RATE,
} from './limits.ts';
import { RateLimit } from './rate-limit.ts';
import type { Route } from './route.ts';

/** Who calls. `key` is what they are counted under. */
export type Caller =
  | { readonly type: 'worker'; readonly key: string; readonly worker: BoundWorker }
  | { readonly type: 'job'; readonly key: string; readonly identity: JobIdentity }
  | { readonly type: 'person'; readonly key: string; readonly person: PersonCaller }
  | { readonly type: 'anyone'; readonly key: string };

/** Who may call, how often, how many times at once, and with how much. All but the last is decided before a byte of the body is read. */
export class Gate {
  readonly #tools: HttpApiTools;
  readonly #addresses: RateLimit;
  readonly #sessions: RateLimit;
  readonly #contents: RateLimit;
  readonly #people: RateLimit;
  readonly #vital: RateLimit;
  readonly #sessionBytes: RateLimit;
  readonly #vitalBytes: RateLimit;
  readonly #inFlight = new InFlight();
  readonly #smallBodies = new BodyBudget(SMALL_BODIES);
  readonly #largeBodies = new BodyBudget(LARGE_BODIES);
  /** Tokens, by their hash, that held when they were last seen. */
  readonly #known = new Set<string>();

  constructor(tools: HttpApiTools) {
    this.#tools = tools;
    this.#addresses = new RateLimit(ADDRESS_RATE, tools.clock, RATES_KEPT);
    this.#sessions = new RateLimit(SESSION_RATE, tools.clock, RATES_KEPT);
    this.#contents = new RateLimit(CONTENT_RATE, tools.clock, RATES_KEPT);
    this.#people = new RateLimit(PERSON_RATE, tools.clock, RATES_KEPT);
    this.#vital = new RateLimit(VITAL_RATE, tools.clock, RATES_KEPT);
    this.#sessionBytes = new RateLimit(SESSION_BYTES_RATE, tools.clock, RATES_KEPT);
    this.#vitalBytes = new RateLimit(VITAL_BYTES_RATE, tools.clock, RATES_KEPT);
  }

  /** @throws UNAUTHENTICATED, RATE_LIMITED */
  async admit(route: Route, request: Request, socketAddress: string): Promise<Caller> {
    const address = addressKey(this.#tools.addressOf?.(request, socketAddress) ?? socketAddress);
    if (route.caller === 'worker') return this.#worker(request, address, route);
    if (route.isUnlimited !== true) this.#addresses.take(address);
    if (route.caller === 'anyone') return { type: 'anyone', key: address };
    if (route.caller === 'person') return this.#person(request);
    const identity = await this.#tools.verifyJobToken(bearerOf(request) ?? '');
    return { type: 'job', key: `repository ${identity.repositoryId}`, identity };
  }

  /** For what is no route. @throws RATE_LIMITED */
  turnAway(request: Request, socketAddress: string): void {
    this.#addresses.take(addressKey(this.#tools.addressOf?.(request, socketAddress) ?? socketAddress));
  }

  /**
   * Counts the call until what this answers is called.
   * @throws RATE_LIMITED where the session or person, or all of them, have too many on this route
   */
  enter({ method, path, atOnceMax = CALLS_AT_ONCE_MAX, atOnceOfAllMax }: Route, caller: Caller): () => void {
    if (caller.type !== 'worker' && caller.type !== 'person') return () => {};
    const leaveOwn = this.#inFlight.enter(`${caller.key} ${method} ${path}`, atOnceMax);
    if (atOnceOfAllMax === undefined) return leaveOwn;
    try {
      const leaveAll = this.#inFlight.enter(`${method} ${path}`, atOnceOfAllMax);
      return () => (leaveOwn(), leaveAll());
    } catch (error) {
      leaveOwn();
      throw error;
    }
  }

  /** Memory for the body of a call. */
  hold(bytesMax: number, caller: Caller): HeldBody {
    const budget = bytesMax <= RENEW_BYTES_MAX ? this.#smallBodies : this.#largeBodies;
    return budget.open(caller.key);
  }

  /** A body was read, or made: its bytes, unpacked, count for the session. */
  spend(route: Route, caller: Caller, bytes: number): void {
    if (caller.type === 'worker') this.#bytesOf(route).spend(caller.key, bytes);
  }

  /** A token that is not known takes from its address until it proves to hold: looking for it costs a query. */
  async #worker(request: Request, address: string, route: Route): Promise<Caller> {
    const token = bearerOf(request);
    const hash = token === undefined ? undefined : sessionTokenHash(token);
    const name = hash && Buffer.from(hash).toString('base64');
    const isKnown = name !== undefined && this.#known.has(name);
    if (!isKnown) this.#addresses.take(address);
    const worker = hash && (await this.#tools.sessions.find(hash, this.#tools.clock.now()));
    if (!worker || name === undefined) {
      this.#known.delete(name ?? '');
      throw new MaestroError('UNAUTHENTICATED', 'expected the token of a worker’s session that has not ended');
    }
    if (!isKnown) this.#addresses.spend(address, -1);
    this.#remember(name);
    const key = String(worker.workerId);
    this.#rateOf(route).take(key);
    this.#bytesOf(route).assertLeft(key);
    return { type: 'worker', key, worker };
  }

  /** GitHub knows whose token it is: strangers must not make this server ask all the time. */
  async #person(request: Request): Promise<Caller> {
    const leave = this.#inFlight.enter('tokens of people', PEOPLE_ASKED_AT_ONCE_MAX);
    try {
      const person = await this.#tools.admitPerson(bearerOf(request) ?? '');
      this.#people.take(person.key);
      return { type: 'person', key: person.key, person };
    } finally {
      leave();
    }
  }

  #rateOf({ isVital, streamBytesMax, answer }: Route): RateLimit {
    if (isVital) return this.#vital;
    return streamBytesMax !== undefined || answer === 'stream' ? this.#contents : this.#sessions;
  }

  #bytesOf({ isVital }: Route): RateLimit {
    return isVital ? this.#vitalBytes : this.#sessionBytes;
  }

  /** The newest last: the oldest are forgotten first. */
  #remember(name: string): void {
    this.#known.delete(name);
    this.#known.add(name);
    if (this.#known.size > RATES_KEPT) this.#known.delete(this.#known.keys().next().value as string);
  }
}

function bearerOf(request: Request): string | undefined {
  return /^Bearer (\S+)$/i.exec(request.headers.get('authorization') ?? '')?.[1];
}
