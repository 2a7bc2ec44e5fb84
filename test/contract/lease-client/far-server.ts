import { randomBytes } from 'node:crypto';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type HttpApi, openHttpApi } from '../../../src/api/http-api.ts';
import type { HttpApiTools } from '../../../src/api/http-api-tools.ts';
import { createHttpServer, requestListenerOf } from '../../../src/api/http-server.ts';
import { SYSTEM_CLOCK } from '../../../src/base/clock.ts';
import { MaestroError } from '../../../src/base/errors.ts';
import type { Engine } from '../../../src/engine/engine.ts';
import type { Isolation } from '../../../src/protocol/outcome.ts';
import type { Database } from '../../../src/store/database.ts';
import { openWorkerSessions } from '../../../src/store/worker-sessions.ts';
import { type HttpLeaseClient, openHttpLeaseClient, type ShownJob } from '../../../src/worker/http-lease-client.ts';
import { heldToDocument } from './held-to-document.ts';

/** A job that may register: which run it serves. Its token is its name. */
export interface TestJob {
  readonly run: string;
  readonly class: string;
}

const CHECKOUT = { owner: 'ada', repo: 'engine', sha: 'a'.repeat(40) };

/** A real server on loopback in front of a real engine. Who a job is was decided elsewhere: tests of `auth` do that. */
export class FarServer {
  readonly #jobs = new Map<string, TestJob>();
  readonly errors: unknown[] = [];
  readonly closing = new AbortController();
  #server: Server | undefined;
  #api: HttpApi | undefined;
  port = 0;

  async listen(engine: Engine, db: Database, change: Partial<HttpApiTools> = {}): Promise<void> {
    let requests = 0;
    this.#api = openHttpApi({
      leases: engine.leases,
      evidence: engine.evidence,
      sessions: openWorkerSessions(db),
      verifyJobToken: async (token) => ({
        repositoryId: 1,
        repository: 'ada/engine',
        workflowRunId: 1,
        runAttempt: 1,
        eventName: 'workflow_dispatch',
        jobWorkflowRef: token,
        ref: 'refs/heads/main',
        sha: CHECKOUT.sha,
        actor: 'ada',
      }),
      admission: {
        admit: async (_identity, dispatchId) => {
          const job = this.#jobs.get(dispatchId);
          if (!job) throw new MaestroError('CONFLICT', 'this job has registered');
          this.#jobs.delete(dispatchId);
          return { ...job, checkout: CHECKOUT };
        },
        start: async () => {
          throw new MaestroError('PIPELINE_NOT_FOUND', 'no pipelines here');
        },
      },
      admitPerson: async () => {
        throw new MaestroError('UNAUTHENTICATED', 'nobody is known here');
      },
      readRun: async (run) => engine.readRun(await engine.resolve(run)),
      troubles: async () => [],
      version: '0.0.0',
      closing: this.closing.signal,
      clock: SYSTEM_CLOCK,
      randomBytes,
      newId: () => `request-${++requests}`,
      onError: (error) => this.errors.push(error),
      ...change,
    });
    this.#server = createHttpServer(requestListenerOf(this.#api), (error) => this.errors.push(error));
    await new Promise<void>((listening) => this.#server?.listen(this.port, '127.0.0.1', listening));
    this.port = (this.#server.address() as AddressInfo).port;
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  /** Cuts every connection, as a process that dies does. */
  async close(): Promise<void> {
    const server = this.#server;
    if (!server) return;
    await new Promise((closed) => {
      server.close(closed);
      server.closeAllConnections();
    });
  }

  /** Lets one job register. */
  invite(job: TestJob): string {
    const dispatchId = randomBytes(8).toString('hex');
    this.#jobs.set(dispatchId, job);
    return dispatchId;
  }

  hello(dispatchId: string, isolation: Isolation = 'user', capacity = 64): ShownJob {
    return { identityToken: 'a-job', hello: { dispatchId, name: `job-${dispatchId}`, capacity, isolation } };
  }

  /** A client whose job may register once for the run. */
  client(job: TestJob, isolation: Isolation = 'user'): HttpLeaseClient {
    const hello = this.hello(this.invite(job), isolation);
    const checked = this.#document();
    return openHttpLeaseClient({
      url: this.url,
      register: async () => hello,
      fetch: async (...call) => (await checked)(...call),
    });
  }

  async #document(): Promise<typeof fetch> {
    const answer = await this.#api?.request('/api/v1/openapi.json');
    return heldToDocument((await answer?.json()) as Parameters<typeof heldToDocument>[0]);
  }
}
