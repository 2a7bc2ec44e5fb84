/**
 * Plays the demo's story while its server is killed with SIGKILL at random moments, and prints one JSON line about whether
 * the GitHub of the story ended as it does without kills. `npm run bench:app-crash -- --database=embedded --kills=50`
 */
import { parseArgs } from 'node:util';
import { appCrash } from './app-crash/app-crash.ts';

const { values } = parseArgs({
  options: {
    database: { type: 'string', default: 'embedded' },
    kills: { type: 'string', default: '50' },
    seed: { type: 'string', default: '1' },
  },
});
if (values.database !== 'embedded' && values.database !== 'postgres')
  throw new Error(`expected --database=embedded or postgres, got ${values.database}`);
const report = await appCrash({
  database: values.database,
  kills: Number(values.kills),
  seed: Number(values.seed),
});
console.log(JSON.stringify(report));
process.exitCode = report.ok ? 0 : 1;
