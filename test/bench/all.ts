/**
 * Measures all engines on all workloads and prints every measurement and then, by medians, how Maestro stands to its goals.
 *
 * Repetitions are interleaved, engine by engine, so that a slow minute of the machine falls on all of them.
 * `npm run bench:all -- --reps=3 --engines=maestro,dbos --workloads=W1,L1 --scale=1 --out=FILE`
 */
import { spawnSync } from 'node:child_process';
import { appendFileSync } from 'node:fs';
import { cpus, totalmem } from 'node:os';
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { judge, type ResultLine } from './goals.ts';
import { isEngineName, PEERS, ROSTER } from './roster.ts';
import { isWorkloadName } from './workloads.ts';

const RUN = resolve(import.meta.dirname, 'run.ts');

const { values } = parseArgs({
  options: {
    engines: { type: 'string', default: ['maestro', ...PEERS].join(',') },
    workloads: { type: 'string', default: 'W1,W2,W3,L1,L3' },
    reps: { type: 'string', default: '3' },
    scale: { type: 'string', default: '1' },
    out: { type: 'string' },
  },
});
const engines = values.engines.split(',');
const workloads = values.workloads.split(',');
for (const name of engines)
  if (!isEngineName(name)) throw new Error(`expected engines of ${Object.keys(ROSTER).join(', ')}; got ${name}`);
for (const name of workloads) if (!isWorkloadName(name)) throw new Error(`unknown workload ${name}`);

print({
  bench: 'machine',
  cpu: cpus()[0]?.model,
  cores: cpus().length,
  memoryGb: Math.round(totalmem() / 2 ** 30),
  node: process.version,
});
const lines: ResultLine[] = [];
let failures = 0;
for (let rep = 1; rep <= Number(values.reps); rep++) {
  for (const workload of workloads) for (const engine of engines) measure(engine, workload, rep);
}
const goals = judge(lines);
goals.forEach(print);
if (failures > 0) console.error(`${failures} measurements failed`);
process.exitCode = failures > 0 || goals.some((goal) => !goal.isBarMet) ? 1 : 0;

function measure(engine: string, workload: string, rep: number): void {
  const argv = [RUN, `--engine=${engine}`, `--workload=${workload}`, `--scale=${values.scale}`];
  // C1 is about steps that end together, so they must last long enough to be all under way.
  if (workload === 'C1') argv.push('--work=5000', '--warm=0.05');
  const { status, stdout } = spawnSync(process.execPath, argv, {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  if (status !== 0) {
    failures++;
    return;
  }
  const line = { ...(JSON.parse(stdout) as ResultLine), rep };
  lines.push(line);
  print(line);
}

function print(line: object): void {
  const text = JSON.stringify(line);
  console.log(text);
  if (values.out) appendFileSync(values.out, `${text}\n`);
}
