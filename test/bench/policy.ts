/**
 * Measures what policy and people's answers cost, and prints one JSON line a part. Exits with 1 where an outcome is wrong, and
 * with --bars also where a bar is missed. `npm run bench:policy -- --parts=decision,answers,admission --database=postgres`
 */
import { parseArgs } from 'node:util';
import { measureAdmission } from './policy/admission.ts';
import { measureAnswers } from './policy/answers.ts';
import { measureDecisions } from './policy/decision.ts';

const { values } = parseArgs({
  options: {
    database: { type: 'string', default: 'postgres' },
    parts: { type: 'string', default: 'decision,answers,admission' },
    count: { type: 'string', default: '500' },
    rounds: { type: 'string', default: '3' },
    scale: { type: 'string', default: '1' },
    bars: { type: 'boolean', default: false },
  },
});
const { database } = values;
if (database !== 'pglite' && database !== 'postgres')
  throw new Error(`expected --database=pglite or postgres, got ${database}`);
const count = Number(values.count);

for (const part of values.parts.split(',')) {
  const report = await measure(part);
  console.log(JSON.stringify({ bench: 'policy', part, database, ...report, node: process.version }));
  if (values.bars && !('isWithin' in report && report.isWithin === true)) process.exitCode = 1;
}

async function measure(part: string): Promise<object> {
  switch (part) {
    case 'decision':
      return measureDecisions(count);
    case 'answers':
      return measureAnswers(database as 'postgres' | 'pglite', count);
    case 'admission':
      return measureAdmission(database as 'postgres' | 'pglite', Number(values.rounds), Number(values.scale));
    default:
      throw new Error(`expected parts among decision, answers, admission, got ${part}`);
  }
}
