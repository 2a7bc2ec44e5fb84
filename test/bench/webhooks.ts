/**
 * Measures what webhooks cost: the real server, a GitHub and a load generator, each a process of its own. One JSON line a
 * part; exits with 1 where a delivery was lost, refused or done twice, and with --bars also where a bar is missed.
 * `npm run bench:webhooks -- --database=postgres --seconds=60`
 */
import { parseArgs } from 'node:util';
import { measureExamples } from './webhooks/examples.ts';
import { measureLatency, measureLoad } from './webhooks/load.ts';
import { openStage } from './webhooks/stage.ts';

const { values } = parseArgs({
  options: {
    database: { type: 'string', default: 'postgres' },
    parts: { type: 'string', default: 'examples,idle,load,real-job' },
    seconds: { type: 'string', default: '60' },
    'per-second': { type: 'string', default: '200' },
    repositories: { type: 'string', default: '50' },
    bars: { type: 'boolean', default: false },
    profile: { type: 'string' },
  },
});
if (values.database !== 'pglite' && values.database !== 'postgres')
  throw new Error(`expected --database=pglite or postgres, got ${values.database}`);
const { database, profile } = values;
const load = { seconds: Number(values.seconds), perSecond: Number(values['per-second']) };
const repositories = Number(values.repositories);

for (const part of values.parts.split(',')) {
  const stage = await openStage({
    database,
    repositories: part === 'load' ? repositories : 3,
    commits: part === 'load' ? Math.ceil((load.seconds * load.perSecond) / 20 / repositories) + 2 : 40,
    isWarm: part !== 'real-job',
    profile,
  });
  try {
    const report = await measure(part, stage);
    console.log(JSON.stringify({ bench: 'webhooks', part, database, ...report, node: process.version }));
    if (!report.isWhole || (values.bars && !report.isWithin)) process.exitCode = 1;
  } finally {
    await stage.close();
  }
}

function measure(part: string, stage: Awaited<ReturnType<typeof openStage>>): ReturnType<typeof measureLoad> {
  switch (part) {
    case 'examples':
      return measureExamples(stage);
    case 'idle':
      return measureLatency(stage, { count: 20, perSecond: 1 });
    case 'real-job':
      return measureLatency(stage, { count: 10, perSecond: 0.25 });
    case 'load':
      return measureLoad(stage, load);
    default:
      throw new Error(`expected parts among examples, idle, load, real-job, got ${part}`);
  }
}
