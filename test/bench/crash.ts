/**
 * Kills `maestro` with SIGKILL at random moments and prints one JSON line about what became of the runs.
 * `npm run bench:crash -- --database=embedded --times=100`
 */
import { availableParallelism } from 'node:os';
import { parseArgs } from 'node:util';
import { crash } from './crash/crash.ts';

const { values } = parseArgs({
  options: {
    database: { type: 'string', default: 'embedded' },
    times: { type: 'string', default: '100' },
    lanes: { type: 'string', default: String(Math.max(1, Math.min(4, availableParallelism()))) },
    seed: { type: 'string', default: '1' },
  },
});
if (values.database !== 'embedded' && values.database !== 'postgres')
  throw new Error(`expected --database=embedded or postgres, got ${values.database}`);
const report = await crash({
  database: values.database,
  times: Number(values.times),
  lanes: Number(values.lanes),
  seed: Number(values.seed),
});
console.log(JSON.stringify(report));
process.exitCode = report.ok ? 0 : 1;
