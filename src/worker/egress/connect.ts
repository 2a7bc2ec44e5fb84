import { request } from 'node:http';
import { connect, isIP, type LookupFunction, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import type { Target } from './target.ts';
import { addressOf, type Upstream } from './upstream.ts';

const OK = 200;

/** Begins a connection to one of the addresses, whichever answers first: the name is not looked up again. */
export function openTo(target: Target, addresses: readonly string[]): Socket {
  const judged = addresses.map((address) => ({ address, family: isIP(address) }));
  const [first] = judged;
  const lookup: LookupFunction = (_host, options, answer) =>
    options.all ? answer(null, judged) : answer(null, first?.address ?? '', first?.family);
  return connect({
    host: addressOf(target.host) ?? target.host,
    port: target.port,
    lookup,
    autoSelectFamily: true,
    allowHalfOpen: true,
  });
}

/** Begins a connection to the machine's own proxy. */
export function openToUpstream({ host, port, isTls }: Upstream): Socket {
  if (!isTls) return connect({ host, port, allowHalfOpen: true });
  return connectTls({ host, port, ...(isIP(host) === 0 ? { servername: host } : {}) });
}

/** Resolves when the connection is there. Rejects where it fails, and after `ms`. */
export function established(socket: Socket, isTls: boolean, ms: number): Promise<void> {
  return within(socket, ms, (resolve, reject) => {
    socket.once(isTls ? 'secureConnect' : 'connect', resolve);
    socket.once('close', () => reject(new Error('the connection was closed')));
  });
}

/** Asks a proxy for a tunnel to the target, whose name it looks up itself. Rejects where it refuses, and after `ms`. */
export function askForTunnel(socket: Socket, { headers }: Upstream, target: Target, ms: number): Promise<void> {
  return within(socket, ms, (resolve, reject) => {
    const path = `${target.host}:${target.port}`;
    const asked = request({
      method: 'CONNECT',
      path,
      headers: { Host: path, ...headers },
      createConnection: () => socket,
    });
    asked.once('connect', ({ statusCode }, _socket, head) => {
      if (statusCode !== OK) return reject(new Error(`the machine’s own proxy answered ${statusCode}`));
      if (head.length > 0) socket.unshift(head);
      resolve();
    });
    asked.once('error', reject);
    asked.end();
  });
}

/** Destroys the socket where the promise does not resolve in time, or rejects. */
async function within(
  socket: Socket,
  ms: number,
  begin: (resolve: () => void, reject: (error: Error) => void) => void,
): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  try {
    await new Promise<void>((resolve, reject) => {
      timer = setTimeout(() => reject(new Error('no answer in time')), ms);
      socket.once('error', reject);
      begin(resolve, reject);
    });
  } catch (error) {
    socket.destroy();
    throw error;
  } finally {
    clearTimeout(timer);
  }
}
