import { randomBytes } from 'node:crypto';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type HttpApi, openHttpApi } from '../../../src/api/http-api.ts';
import type { HttpApiTools } from '../../../src/api/http-api-tools.ts';
import { createHttpServer, requestListenerOf } from '../../../src/api/http-server.ts';
import { newSessionToken, sessionTokenHash } from '../../../src/auth/session-token.ts';
import { MaestroError } from '../../../src/base/errors.ts';
import type { AnswerCall } from '../../../src/protocol/person-call.ts';
import type { BoundWorker } from '../../../src/protocol/worker-session.ts';
import { FakeConductor } from '../../fakes/lease-client.ts';
import { FakeRegister } from '../../fakes/register.ts';

const IDENTITY = {
  repositoryId: 74,
  repository: 'ada/engine',
  workflowRunId: 3,
  runAttempt: 1,
  eventName: 'workflow_dispatch',
  jobWorkflowRef: 'ada/engine/.github/workflows/maestro.yml@refs/heads/main',
  ref: 'refs/heads/main',
  sha: 'b'.repeat(40),
  actor: 'ada',
};

/** The routes on a real server in front of a small conductor: what they let through, and what they answer. */
export class Door {
  readonly conductor = new FakeConductor();
  readonly register = new FakeRegister();
  readonly sessions = new Map<string, BoundWorker>();
  readonly errors: unknown[] = [];
  readonly closing = new AbortController();
  readonly started: unknown[] = [];
  /** What people answered; `answering` is told of each before it counts. */
  readonly answered: AnswerCall[] = [];
  answering: (call: AnswerCall) => Promise<void> = async () => {};
  admissions = 0;
  now = 1_790_000_000_000;
  /** Answers of `mayEnd`. */
  mayEnd: (stepId: string) => boolean = () => true;
  hasWork = true;
  /** Before a person is told of a run. */
  reading: () => Promise<void> = async () => {};
  troubles: readonly string[] = [];
  #server: Server | undefined;
  #requests = 0;
  api: HttpApi | undefined;
  url = '';
  /** What the routes were given; before that, what they would be. */
  tools: HttpApiTools = this.#tools();

  async open(change: Partial<HttpApiTools> = {}): Promise<this> {
    this.tools = { ...this.#tools(), ...change };
    this.api = openHttpApi(this.tools);
    this.#server = createHttpServer(requestListenerOf(this.api), (error) => this.errors.push(error));
    await new Promise<void>((listening) => this.#server?.listen(0, '127.0.0.1', listening));
    this.url = `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
    return this;
  }

  #tools(): HttpApiTools {
    const keyOf = (hash: Uint8Array): string => Buffer.from(hash).toString('hex');
    return {
      leases: this.conductor,
      sessions: {
        add: async (hash, worker) => void this.sessions.set(keyOf(hash), worker),
        find: async (hash, now) => {
          const found = this.sessions.get(keyOf(hash));
          return found && found.expiresAt > now ? found : undefined;
        },
        close: async () => {},
        prolong: async (worker, expiresAt) => {
          for (const [key, bound] of this.sessions)
            if (bound.workerId === worker.workerId) this.sessions.set(key, { ...bound, expiresAt });
        },
        mayEnd: async (_worker, held) => held.map(({ stepId }) => this.mayEnd(stepId)),
        hasWork: async () => this.hasWork,
      },
      verifyJobToken: async (token) => {
        if (token !== 'good') throw new MaestroError('UNAUTHENTICATED', 'the token does not hold');
        return IDENTITY;
      },
      admission: {
        admit: async (_identity, dispatchId) => ({ run: dispatchId, class: 'linux', checkout: CHECKOUT }),
        start: async (identity, request) => {
          this.started.push({ identity, request });
          return { run: '01new', class: '*', checkout: CHECKOUT };
        },
      },
      admitPerson: async (token) => {
        this.admissions += 1;
        const login = /^ghp_(\w+)$/.exec(token)?.[1];
        if (login === undefined) throw new MaestroError('UNAUTHENTICATED', 'GitHub does not know it');
        return {
          key: `github:${login}`,
          answer: async (call) => {
            await this.answering(call);
            this.answered.push(call);
            const { run, gate = 'prod', decision } = call;
            const planDigest = `sha256:${'a'.repeat(64)}` as const;
            return { run, gate, decision, person: login, planDigest, status: 'running', isWaiting: false };
          },
          readReleaseGate: async (run) => {
            await this.reading();
            return {
              run,
              isPassed: false,
              reasons: [{ code: 'NO_ARTIFACT', message: 'none' }],
              artifacts: [],
              statements: [],
            };
          },
          readManifest: async (run) => {
            await this.reading();
            return { run: { id: run } };
          },
          readDisclosure: async (run) => {
            await this.reading();
            return Buffer.from(`pack of ${run}`);
          },
        };
      },
      readRun: async (run) => ({ id: run, status: 'succeeded' }) as never,
      evidence: this.register,
      troubles: async () => this.troubles,
      version: '1.2.3',
      closing: this.closing.signal,
      clock: { now: () => this.now },
      randomBytes,
      newId: () => `request-${++this.#requests}`,
      onError: (error) => this.errors.push(error),
    };
  }

  async close(): Promise<void> {
    await new Promise((closed) => {
      this.#server?.close(closed);
      this.#server?.closeAllConnections();
    });
  }

  /** Token of a session, as a registration would have given it. */
  token(change: Partial<BoundWorker> = {}): string {
    const { token } = newSessionToken(randomBytes);
    const hash = Buffer.from(sessionTokenHash(token) as Uint8Array).toString('hex');
    const isolation = 'user' as const;
    const [expiresAt, endsAt] = [this.now + 60_000, this.now + 3_600_000];
    const bound = { workerId: 1, run: '01run', class: '*', isolation, expiresAt, endsAt };
    this.sessions.set(hash, { ...bound, ...change });
    return token;
  }

  /** A call as a worker makes it. */
  async call(path: string, body: unknown, init: RequestInit & { token?: string } = {}): Promise<Told> {
    const { token = this.token(), ...rest } = init;
    const answer = await fetch(`${this.url}${path}`, {
      method: 'POST',
      body: JSON.stringify(body),
      ...rest,
      headers: {
        'content-type': 'application/json',
        authorization: `Bearer ${token}`,
        ...(init.headers as Record<string, string>),
      },
    });
    const text = await answer.text();
    return { status: answer.status, headers: answer.headers, body: text === '' ? {} : JSON.parse(text) };
  }
}

export interface Told {
  readonly status: number;
  readonly headers: Headers;
  // oxlint-disable-next-line typescript/no-explicit-any
  readonly body: any;
}

const CHECKOUT = { owner: 'ada', repo: 'engine', sha: IDENTITY.sha };
