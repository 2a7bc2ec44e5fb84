import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { ProbotOctokit } from 'probot';
import type { Octokit } from '../../../../src/github/octokit.ts';

/** As long as GitHub's own ids, which no number holds. */
const FIRST_ID = 170_000_000_000_000_000n;

interface Sending {
  readonly id: bigint;
  readonly guid: string;
  readonly delivered_at: string;
  readonly status_code: number;
}

/** GitHub's list of webhook deliveries over real HTTP: newest first, with a cursor; what is sent again is listed on top. */
export class HookList {
  /** What is sent is taken, from now on. */
  isServerUp = false;
  /** Guids that are not sent again. */
  readonly refused = new Set<string>();
  readonly asked: string[] = [];
  pagesRead = 0;
  /** Cursors are not known any more. */
  isCursorLost = false;
  /** Hears of what was taken. */
  onTaken: (guid: string) => Promise<void> = async () => {};
  readonly #sendings: Sending[] = [];
  readonly #server = createServer((request, response) => void this.#answer(request, response));
  #nowMs: () => number;

  constructor(nowMs: () => number) {
    this.#nowMs = nowMs;
  }

  async open(): Promise<Octokit> {
    this.#server.listen(0, '127.0.0.1');
    await once(this.#server, 'listening');
    return new ProbotOctokit({
      baseUrl: this.#origin,
      auth: { token: 'x' },
      throttle: { enabled: false },
      retry: { enabled: false },
    });
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, 'close');
  }

  reset(): void {
    this.isServerUp = false;
    this.isCursorLost = false;
    this.refused.clear();
    this.asked.length = 0;
    this.pagesRead = 0;
    this.#sendings.length = 0;
  }

  /** One sending, without a word to anybody. */
  list(guid: string, status_code: number): void {
    const id = FIRST_ID + BigInt(this.#sendings.length);
    this.#sendings.push({ id, guid, delivered_at: new Date(this.#nowMs()).toISOString(), status_code });
  }

  get #origin(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? '', this.#origin);
    const id = /deliveries\/(\d+)\/attempts$/.exec(url.pathname)?.[1];
    if (id !== undefined) return this.#sendAgain(BigInt(id), response);
    this.pagesRead++;
    const cursor = url.searchParams.get('cursor');
    if (cursor !== null && this.isCursorLost) return reply(response, 422, { message: 'Invalid cursor' });
    const end = cursor === null ? this.#sendings.length : Number(BigInt(cursor.slice(3)) - FIRST_ID) + 1;
    const begin = Math.max(0, end - Number(url.searchParams.get('per_page')));
    const next = `<${this.#origin}/app/hook/deliveries?per_page=100&cursor=v1_${FIRST_ID + BigInt(begin - 1)}>; rel="next"`;
    reply(response, 200, this.#sendings.slice(begin, end).toReversed(), begin === 0 ? {} : { link: next });
  }

  async #sendAgain(id: bigint, response: ServerResponse): Promise<void> {
    const sending = this.#sendings.find((one) => one.id === id);
    if (!sending || this.refused.has(sending.guid)) return reply(response, 404, { message: 'Not Found' });
    this.asked.push(sending.guid);
    this.list(sending.guid, this.isServerUp ? 202 : 502);
    if (this.isServerUp) await this.onTaken(sending.guid);
    reply(response, 202, {});
  }
}

function reply(response: ServerResponse, status: number, body: unknown, headers: Record<string, string> = {}): void {
  const text = JSON.stringify(body, (_key, value: unknown) =>
    typeof value === 'bigint' ? (JSON as unknown as { rawJSON(text: string): unknown }).rawJSON(String(value)) : value,
  );
  response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(text);
}
