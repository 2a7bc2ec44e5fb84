import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { median, rounded } from '../statistics.ts';

const SHARE_MAX = 0.25;

/** W1 with policy, and with one that allows without being asked; in turns, each on a new database. */
export function measureAdmission(kind: 'postgres' | 'pglite', rounds: number, scale: number): object {
  const rates = { with: [] as number[], without: [] as number[] };
  for (let round = 0; round < rounds; round++) {
    rates.with.push(stepsPerSecond(kind, scale, []));
    rates.without.push(stepsPerSecond(kind, scale, ['--set=policy:none']));
  }
  const [own, free] = [median(rates.with) ?? Number.NaN, median(rates.without) ?? Number.NaN];
  const share = 1 - own / free;
  return {
    rounds,
    stepsPerSecond: Math.round(own),
    stepsPerSecondWithoutPolicy: Math.round(free),
    shareOfThroughput: rounded(share, 3),
    isWithin: share < SHARE_MAX,
  };
}

function stepsPerSecond(kind: string, scale: number, more: readonly string[]): number {
  const run = join(import.meta.dirname, '../run.ts');
  const args = [run, '--engine=maestro', '--workload=W1', `--database=${kind}`, `--scale=${scale}`, ...more];
  const { status, stdout } = spawnSync(process.execPath, args, {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  if (status !== 0) throw new Error(`the measurement ended with ${status}`);
  return (JSON.parse(stdout.trim()) as { stepsPerSecond: number }).stepsPerSecond;
}
