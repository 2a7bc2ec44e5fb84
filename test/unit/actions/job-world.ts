import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes, randomUUID } from 'node:crypto';
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { openHttpApi } from '../../../src/api/http-api.ts';
import type { HttpApiTools } from '../../../src/api/http-api-tools.ts';
import { createHttpServer, requestListenerOf } from '../../../src/api/http-server.ts';
import type { AdmittedJob, RunOfJob } from '../../../src/auth/job-admission.ts';
import { SYSTEM_CLOCK } from '../../../src/base/clock.ts';
import { MaestroError } from '../../../src/base/errors.ts';
import type { RunStatus, RunView } from '../../../src/protocol/run.ts';
import type { BoundWorker } from '../../../src/protocol/worker-session.ts';
import { GitServer } from '../../fakes/git-server.ts';
import { FakeConductor } from '../../fakes/lease-client.ts';
import { FakeRegister } from '../../fakes/register.ts';

const ROOT = resolve(import.meta.dirname, '../../..');
export const IDENTITY = 'identity-token-of-the-job';
export const PERMIT = 'permit-to-ask-for-identity';
export const JOB_TOKEN = 'github-token-of-the-job';

export interface JobEnd {
  readonly exitCode: number | null;
  readonly log: string;
  readonly outputs: string;
  readonly summary: string;
}

/**
 * What a job of GitHub Actions meets: a repository, an issuer of identities, and a Maestro server whose HTTP side is the
 * real one, with a small conductor behind it.
 */
export class JobWorld {
  readonly conductor = new FakeConductor();
  readonly git = new GitServer();
  readonly admissions: (string | RunOfJob)[] = [];
  readonly audiences: (string | null)[] = [];
  readonly sessions = new Map<string, BoundWorker>();
  readonly errors: unknown[] = [];
  hasClosed = false;
  status: RunStatus = 'running';
  checkout = { owner: 'acme', repo: 'app', sha: '' };
  /** Thrown instead of admitting the job. */
  refusal: MaestroError | undefined;
  server = '';
  readonly #jobs = new Set<ChildProcess>();
  readonly folder = mkdtempSync(join(tmpdir(), 'maestro-job-world-'));
  #gitUrl = '';
  #issuerUrl = '';
  #servers: Server[] = [];

  async open(): Promise<void> {
    chmodSync(this.folder, 0o755);
    this.#gitUrl = await this.git.open();
    const issuer = createServer((request, response) => {
      const isPermitted = request.headers.authorization === `Bearer ${PERMIT}`;
      this.audiences.push(new URL(request.url ?? '', 'http://issuer').searchParams.get('audience'));
      response.writeHead(isPermitted ? 200 : 401).end(JSON.stringify({ value: IDENTITY }));
    });
    this.#issuerUrl = await this.#listen(issuer);
    const api = requestListenerOf(openHttpApi(this.#tools()));
    this.server = await this.#listen(createHttpServer(api, (error) => this.errors.push(error)));
  }

  close(): void {
    for (const job of this.#jobs) job.kill('SIGKILL');
    for (const server of this.#servers) {
      server.close();
      server.closeAllConnections();
    }
    this.git.close();
    rmSync(this.folder, { recursive: true, force: true });
  }

  /** What the runner would set; `with` are the action's inputs. */
  environment(inputs: Readonly<Record<string, string>>): Record<string, string> {
    const named = Object.entries(inputs).map(([name, value]) => [`INPUT_${name.toUpperCase()}`, value]);
    const files = { GITHUB_OUTPUT: 'output', GITHUB_STEP_SUMMARY: 'summary', GITHUB_ENV: 'env', GITHUB_PATH: 'path' };
    return {
      PATH: process.env.PATH ?? '',
      HOME: this.folder,
      GITHUB_ACTIONS: 'true',
      GITHUB_SERVER_URL: this.#gitUrl,
      GITHUB_REPOSITORY: 'acme/app',
      GITHUB_WORKSPACE: this.folder,
      RUNNER_NAME: 'runner of the test',
      INPUT_TOKEN: JOB_TOKEN,
      ACTIONS_ID_TOKEN_REQUEST_URL: `${this.#issuerUrl}/token?api-version=2`,
      ACTIONS_ID_TOKEN_REQUEST_TOKEN: PERMIT,
      ...Object.fromEntries(Object.entries(files).map(([name, file]) => [name, this.#file(file)])),
      ...Object.fromEntries(named),
    };
  }

  /** Runs the committed bundle of the action to its end. `onLog` may signal the job. `launcher` starts what follows it. */
  async run(
    env: Readonly<Record<string, string | undefined>>,
    onLog: (log: string, signal: (name: NodeJS.Signals) => void) => void = () => {},
    user?: number,
    launcher: readonly string[] = [],
  ): Promise<JobEnd> {
    const [program, ...words] = [...launcher, process.execPath, join(ROOT, 'actions/run/dist/main.js')];
    const job = spawn(program, words, {
      env: { ...env },
      cwd: this.folder,
      ...(user === undefined ? {} : { uid: user, gid: user }),
    });
    this.#jobs.add(job);
    let log = '';
    for (const stream of [job.stdout, job.stderr]) {
      stream.setEncoding('utf8').on('data', (text: string) => {
        log += text;
        onLog(log, (name) => job.kill(name));
      });
    }
    const exitCode = await new Promise<number | null>((settle) => job.once('close', settle));
    const read = (name: string): string => readFileSync(this.#file(name), 'utf8');
    return { exitCode, log, outputs: read('output') + read('env') + read('path'), summary: read('summary') };
  }

  #file(name: string): string {
    const path = join(this.folder, `file-${name}`);
    writeFileSync(path, '', { flag: 'a' });
    chmodSync(path, 0o666);
    return path;
  }

  #listen(server: Server): Promise<string> {
    this.#servers.push(server);
    return new Promise((settle) =>
      server.listen(0, '127.0.0.1', () => settle(`http://127.0.0.1:${(server.address() as AddressInfo).port}`)),
    );
  }

  #admit(request: string | RunOfJob): Promise<AdmittedJob> {
    this.admissions.push(request);
    if (this.refusal) return Promise.reject(this.refusal);
    const runnerClass = typeof request === 'string' ? 'linux' : '*';
    return Promise.resolve({ run: 'run1', class: runnerClass, checkout: this.checkout });
  }

  #tools(): HttpApiTools {
    const hex = (hash: Uint8Array): string => Buffer.from(hash).toString('hex');
    return {
      leases: this.conductor,
      sessions: {
        add: async (hash, worker) => void this.sessions.set(hex(hash), worker),
        find: async (hash) => this.sessions.get(hex(hash)),
        close: async () => void (this.hasClosed = true),
        prolong: async () => {},
        mayEnd: async (_worker, held) => held.map(() => true),
        hasWork: async () => true,
      },
      verifyJobToken: async (token) => {
        if (token !== IDENTITY) throw new MaestroError('UNAUTHENTICATED', 'expected the identity of the job');
        const names = {
          repository: 'acme/app',
          eventName: 'workflow_dispatch',
          jobWorkflowRef: 'w',
          ref: 'r',
          sha: 's',
          actor: 'a',
        };
        return { ...names, repositoryId: 1, workflowRunId: 1, runAttempt: 1 };
      },
      admission: {
        admit: (_identity, dispatchId) => this.#admit(dispatchId),
        start: (_identity, request) => this.#admit(request),
      },
      admitPerson: async () => {
        throw new MaestroError('UNAUTHENTICATED', 'nobody is known here');
      },
      readRun: async () => ({ id: 'run1', status: this.status }) as RunView,
      evidence: new FakeRegister(),
      troubles: async () => [],
      closing: new AbortController().signal,
      version: 'test',
      clock: SYSTEM_CLOCK,
      randomBytes,
      newId: randomUUID,
      onError: (error) => void this.errors.push(error),
    };
  }
}
