import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { ProbotOctokit } from 'probot';
import type { Octokit } from '../../../../src/github/octokit.ts';

export interface RemoteCheckRun {
  readonly id: number;
  name: string;
  head_sha: string;
  external_id: string;
  status: string;
  conclusion: string | null;
  output: { title: string; summary: string; annotations: unknown[] };
  actions: readonly { identifier: string }[];
}

export interface RemoteComment {
  readonly id: number;
  body: string;
  user: { login: string; type: string };
  performed_via_github_app: { id: number } | null;
}

type Fault =
  | {
      readonly type: 'answer';
      readonly status: number;
      readonly headers?: Record<string, string>;
      readonly message?: string;
    }
  /** Carried out, and the answer never arrives. */
  | { readonly type: 'lose-answer' };

export const APP = { id: 77, slug: 'maestro' };

/** The edge of GitHub that the reporter touches, with its limits, over real HTTP. */
export class FarEnd {
  readonly checks: RemoteCheckRun[] = [];
  readonly comments: RemoteComment[] = [];
  /** Method and path of every request, in order. */
  readonly requests: string[] = [];
  /** Asked before each request; an answer is what goes wrong. */
  fault: (method: string, path: string) => Fault | undefined = () => undefined;
  readonly #server = createServer((request, response) => {
    this.#serve(request, response).catch((error: unknown) => response.destroy(error as Error));
  });
  #ids = 1000;

  async open(): Promise<void> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  get octokit(): Octokit {
    const { port } = this.#server.address() as AddressInfo;
    return new ProbotOctokit({
      baseUrl: `http://127.0.0.1:${port}`,
      auth: { token: 'token' },
      // As in the server: what fails is tried again by the reporter.
      retry: { enabled: false },
      throttle: { enabled: false },
      log: { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} },
    });
  }

  get writes(): readonly string[] {
    return this.requests.filter((one) => !one.startsWith('GET '));
  }

  check(externalId: string): RemoteCheckRun | undefined {
    return this.checks.find((one) => one.external_id === externalId);
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? '/', 'http://far.end');
    const method = request.method ?? 'GET';
    this.requests.push(`${method} ${url.pathname}`);
    let text = '';
    for await (const chunk of request) text += String(chunk);
    const fault = this.fault(method, url.pathname);
    if (fault?.type === 'answer')
      return reply(response, fault.status, { message: fault.message ?? 'fault' }, fault.headers);
    const answer = this.#answer(method, url, text === '' ? {} : JSON.parse(text));
    if (fault?.type === 'lose-answer') return void response.destroy();
    reply(response, ...answer);
  }

  #answer(method: string, url: URL, body: Record<string, never>): [number, unknown] {
    const [, , , , kind = '', id = '', rest = ''] = url.pathname.split('/');
    if (kind === 'check-runs') return this.#checkRun(method, id, body);
    if (kind === 'commits' && rest === 'check-runs') {
      const found = this.checks.filter((one) => one.head_sha === id && one.name === url.searchParams.get('check_name'));
      return [200, { total_count: found.length, check_runs: found.map(shown) }];
    }
    if (kind === 'issues' && id === 'comments') {
      const comment = this.comments.find((one) => one.id === Number(rest));
      if (!comment) return [404, { message: 'Not Found' }];
      Object.assign(comment, body);
      return [200, comment];
    }
    if (kind === 'issues' && method === 'GET') return [200, this.comments];
    const comment = {
      id: this.#ids++,
      user: { login: `${APP.slug}[bot]`, type: 'Bot' },
      performed_via_github_app: { id: APP.id },
      body: '',
      ...body,
    };
    this.comments.push(comment);
    return [201, comment];
  }

  #checkRun(method: string, id: string, body: Record<string, never>): [number, unknown] {
    const { output, ...rest } = body as unknown as Partial<RemoteCheckRun>;
    const problem = refusal(rest, output);
    if (problem) return [422, { message: problem }];
    if (method === 'POST') {
      const check = {
        id: this.#ids++,
        conclusion: null,
        ...rest,
        output: { annotations: [], ...output },
      } as RemoteCheckRun;
      this.checks.push(check);
      return [201, shown(check)];
    }
    const check = this.checks.find((one) => one.id === Number(id));
    if (!check) return [404, { message: 'Not Found' }];
    if (method === 'GET') return [200, shown(check)];
    const annotations = [...check.output.annotations, ...(output?.annotations ?? [])];
    if (rest.status !== 'completed') check.conclusion = null;
    Object.assign(check, rest, { output: { ...check.output, ...output, annotations } });
    return [200, shown(check)];
  }
}

function refusal(
  { actions = [] }: Partial<RemoteCheckRun>,
  output: RemoteCheckRun['output'] | undefined,
): string | undefined {
  const { title = '', summary = '', annotations = [] } = output ?? {};
  const limits: readonly [string, number, number][] = [
    ['annotations', annotations.length, 50],
    ['summary', summary.length, 65_535],
    ['title', title.length, 255],
    ['actions', actions.length, 3],
    ['identifier', Math.max(0, ...actions.map(({ identifier }) => identifier.length)), 20],
  ];
  const broken = limits.find(([, size, max]) => size > max);
  return broken && `no more than ${broken[2]} of ${broken[0]}`;
}

function shown(check: RemoteCheckRun): unknown {
  const { annotations, ...output } = check.output;
  return { ...check, output: { ...output, annotations_count: annotations.length } };
}

function reply(response: ServerResponse, status: number, body: unknown, headers: Record<string, string> = {}): void {
  response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(body));
}
