import { readFileSync, readlinkSync } from 'node:fs';
import { killProgramsOf } from '../../worker/reaper.ts';

/** Names of local workers say which process they are, so that whoever comes later can see whether it lives. */
interface LocalWorker {
  readonly pid: number;
  /** Start time in clock ticks since boot: a pid that was given to another process is not mistaken for it. */
  readonly startTicks: string;
  /** The boot and the pid namespace in which the pid means something. */
  readonly machine: string;
  readonly token: string;
}

const NAME = /^local (\d+) (\d+) ([\w:[\]-]+) ([0-9a-f]{32})$/;
const STAT_START_TIME = 19;
const UNKNOWN = 'unknown';

/** What the worker of this process calls itself at registration. `token` marks the programs that it starts. */
export function localWorkerName(token: string): string {
  return `local ${process.pid} ${startTicks(process.pid) ?? 0} ${machineOf()} ${token}`;
}

/**
 * Says of workers, by name, which are local workers of this machine whose process has ended; what those left running has
 * been killed when it answers. Of all others it can say nothing: they are dead when they are silent for long enough.
 */
export async function reclaimLocalWorkers(names: readonly string[]): Promise<readonly boolean[]> {
  const machine = machineOf();
  return Promise.all(
    names.map(async (name) => {
      const worker = parse(name);
      if (!worker || machine === UNKNOWN || worker.machine !== machine) return false;
      if (startTicks(worker.pid) === worker.startTicks) return false;
      await killProgramsOf(worker.token);
      return true;
    }),
  );
}

function parse(name: string): LocalWorker | undefined {
  const [, pid, ticks, machine, token] = NAME.exec(name) ?? [];
  if (pid === undefined || ticks === undefined || machine === undefined || token === undefined) return undefined;
  return { pid: Number(pid), startTicks: ticks, machine, token };
}

/** Undefined where there is no such process. A zombie has ended: only its exit code waits to be read. */
function startTicks(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return fields[0] === 'Z' || fields[0] === 'X' ? undefined : fields[STAT_START_TIME];
  } catch {
    return undefined;
  }
}

/** `UNKNOWN` where the system does not say: then no worker is ever taken for dead by its name. */
function machineOf(): string {
  try {
    return `${readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()}:${readlinkSync('/proc/self/ns/pid')}`;
  } catch {
    return UNKNOWN;
  }
}
