import { closeSync, fdatasyncSync, openSync, readdirSync, readFileSync, unlinkSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { median } from './statistics.ts';

/** Linux reports CPU time in ticks of 10 ms (`getconf CLK_TCK`). */
const TICKS_PER_SECOND = 100;
const PROBE_WRITES = 100;
const PROBE_BYTES = 8192;

/** CPU seconds of a process, its reaped children and its living children; null where it cannot be seen. */
export function cpuSecondsOfTree(pid: number): number | null {
  const root = readStat(pid);
  if (!root) return null;
  let ticks = root.own + root.reaped;
  for (const entry of readdirSync('/proc')) {
    const child = /^\d+$/.test(entry) ? readStat(Number(entry)) : null;
    if (child?.parent === pid) ticks += child.own;
  }
  return ticks / TICKS_PER_SECOND;
}

/** Ticks that the host took away from this machine, those with nothing to do, and all ticks. Runs are comparable only at a like share. */
export function stolenTicks(): { readonly stolen: number; readonly idle: number; readonly all: number } {
  const fields = readFileSync('/proc/stat', 'utf8').split('\n', 1)[0]?.trim().split(/\s+/).slice(1).map(Number) ?? [];
  return {
    stolen: fields[7] ?? 0,
    idle: (fields[3] ?? 0) + (fields[4] ?? 0),
    all: fields.reduce((sum, field) => sum + field, 0),
  };
}

/** Median time of writing and syncing 8 kB, in µs: the price of a commit here and now. */
export function fsyncMicros(): number | null {
  const path = join(tmpdir(), `maestro-fsync-${process.pid}`);
  const file = openSync(path, 'w');
  const block = Buffer.alloc(PROBE_BYTES);
  const micros: number[] = [];
  for (let write = 0; write < PROBE_WRITES; write++) {
    const begin = performance.now();
    writeSync(file, block, 0, PROBE_BYTES, 0);
    fdatasyncSync(file);
    micros.push((performance.now() - begin) * 1000);
  }
  closeSync(file);
  unlinkSync(path);
  return median(micros);
}

interface ProcessStat {
  readonly parent: number;
  readonly own: number;
  readonly reaped: number;
}

/** @source proc_pid_stat(5): fields 4 (ppid), 14-17 (utime, stime, cutime, cstime) */
function readStat(pid: number): ProcessStat | null {
  let line: string;
  try {
    line = readFileSync(`/proc/${pid}/stat`, 'utf8');
  } catch {
    return null; // it ended, or it runs on another machine
  }
  const fields = line
    .slice(line.lastIndexOf(')') + 2)
    .split(' ')
    .map(Number);
  const sum = (first: number): number => (fields[first] ?? 0) + (fields[first + 1] ?? 0);
  return { parent: fields[1] ?? 0, own: sum(11), reaped: sum(13) };
}
