import { once } from 'node:events';
import { createServer, type IncomingMessage, request, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** What a line does with a request; undefined: it carries it there, and the answer back. */
export type Misdeed = (query: IncomingMessage, answer: ServerResponse) => 'done' | AnswerChange | undefined;

/** What becomes of the real answer on its way back: another status, and nothing else. */
interface AnswerChange {
  readonly status: number;
}

/** A line to an S3 server that carries requests as they are signed, sees each, and may be asked to misbehave. */
export class S3Line {
  /** Of each request: method and path. */
  readonly seen: string[] = [];
  misdeed: Misdeed = () => undefined;
  readonly #far: string;
  readonly #server: Server;

  /** @param far `HOST:PORT` */
  constructor(far: string) {
    this.#far = far;
    this.#server = createServer((query, answer) => this.#carry(query, answer));
  }

  async open(): Promise<this> {
    this.#server.listen(0, '127.0.0.1');
    await once(this.#server, 'listening');
    return this;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((closed) => this.#server.close(closed));
  }

  #carry(query: IncomingMessage, answer: ServerResponse): void {
    this.seen.push(`${query.method} ${query.url}`);
    const change = this.misdeed(query, answer);
    if (change === 'done') return;
    const [host, port] = this.#far.split(':');
    const { method, url, headers } = query;
    const onward = request({ host, port, method, path: url, headers }, (came) => {
      if (change) came.resume().on('end', () => answer.writeHead(change.status).end());
      else came.pipe(answer.writeHead(came.statusCode ?? 502, came.headers));
    });
    onward.on('error', () => answer.destroy());
    query.pipe(onward);
  }
}
