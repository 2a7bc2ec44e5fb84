import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { createServer, type Socket } from 'node:net';
import { openHttpLeaseClient } from '../../../src/worker/http-lease-client.ts';

/** Milliseconds since 1970, by run. */
export interface JobTimes {
  /** GitHub's machine began with the job. */
  readonly jobMs: number;
  readonly registeredMs: number;
}

/** A worker that is already there: takes the identity of jobs that start and does their steps, which are nothing. */
export interface WarmMachine {
  readonly port: number;
  readonly times: ReadonlyMap<string, JobTimes>;
  readonly failures: readonly string[];
  close(): Promise<void>;
}

const WAIT_MS = 10_000;
const SUCCEEDED = { kind: 'succeeded', outputs: {} } as const;

export async function openWarmMachine(serverUrl: string): Promise<WarmMachine> {
  const times = new Map<string, JobTimes>();
  const failures: string[] = [];
  const closing = new AbortController();
  const take = async (socket: Socket): Promise<void> => {
    const jobMs = Date.now();
    socket.on('error', () => {});
    try {
      const [line] = (await once(socket, 'data')) as [Buffer];
      await work(serverUrl, line.toString().trim().split(' '), jobMs, times, closing.signal);
    } catch (error) {
      if (!closing.signal.aborted) failures.push(String(error));
    } finally {
      socket.end('done\n');
    }
  };
  const server = createServer((socket) => void take(socket)).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    times,
    failures,
    close: async () => {
      closing.abort();
      server.close();
      await once(server, 'close');
    },
  };
}

async function work(
  serverUrl: string,
  [dispatchId = '', run = '', url = '', bearer = '']: readonly string[],
  jobMs: number,
  times: Map<string, JobTimes>,
  signal: AbortSignal,
): Promise<void> {
  const response = await fetch(`${url}&audience=${encodeURIComponent(serverUrl)}`, {
    headers: { authorization: `Bearer ${bearer}` },
  });
  const { value: identityToken } = (await response.json()) as { readonly value: string };
  const client = openHttpLeaseClient({
    url: serverUrl,
    register: () =>
      Promise.resolve({ identityToken, hello: { dispatchId, name: 'warm', capacity: 1, isolation: 'process' } }),
  });
  const { workerId } = await client.register({ name: 'warm', runners: [], capacity: 1 });
  times.set(run, { jobMs, registeredMs: Date.now() });
  let leases = await client.acquire(workerId, 1, WAIT_MS, signal);
  while (leases.length > 0) {
    const completions = leases.map(({ stepId, fence }) => ({ stepId, fence, outcome: SUCCEEDED }));
    leases = (await client.complete(workerId, completions, 1)).leases;
  }
  await client.leave(workerId);
}
