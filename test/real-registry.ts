import { spawn } from 'node:child_process';
import { once } from 'node:events';

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
