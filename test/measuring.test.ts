import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { judge, type ResultLine } from './bench/goals.ts';
import { Recorder } from './bench/recorder.ts';
import { levelsOf, makeWorkload } from './bench/workloads.ts';

describe('the recorder of benchmarks', () => {
  const chainOfTen = { ...makeWorkload('L1', 1, false), runs: 1 };
  const first = chainOfTen.firstRun;

  it('finds nothing wrong with a chain that runs in order, and knows when it is through', async () => {
    const recorder = new Recorder(chainOfTen, 0);
    recorder.noteSubmission(first);
    for (let step = 0; step < 10; step++) await recorder.execute(first, step);
    await recorder.allReturned;
    await recorder.runReturned(first);
    expect(recorder.summary()).toMatchObject({ executed: 10, duplicates: 0, orderViolations: 0 });
  });

  it('counts a step that begins before its need has returned', async () => {
    const recorder = new Recorder(chainOfTen, 0);
    recorder.noteSubmission(first);
    await recorder.execute(first, 1);
    expect(recorder.summary()).toMatchObject({ executed: 1, orderViolations: 1 });
  });

  it('counts a step that runs twice, and lets it do nothing', async () => {
    const recorder = new Recorder(chainOfTen, 0);
    recorder.noteSubmission(first);
    await recorder.execute(first, 0);
    await recorder.execute(first, 0);
    expect(recorder.summary()).toMatchObject({ executed: 1, duplicates: 1 });
  });
});

describe('workloads', () => {
  it.each([
    ['W1', 10_000, 10],
    ['W2', 5200, 3],
    ['W3', 10_000, 1],
    ['L1', 500, 10],
    ['L3', 10_000, 10],
    ['C1', 12_000, 3],
  ] as const)('%s has %i steps in %i levels', (name, steps, depth) => {
    const { runs, shape } = makeWorkload(name, 1, false);
    expect([runs * shape.size, levelsOf(shape).length]).toEqual([steps, depth]);
  });

  it('put no step into a level before that of what it needs', () => {
    const { shape } = makeWorkload('W2', 1, false);
    const levels = levelsOf(shape);
    expect(levels.map((level) => level.length)).toEqual([1, 50, 1]);
    expect(levels.flat().sort((a, b) => a - b)).toEqual(shape.needs.map((_, step) => step));
  });
});

describe('the judge of goals', () => {
  const line = (engine: string, workload: string, figures: Record<string, number>): ResultLine => ({
    engine,
    workload,
    ...figures,
  });

  it('compares medians with the best peer, and says which bar and aim are met', () => {
    const lines = [
      ...[100, 900, 110].map((stepsPerSecond) => line('maestro', 'W1', { stepsPerSecond })),
      line('pg-boss', 'W1', { stepsPerSecond: 40 }),
      line('graphile-worker', 'W1', { stepsPerSecond: 50 }),
    ];
    expect(judge(lines)).toMatchObject([
      { value: 2.2, peer: { engine: 'graphile-worker', value: 50 }, isBarMet: true, isAimMet: false },
    ]);
  });

  it('takes the lowest latency for the best', () => {
    const lines = [
      line('maestro', 'L1', { stepP95Ms: 2 }),
      line('dbos', 'L1', { stepP95Ms: 4 }),
      line('pg-boss', 'L1', { stepP95Ms: 1 }),
    ];
    expect(judge(lines)).toMatchObject([{ value: 2, peer: { engine: 'pg-boss' }, isBarMet: false, isAimMet: false }]);
  });

  it('says nothing where one side was not measured', () => {
    expect(judge([line('maestro', 'W1', { stepsPerSecond: 1 }), line('dbos', 'W2', { stepsPerSecond: 1 })])).toEqual(
      [],
    );
  });
});

describe('the count of tests in the gate', () => {
  const script = resolve(import.meta.dirname, '../.ci/tools/count-tests.mjs');
  const test = (status: string, ...ancestorTitles: string[]) => ({
    status,
    ancestorTitles,
    fullName: `${ancestorTitles.join(' ')} ${status}`,
  });
  const count = (...testResults: object[]): string => {
    const folder = mkdtempSync(join(tmpdir(), 'maestro-count-'));
    const report = join(folder, 'report.json');
    writeFileSync(report, JSON.stringify({ numTotalTests: 1, testResults }));
    const { stdout } = spawnSync(process.execPath, [script, report], { encoding: 'utf8' });
    rmSync(folder, { recursive: true });
    return stdout.trim();
  };

  it('takes what failed and what was skipped for failed', () => {
    const assertionResults = [test('passed'), test('failed'), test('skipped'), test('todo'), test('passed')];
    expect(count({ name: 'a', status: 'failed', assertionResults })).toBe('2 3');
  });

  it('forgives a skipped test of an optional part, not a failed one', () => {
    const title = 'PowerShell (needs pwsh: https://aka.ms/powershell)';
    expect(count({ name: 'a', status: 'passed', assertionResults: [test('passed'), test('skipped', title)] })).toBe(
      '1 0',
    );
    expect(count({ name: 'a', status: 'failed', assertionResults: [test('failed', title)] })).toBe('0 1');
  });

  it('takes a file that could not be loaded for one failure', () => {
    expect(count({ name: 'a', status: 'failed', message: 'boom', assertionResults: [] })).toBe('0 1');
  });
});
