import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import { connectTarget } from './target.ts';
import type { WayOut } from './way-out.ts';

/** What the proxy says instead of what was asked for. */
export interface ProxyAnswer {
  readonly status: 400 | 403 | 407 | 502;
  readonly message: string;
}

export const UNKNOWN_CLIENT: ProxyAnswer = { status: 407, message: 'this proxy belongs to another step' };
export const NOT_A_TARGET: ProxyAnswer = {
  status: 400,
  message: 'expected host:port, or a URL that begins with http://',
};
/** Basic alone, so that no client tries something that takes several rounds. */
export const CHALLENGE = 'Basic realm="maestro"';

const REASONS: Readonly<Record<ProxyAnswer['status'], string>> = {
  400: 'Bad Request',
  403: 'Forbidden',
  407: 'Proxy Authentication Required',
  502: 'Bad Gateway',
};

/** Answers a CONNECT: bytes go to and fro until one side has ended, and nobody reads them. */
export async function tunnel(request: IncomingMessage, client: Socket, head: Buffer, wayOut: WayOut): Promise<void> {
  const target = connectTarget(request.url ?? '');
  if (!target) return refuseTunnel(client, NOT_A_TARGET);
  const passage = await wayOut.connect(target, 'connect');
  if (!('socket' in passage)) return refuseTunnel(client, passage);
  const { socket } = passage;
  if (client.destroyed) return void socket.destroy();
  client.write('HTTP/1.1 200 Connection established\r\n\r\n');
  if (head.length > 0) socket.write(head);
  join(client, socket, wayOut.limits.idleMs);
}

export function refuseTunnel(client: Socket, { status, message }: ProxyAnswer): void {
  const body = `${message}\n`;
  const headers = [
    `HTTP/1.1 ${status} ${REASONS[status]}`,
    ...(status === UNKNOWN_CLIENT.status ? [`Proxy-Authenticate: ${CHALLENGE}`] : []),
    'Content-Type: text/plain; charset=utf-8',
    `Content-Length: ${Buffer.byteLength(body)}`,
    'Connection: close',
  ];
  client.write(`${headers.join('\r\n')}\r\n\r\n${body}`);
  client.destroySoon();
}

/** Each side hears when the other one has ended, and gets what was under way until then. */
function join(client: Socket, far: Socket, idleMs: number): void {
  far.setTimeout(idleMs, () => far.destroy());
  client.once('close', () => far.destroySoon());
  far.once('close', () => client.destroySoon());
  client.pipe(far);
  far.pipe(client);
}
