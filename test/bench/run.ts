/**
 * Measures one engine on one workload and prints one JSON line. `node test/bench/run.ts --help` lists the options.
 *
 * First a child process runs a part of the workload on the same database (another process, so that the measured one starts
 * with nothing in memory), then `VACUUM ANALYZE`: statistics and plans are those of a database with a history.
 */
import { spawnSync } from 'node:child_process';
import { parseArgs } from 'node:util';
import type { BenchDatabase } from './engine.ts';
import { measure } from './measure.ts';
import { PostgresMeter } from './postgres-meter.ts';
import { type EngineName, isEngineName, ROSTER } from './roster.ts';
import { dropScratch, makeScratch } from './scratch-database.ts';
import { isWorkloadName, makeWorkload, WORKLOADS, type WorkloadName } from './workloads.ts';

const HELP = `npm run bench -- --engine=NAME --workload=NAME [options]

  --engine     ${Object.keys(ROSTER).join(', ')}
  --workload   ${Object.entries(WORKLOADS)
    .map(([name, text]) => `${name}  ${text}`)
    .join('\n               ')}
  --database   postgres (default) or pglite
  --scale      multiplies the runs of the workload (1)
  --warm       share of the workload that warms the database up; 0 leaves it out (0.3; 1 for L1 and L3)
  --work       length of a step's body in ms (0)
  --timeout    in seconds (180)
  --reps       repetitions, each on a new database (1)
  --set        KEY:VALUE, an option of the engine; may be repeated`;

interface Options {
  readonly engine: EngineName;
  readonly workload: WorkloadName;
  readonly kind: BenchDatabase['kind'];
  readonly scale: number;
  readonly warm: number;
  readonly workMs: number;
  readonly timeoutMs: number;
  readonly reps: number;
  readonly set: ReadonlyMap<string, string>;
  /** Set for the child that warms up: the database to use. */
  readonly warmUpOn: BenchDatabase | undefined;
}

const options = readOptions();
if (options.warmUpOn) await warmUp(options.warmUpOn);
else for (let rep = 1; rep <= options.reps; rep++) await repetition(rep);
// An engine that leaves a timer or a socket behind must not hold up the next measurement.
process.exit(0);

async function repetition(rep: number): Promise<void> {
  const database = await makeScratch(options.kind);
  try {
    if (options.warm > 0) await warmUpInChild(database);
    const { engine, workMs, timeoutMs, set } = options;
    const workload = makeWorkload(options.workload, options.scale, false);
    const result = await measure({ engine, database, workload, options: set, workMs, timeoutMs });
    console.log(JSON.stringify({ bench: 'engine', rep, ...result }));
  } finally {
    await dropScratch(database);
  }
}

async function warmUpInChild(database: BenchDatabase): Promise<void> {
  const argv = process.argv.slice(1).concat(`--warm-up-on=${JSON.stringify(database)}`);
  const { status, signal } = spawnSync(process.execPath, argv, { stdio: ['ignore', 'ignore', 'inherit'] });
  if (status !== 0) throw new Error(`the warm-up of ${options.engine} ended with ${signal ?? status}`);
  if (database.kind === 'postgres') await new PostgresMeter(database.url).vacuum();
}

async function warmUp(database: BenchDatabase): Promise<void> {
  const { engine, timeoutMs, set } = options;
  // An open loop warms as well when it is run one by one, in a tenth of the time.
  const name = options.workload === 'L3' ? 'L1' : options.workload;
  await measure({
    engine,
    database,
    workload: makeWorkload(name, options.scale * options.warm, true),
    options: set,
    workMs: 0,
    timeoutMs,
  });
}

function readOptions(): Options {
  const { values } = parseArgs({
    options: {
      help: { type: 'boolean' },
      engine: { type: 'string', default: 'maestro' },
      workload: { type: 'string', default: 'W1' },
      database: { type: 'string', default: 'postgres' },
      scale: { type: 'string', default: '1' },
      warm: { type: 'string' },
      work: { type: 'string', default: '0' },
      timeout: { type: 'string', default: '180' },
      reps: { type: 'string', default: '1' },
      set: { type: 'string', multiple: true, default: [] },
      'warm-up-on': { type: 'string' },
    },
  });
  const { engine, workload, database } = values;
  if (
    values.help ||
    !isEngineName(engine) ||
    !isWorkloadName(workload) ||
    (database !== 'postgres' && database !== 'pglite')
  ) {
    console.error(HELP);
    process.exit(values.help ? 0 : 2);
  }
  return {
    engine,
    workload,
    kind: database,
    scale: number('scale', values.scale),
    warm: number('warm', values.warm ?? (workload.startsWith('L') ? '1' : '0.3')),
    workMs: number('work', values.work),
    timeoutMs: number('timeout', values.timeout) * 1000,
    reps: number('reps', values.reps),
    set: new Map(
      values.set.map((pair): [string, string] => [pair.slice(0, pair.indexOf(':')), pair.slice(pair.indexOf(':') + 1)]),
    ),
    warmUpOn: values['warm-up-on'] ? (JSON.parse(values['warm-up-on']) as BenchDatabase) : undefined,
  };
}

function number(name: string, text: string): number {
  const value = Number(text);
  if (!Number.isFinite(value) || value < 0) throw new Error(`--${name}: expected a number of 0 or more, got ${text}`);
  return value;
}
