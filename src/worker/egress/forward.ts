import { type IncomingMessage, request, type ServerResponse } from 'node:http';
import { pipeline } from 'node:stream';
import { type PlainTarget, plainTarget } from './target.ts';
import { CHALLENGE, NOT_A_TARGET, type ProxyAnswer, UNKNOWN_CLIENT } from './tunnel.ts';
import type { Passage, WayOut } from './way-out.ts';

/**
 * Belong to one connection, beside those that `Connection` names. `Expect` was answered by this proxy already.
 * @source https://www.rfc-editor.org/rfc/rfc9110#section-7.6.1
 */
const HOP_HEADERS: ReadonlySet<string> = new Set([
  'connection',
  'expect',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
]);

const CHUNKED = 'chunked';
const STRANGE_BODY: ProxyAnswer = { status: 400, message: 'expected a body without a transfer coding, or in chunks' };

/** Hands a plain request on, and its answer back. The request line says where to: its host stands in the Host header, too. */
export async function forward(incoming: IncomingMessage, response: ServerResponse, wayOut: WayOut): Promise<void> {
  const target = plainTarget(incoming.url ?? '');
  if (!target) return refuseRequest(response, NOT_A_TARGET);
  if (!isFramedPlainly(incoming)) return refuseRequest(response, STRANGE_BODY);
  const passage = await wayOut.connect(target, 'plain');
  if (!('socket' in passage)) return refuseRequest(response, passage);
  const { socket } = passage;
  if (response.destroyed) return void socket.destroy();
  socket.setTimeout(wayOut.limits.idleMs, () => socket.destroy());
  response.once('close', () => socket.destroy());
  const failed = (): void => refuseRequest(response, { status: 502, message: 'the far end did not answer properly' });
  try {
    exchange(incoming, response, target, passage, failed);
  } catch {
    // A path or header that this side's parser takes and the other one's writer does not.
    socket.destroy();
    failed();
  }
}

export function refuseRequest(response: ServerResponse, { status, message }: ProxyAnswer): void {
  if (response.headersSent) return void response.destroy();
  const challenge = status === UNKNOWN_CLIENT.status ? { 'Proxy-Authenticate': CHALLENGE } : {};
  // The rest of what the client may still send is not waited for.
  const headers = { ...challenge, 'Content-Type': 'text/plain; charset=utf-8', Connection: 'close' };
  response.writeHead(status, headers).end(`${message}\n`);
}

function exchange(
  incoming: IncomingMessage,
  response: ServerResponse,
  target: PlainTarget,
  { socket, upstream }: Passage,
  failed: () => void,
): void {
  const { authority, path } = target;
  const outgoing = request({
    method: incoming.method ?? 'GET',
    path: upstream ? `http://${authority}${path}` : path,
    headers: [...requestHeaders(incoming, authority), ...Object.entries(upstream?.headers ?? {}).flat()],
    createConnection: () => socket,
  });
  outgoing.once('error', failed);
  // Also where the far end says 101: nobody asked for another protocol.
  outgoing.once('close', failed);
  outgoing.once('response', (answer) => {
    outgoing.off('close', failed);
    // The step cannot show itself to the machine's own proxy, so it is not asked to.
    if (upstream && answer.statusCode === UNKNOWN_CLIENT.status) return failed();
    try {
      response.writeHead(answer.statusCode ?? 502, answer.statusMessage ?? '', endToEnd(answer));
    } catch {
      return failed();
    }
    pipeline(answer, response, () => {});
  });
  if (hasBody(incoming)) pipeline(incoming, outgoing, () => {});
  else outgoing.end();
}

/** What frames the body is said anew: two sides that count it differently would take a part of it for another request. */
function requestHeaders(incoming: IncomingMessage, authority: string): string[] {
  const kept = endToEnd(incoming, 'host');
  const chunked = incoming.headers['transfer-encoding'] === undefined ? [] : ['Transfer-Encoding', CHUNKED];
  return ['Host', authority, ...kept, ...chunked];
}

function endToEnd({ rawHeaders, headers }: IncomingMessage, ...more: readonly string[]): string[] {
  const named = (headers.connection ?? '').split(',').map((name) => name.trim().toLowerCase());
  // A length is not the connection's, whoever says so.
  const dropped = new Set([...HOP_HEADERS, ...more, ...named.filter((name) => name !== 'content-length')]);
  return pairs(rawHeaders)
    .filter(([name]) => !dropped.has(name.toLowerCase()))
    .flat();
}

function pairs(raw: readonly string[]): readonly (readonly [string, string])[] {
  return raw.flatMap((name, i) => (i % 2 === 0 ? [[name, raw[i + 1] ?? ''] as const] : []));
}

/** Other codings of the transfer would get lost on the way, and the body with them. */
function isFramedPlainly({ headers }: IncomingMessage): boolean {
  return (headers['transfer-encoding'] ?? CHUNKED).toLowerCase() === CHUNKED;
}

function hasBody({ headers }: IncomingMessage): boolean {
  return headers['transfer-encoding'] !== undefined || headers['content-length'] !== undefined;
}
