/**
 * Times what a person waits for at the command line, each case several times in fresh processes, and prints one JSON line a
 * case with the median. Exits with 1 where a median is over its limit. `npm run bench:cold -- --reps=5`
 */
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { median, rounded } from './statistics.ts';

const CLI = resolve(import.meta.dirname, '../../app/cli.ts');
const STEPS = 10_000;
/** The language's limit of combinations per matrix. */
const MATRIX_MAX = 256;

interface Case {
  readonly name: string;
  readonly argv: readonly string[];
  readonly limitMs: number;
  /** Empties the state folder before each repetition. */
  readonly isFresh?: true;
}

const { values } = parseArgs({ options: { reps: { type: 'string', default: '5' } } });
const folder = mkdtempSync(join(tmpdir(), 'maestro-cold-'));
const home = join(folder, 'state');
const written = join(folder, 'written.yaml');
const expanded = join(folder, 'expanded.yaml');
const one = join(folder, 'one.yaml');
writeFileSync(written, writtenSteps());
writeFileSync(expanded, expandedSteps());
writeFileSync(one, "name: just-true\nsteps:\n  - id: only\n    run: 'true'\n");

const cases: readonly Case[] = [
  { name: '--help', argv: ['--help'], limitMs: 150 },
  { name: 'lint, 10,000 written steps', argv: ['lint', written], limitMs: 1000 },
  { name: 'lint, 10,000 steps by matrix', argv: ['lint', expanded], limitMs: 1000 },
  { name: 'plan, 10,000 written steps', argv: ['plan', written, '--json'], limitMs: 2000 },
  { name: 'plan, 10,000 steps by matrix', argv: ['plan', expanded, '--json'], limitMs: 2000 },
  { name: 'run of one `true`, new state folder', argv: ['run', one], limitMs: 3500, isFresh: true },
  { name: 'run of one `true`, existing state folder', argv: ['run', one], limitMs: 1000 },
];

let isOver = false;
try {
  for (const timed of cases) time(timed, Number(values.reps));
} finally {
  rmSync(folder, { recursive: true, force: true });
}
process.exitCode = isOver ? 1 : 0;

function time({ name, argv, limitMs, isFresh }: Case, reps: number): void {
  const times: number[] = [];
  for (let rep = 0; rep < reps; rep++) {
    if (isFresh) rmSync(home, { recursive: true, force: true });
    mkdirSync(home, { recursive: true });
    const env = { ...process.env, MAESTRO_HOME: home, XDG_STATE_HOME: join(folder, 'keys'), DATABASE_URL: undefined };
    const begin = performance.now();
    const { status, stderr } = spawnSync(process.execPath, [CLI, ...argv], {
      cwd: folder,
      env,
      encoding: 'utf8',
      maxBuffer: 2 ** 28,
    });
    times.push(performance.now() - begin);
    if (status !== 0) throw new Error(`maestro ${argv.join(' ')} ended with ${status}: ${stderr}`);
  }
  const medianMs = rounded(median(times), 0) ?? 0;
  const isWithin = medianMs <= limitMs;
  isOver ||= !isWithin;
  const maxMs = Math.round(Math.max(...times));
  console.log(
    JSON.stringify({
      bench: 'cold-start',
      case: name,
      reps,
      medianMs,
      maxMs,
      limitMs,
      isWithin,
      node: process.version,
    }),
  );
}

/** A hundred chains of a hundred steps. */
function writtenSteps(): string {
  const lines = ['name: ten-thousand-written', 'steps:'];
  for (let step = 0; step < STEPS; step++) {
    const needs = step < 100 ? '[]' : `[step-${step - 100}]`;
    lines.push(`  - { id: step-${step}, needs: ${needs}, run: "echo ${step}" }`);
  }
  return `${lines.join('\n')}\n`;
}

/** One step, and all others by matrices that need it. */
function expandedSteps(): string {
  const lines = ['name: ten-thousand-expanded', 'steps:', "  - { id: first, run: 'true' }"];
  for (let left = STEPS - 1, group = 0; left > 0; left -= MATRIX_MAX, group++) {
    const shards = Array.from({ length: Math.min(MATRIX_MAX, left) }, (_, shard) => shard).join(', ');
    lines.push(`  - id: group-${group}`, '    needs: [first]', `    matrix: { shard: [${shards}] }`);
    lines.push('    env: { SHARD: "${{ matrix.shard }}" }', '    run: echo "$SHARD"');
  }
  return `${lines.join('\n')}\n`;
}
