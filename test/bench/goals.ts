import { PEERS } from './roster.ts';
import { median, rounded } from './statistics.ts';
import type { WorkloadName } from './workloads.ts';

/** A line of `run.ts`, as far as goals look at it. */
export interface ResultLine {
  readonly engine: string;
  readonly workload: string;
  readonly [figure: string]: unknown;
}

export interface GoalLine {
  readonly bench: 'goal';
  readonly goal: string;
  readonly maestro: number;
  /** Absent where the goal is an absolute one. */
  readonly peer?: { readonly engine: string; readonly value: number };
  /** Maestro's figure over the peer's; the figure itself where there is no peer. */
  readonly value: number;
  readonly bar: string;
  readonly aim: string;
  readonly isBarMet: boolean;
  readonly isAimMet: boolean;
}

interface Goal {
  readonly workload: WorkloadName;
  readonly figure: string;
  /** The best of these is what Maestro is measured against; none for an absolute goal. */
  readonly against: readonly string[];
  readonly better: 'higher' | 'lower';
  readonly bar: number;
  readonly aim: number;
}

const throughput = (workload: WorkloadName, against: readonly string[], bar: number, aim: number): Goal => {
  return { workload, figure: 'stepsPerSecond', against, better: 'higher', bar, aim };
};
const frugality = (
  figure: string,
  against: readonly string[],
  bar: number,
  aim: number,
  workload: WorkloadName = 'L3',
): Goal => {
  return { workload, figure, against, better: 'lower', bar, aim };
};

const GOALS: readonly Goal[] = [
  throughput('W1', PEERS, 2, 4),
  throughput('W2', PEERS, 2, 3),
  throughput('W3', PEERS, 1.5, 1.7),
  throughput('W1', ['dbos'], 10, 20),
  throughput('W2', ['dbos'], 10, 20),
  throughput('W3', ['dbos'], 10, 20),
  frugality('stepP95Ms', PEERS, 1, 0.5, 'L1'),
  frugality('stepP95Ms', PEERS, 1, 0.5),
  frugality('txPerStep', [], 0.1, 0.03),
  frugality('walBytesPerStep', [], 3000, 2000),
  frugality('cpuMicrosPerStep', PEERS, 1, 0.55),
  frugality('stepP95Ms', [], 500, 150, 'C1'),
];

/** Judges what was measured by medians; says nothing about goals whose figures are missing. */
export function judge(lines: readonly ResultLine[]): GoalLine[] {
  return GOALS.flatMap((goal) => {
    const mine = medianOf(lines, 'maestro', goal);
    if (mine === null) return [];
    const peers = goal.against.flatMap((engine) => {
      const value = medianOf(lines, engine, goal);
      return value === null ? [] : [{ engine, value }];
    });
    const peer = peers.sort((a, b) => (goal.better === 'higher' ? b.value - a.value : a.value - b.value))[0];
    if (goal.against.length > 0 && !peer) return [];
    return [lineOf(goal, mine, peer)];
  });
}

function lineOf(
  goal: Goal,
  maestro: number,
  peer: { readonly engine: string; readonly value: number } | undefined,
): GoalLine {
  const value = peer ? maestro / peer.value : maestro;
  const isMet = (limit: number): boolean => (goal.better === 'higher' ? value >= limit : value <= limit);
  const sign = goal.better === 'higher' ? '>=' : '<=';
  const rival = peer ? (goal.against.length === 1 ? ` / ${peer.engine}` : ' / best peer') : '';
  return {
    bench: 'goal',
    goal: `${goal.workload} ${goal.figure}${rival}`,
    maestro,
    ...(peer ? { peer } : {}),
    value: rounded(value, 3) ?? value,
    bar: `${sign} ${goal.bar}`,
    aim: `${sign} ${goal.aim}`,
    isBarMet: isMet(goal.bar),
    isAimMet: isMet(goal.aim),
  };
}

function medianOf(lines: readonly ResultLine[], engine: string, { workload, figure }: Goal): number | null {
  const values = lines
    .filter((line) => line.engine === engine && line.workload === workload && line.database !== 'pglite')
    .flatMap((line) => (typeof line[figure] === 'number' ? [line[figure]] : []));
  return median(values);
}
