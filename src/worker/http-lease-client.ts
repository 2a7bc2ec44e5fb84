import { randomBytes } from 'node:crypto';
import { type Clock, SYSTEM_CLOCK } from '../base/clock.ts';
import { MaestroError } from '../base/errors.ts';
import type {
  CacheEntry,
  CompletionAnswer,
  HeldLease,
  Lease,
  LeaseClient,
  MadeArtifact,
  WorkerSignal,
} from '../protocol/lease.ts';
import type { RunView } from '../protocol/run.ts';
import type { Registered, Registration, RegistrationKey, RunStart } from '../protocol/wire/registration.ts';
import {
  ATTEST_BYTES_MAX,
  CACHE_BYTES_MAX,
  COMPLETE_BYTES_MAX,
  EVENTS_BYTES_MAX,
} from '../protocol/wire/worker-calls.ts';
import { blobCalls } from './http/blob-calls.ts';
import { logCalls } from './http/log-calls.ts';
import { type Fetch, Wire } from './http/wire.ts';
import { type Pause, REAL_PAUSE } from './pause.ts';

/** Who a job is, by its identity token for the server's public URL, and what its worker says of itself. */
export interface ShownJob {
  readonly identityToken: string;
  readonly hello: Registration | RunStart;
}

export interface HttpLeaseClientOptions {
  /** The server's public URL: https, or http on this machine. */
  readonly url: string;
  /** What the job shows when it registers: asked again where it must register again. */
  readonly register: () => Promise<ShownJob>;
  readonly fetch?: Fetch;
  readonly pause?: Pause;
  /** Uniform in [0, 1). */
  readonly random?: () => number;
  readonly clock?: Clock;
}

/** The lease protocol over HTTP, with what only a job far away needs. */
export interface HttpLeaseClient extends LeaseClient {
  /**
   * Registers the job, the first time; answers the same afterwards. Waits for a server that is being replaced. Whoever must know run and checkout before it works
   * calls it before the worker's loop does.
   * @throws UNAUTHENTICATED, JOB_REFUSED, CONFLICT where the job has registered before
   */
  open(): Promise<Registered>;
  /** The run that is served. */
  readRun(): Promise<RunView>;
}

/** Beyond what the server holds a call open: an answer later than this is lost. */
const HOLD_SLACK_MS = 15_000;
const KEY_BYTES = 32;

/**
 * A worker's way to a server.
 *
 * Calls that the worker's loop repeats by itself are tried once; the others are repeated here while that is safe. A
 * session that is lost stays lost: the identity of a job is good for one registration, so `register` answers CONFLICT
 * and the worker ends.
 *
 * @throws CONFIG_INVALID for an url to which secrets would travel in the open
 */
export function openHttpLeaseClient(options: HttpLeaseClientOptions): HttpLeaseClient {
  const wire = new Wire({
    url: options.url,
    fetch: options.fetch ?? globalThis.fetch,
    pause: options.pause ?? REAL_PAUSE,
    random: options.random ?? Math.random,
    clock: options.clock ?? SYSTEM_CLOCK,
  });
  const session = new JobSession(wire, options.register);
  return {
    open: () => session.open(),
    register: () => session.register(),
    readRun: async () => {
      const { run } = await session.open();
      return (await wire.askAgain({ method: 'GET', path: `/runs/${run}` })) as unknown as RunView;
    },
    leave: async () => {
      await wire.ask({ path: '/workers:leave', body: {} });
    },
    ...loopCalls(wire),
    ...stepCalls(wire),
    ...blobCalls(wire),
  };
}

/** Registers once; the key makes it harmless to say so again where the answer was lost. */
class JobSession {
  readonly #wire: Wire;
  readonly #show: () => Promise<ShownJob>;
  readonly #key = randomBytes(KEY_BYTES).toString('base64url');
  #opening: Promise<Registered> | undefined;
  #isTaken = false;

  constructor(wire: Wire, show: () => Promise<ShownJob>) {
    this.#wire = wire;
    this.#show = show;
  }

  open(): Promise<Registered> {
    this.#opening ??= this.#open().catch((error: unknown) => {
      this.#opening = undefined;
      throw error;
    });
    return this.#opening;
  }

  async register(): Promise<Registered['session']> {
    if (this.#isTaken)
      throw new MaestroError('CONFLICT', 'the session of this worker is lost, and its job can register only once');
    const { session } = await this.open();
    this.#isTaken = true;
    return session;
  }

  async #open(): Promise<Registered> {
    const { identityToken: token, hello } = await this.#show();
    const path = 'pipeline' in hello ? '/runs' : '/workers:register';
    const body: (Registration | RunStart) & RegistrationKey = { ...hello, key: this.#key };
    const registered = (await this.#wire.askAgain({ path, body, token })) as unknown as Registered;
    this.#wire.token = registered.sessionToken;
    return registered;
  }
}

type LoopCalls = Pick<LeaseClient, 'acquire' | 'complete' | 'renew' | 'signals'>;

/** One try each: the worker's loop goes on about them by itself, and must hear soon of a silence. */
function loopCalls(wire: Wire): LoopCalls {
  return {
    acquire: async (_worker, room, waitMs, signal) => {
      const body = { room, waitMs };
      const { leases } = await held(wire, '/leases:acquire', body, waitMs, signal, { leases: [] });
      return leases as readonly Lease[];
    },
    signals: async (_worker, waitMs, signal) => {
      const { signals } = await held(wire, '/workers:signals', { waitMs }, waitMs, signal, { signals: [] });
      return signals as readonly WorkerSignal[];
    },
    complete: async (_worker, completions, room) => {
      const outcomes = completions.map(({ stepId, fence, outcome }) => ({ stepId, fence, outcome }));
      const body = { completions: outcomes, room };
      const { answers, leases } = await wire.ask({ path: '/leases:complete', body, bytesMax: COMPLETE_BYTES_MAX });
      return { answers: answers as readonly CompletionAnswer[], leases: leases as readonly Lease[] };
    },
    renew: async (_worker, held) => {
      const body = { held: held.map(({ stepId, fence }) => ({ stepId, fence })) };
      const { lost } = await wire.ask({ path: '/leases:renew', body });
      return { lost: lost as readonly HeldLease[] };
    },
  };
}

/** A call that the server holds open. Given up, it answers nothing, as in process. */
async function held(
  wire: Wire,
  path: string,
  body: object,
  waitMs: number,
  signal: AbortSignal,
  nothing: Readonly<Record<string, unknown>>,
): Promise<Readonly<Record<string, unknown>>> {
  if (signal.aborted) return nothing;
  try {
    return await wire.ask({ path, body, timeoutMs: waitMs + HOLD_SLACK_MS, signal });
  } catch (error) {
    if (signal.aborted) return nothing;
    throw error;
  }
}

type StepCalls = Pick<
  LeaseClient,
  'appendLog' | 'annotate' | 'secrets' | 'findArtifacts' | 'attest' | 'cacheGet' | 'cachePut'
>;

function stepCalls(wire: Wire): StepCalls {
  return {
    appendLog: async (_worker, chunks) => {
      for (const call of logCalls(chunks)) await wire.askAgain(call);
    },
    // Sent once: a remark that is told twice is shown twice.
    annotate: async (_worker, { stepId, fence }, annotations) => {
      await wire.ask({ path: `/steps/${stepId}/events`, body: { fence, annotations }, bytesMax: EVENTS_BYTES_MAX });
    },
    secrets: async (_worker, { stepId, fence }) => {
      const { values } = await wire.askAgain({ path: `/steps/${stepId}/secrets`, body: { fence } });
      return values as Readonly<Record<string, string>>;
    },
    findArtifacts: async (_worker, { stepId, fence }, wanted) => {
      const { artifacts } = await wire.askAgain({
        path: `/steps/${stepId}/artifacts:find`,
        body: { fence, ...wanted },
      });
      return artifacts as readonly MadeArtifact[];
    },
    // Safe to ask again: what was stated is answered as it stands.
    attest: async (_worker, { stepId, fence }, request) => {
      const call = { path: `/steps/${stepId}/attestations`, body: { fence, ...request }, bytesMax: ATTEST_BYTES_MAX };
      const { bundle } = await wire.askAgain(call);
      if (typeof bundle !== 'string') throw new MaestroError('NETWORK_FAILED', 'expected a bundle as the answer');
      return bundle;
    },
    cacheGet: async (_worker, { stepId, fence }, key) => {
      const { entry } = await wire.askAgain({ path: `/steps/${stepId}/cache:read`, body: { fence, key } });
      return (entry as CacheEntry | null) ?? undefined;
    },
    cachePut: async (_worker, { stepId, fence }, entry, ttlMs) => {
      const body = { fence, entry, ttlMs };
      await wire.askAgain({ method: 'PUT', path: `/steps/${stepId}/cache`, body, bytesMax: CACHE_BYTES_MAX });
    },
  };
}
