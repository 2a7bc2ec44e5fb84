import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { type AddressInfo } from 'node:net';
import { ProbotOctokit } from 'probot';
import { openWorkflowDispatch } from '../../../src/github/dispatch.ts';
import type { WorkflowDispatch } from '../../../src/protocol/workflow-dispatch.ts';

export interface Call {
  readonly method: string;
  /** Below `/repos/octo/app/`. */
  readonly path: string;
  readonly version: string;
  readonly body: Record<string, unknown>;
}

interface FarRun {
  readonly id: number;
  readonly title: string;
  status: string;
  conclusion: string | null;
  attempt: number;
}

type Reply = { status: number; body?: unknown; headers?: Record<string, string> } | 'silence';

/** `2026`: github.com. `2022`: knows only the older version, and the wish for the id. `old`: GHES up to 3.20. `deaf`: ignores versions. */
export type Kind = '2026' | '2022' | 'old' | 'deaf';

/** The few addresses of GitHub Actions that matter, over real HTTP. */
export class ActionsFarEnd {
  readonly calls: Call[] = [];
  readonly runs: FarRun[] = [];
  kind: Kind = '2026';
  /** Answers of the next calls, in place of the usual ones. `thenAct`: the call has its effect all the same. */
  readonly misbehave: { reply: Reply; thenAct?: true }[] = [];
  readonly #server = createServer((request, response) => {
    void this.#serve(request, response);
  });

  static async open(): Promise<ActionsFarEnd> {
    const farEnd = new ActionsFarEnd();
    farEnd.#server.listen(0, '127.0.0.1');
    await once(farEnd.#server, 'listening');
    return farEnd;
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, 'close');
  }

  client(callMs = 5000): WorkflowDispatch {
    const { port } = this.#server.address() as AddressInfo;
    const octokit = new ProbotOctokit({
      baseUrl: `http://127.0.0.1:${port}`,
      auth: { token: 'test' },
      throttle: { enabled: false },
      log: { debug() {}, info() {}, warn() {}, error() {} },
    });
    return openWorkflowDispatch({ access: { installation: async () => octokit }, callMs });
  }

  get dispatches(): readonly Call[] {
    return this.calls.filter((call) => call.path.endsWith('/dispatches'));
  }

  get cancelled(): readonly string[] {
    return this.calls.filter((call) => call.path.endsWith('/cancel')).map((call) => call.path.split('/')[2] ?? '');
  }

  reset(): void {
    this.calls.length = 0;
    this.runs.length = 0;
    this.misbehave.length = 0;
    this.kind = '2026';
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const reply = await this.#answer(request);
    if (reply === 'silence') return;
    response.writeHead(reply.status, { 'content-type': 'application/json', ...reply.headers });
    response.end(reply.body === undefined ? undefined : JSON.stringify(reply.body));
  }

  async #answer(request: IncomingMessage): Promise<Reply> {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const text = Buffer.concat(chunks).toString();
    const call: Call = {
      method: request.method ?? '',
      path: (request.url ?? '').replace('/repos/octo/app/', ''),
      version: String(request.headers['x-github-api-version']),
      body: text === '' ? {} : (JSON.parse(text) as Record<string, unknown>),
    };
    this.calls.push(call);
    const odd = this.misbehave.shift();
    if (odd && !odd.thenAct) return odd.reply;
    const usual = this.#route(call);
    return odd ? odd.reply : usual;
  }

  #route(call: Call): Reply {
    if (call.path.endsWith('/dispatches')) return this.#dispatch(call);
    if (call.path.includes('/workflows/')) return this.#list(new URL(call.path, 'http://x').searchParams);
    const [, , id, part] = call.path.split(/[/?]/);
    const run = this.runs.find((one) => String(one.id) === id);
    if (!run) return { status: 404, body: { message: 'Not Found' } };
    if (part === 'cancel') return run.status === 'completed' ? { status: 409, body: {} } : { status: 202, body: {} };
    const { status, conclusion } = run;
    if (part === 'jobs')
      return { status: 200, body: { jobs: [{ id: 1, name: 'work', status, conclusion, labels: ['self-hosted'] }] } };
    return { status: 200, body: { id: run.id, status, conclusion, run_attempt: run.attempt } };
  }

  #dispatch({ version, body }: Call): Reply {
    if (this.kind !== '2026' && this.kind !== 'deaf' && version !== '2022-11-28')
      return { status: 400, body: { message: 'Unsupported API version: 2026-03-10' } };
    const asks = body.return_run_details === true;
    if (asks && this.kind === 'old')
      return { status: 422, body: { message: 'Invalid request.\n\n"return_run_details" is not a permitted key.' } };
    const inputs = body.inputs as Record<string, string>;
    const id = 100 + this.runs.length;
    this.runs.push({ id, title: `maestro ${inputs.dispatch_id}`, status: 'queued', conclusion: null, attempt: 1 });
    const hasId = this.kind === '2026' || (asks && this.kind !== 'old');
    return hasId ? { status: 200, body: { workflow_run_id: id } } : { status: 204 };
  }

  #list(query: URLSearchParams): Reply {
    const size = Number(query.get('per_page'));
    const start = (Number(query.get('page')) - 1) * size;
    const newestFirst = [...this.runs].reverse().slice(start, start + size);
    const workflow_runs = newestFirst.map(({ id, title }) => ({ id, name: 'Maestro', display_title: title }));
    return { status: 200, body: { total_count: this.runs.length, workflow_runs } };
  }
}
