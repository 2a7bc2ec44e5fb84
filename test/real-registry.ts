import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { type AddressInfo, connect, createServer } from 'node:net';

export interface RealRegistry {
  readonly host: string;
  readonly close: () => Promise<void>;
}

/** Starts the registry of `.ci/tools/registry` on a free port of loopback; it ends with this process at the latest. */
export async function openRegistry(program: string, hasReferrers: boolean): Promise<RealRegistry> {
  const child = spawn(program, hasReferrers ? ['-referrers'] : [], { stdio: ['pipe', 'pipe', 'ignore'] });
  const [port] = (await once(child.stdout, 'data')) as [Buffer];
  return {
    host: `127.0.0.1:${port.toString().trim()}`,
    close: async () => {
      child.stdin.end();
      await once(child, 'exit');
    },
  };
}

interface CutLine {
  readonly host: string;
  /** Those that have not happened yet. */
  readonly cuts: readonly number[];
  readonly close: () => Promise<void>;
}

/** A line to a registry that breaks, each time once, when a connection has carried so many bytes there. */
export async function openCutLine(host: string, cuts: number[]): Promise<CutLine> {
  const [address, port] = host.split(':');
  const server = createServer((client) => {
    const far = connect(Number(port), address);
    let sentBytes = 0;
    for (const [one, other] of [
      [client, far],
      [far, client],
    ] as const)
      one.on('error', () => {}).once('close', () => other.destroy());
    far.pipe(client);
    client.on('data', (bytes: Buffer) => {
      sentBytes += bytes.byteLength;
      far.write(bytes);
      if (cuts[0] === undefined || sentBytes < cuts[0]) return;
      cuts.shift();
      client.destroy();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    host: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    cuts,
    close: () => new Promise((resolve) => server.close(() => resolve())),
  };
}
