/** Every run of a workload has the same shape. Steps are numbered in topological order. */
export interface Workload {
  readonly name: WorkloadName;
  readonly runs: number;
  /** Number of the first run; the warm-up uses lower ones on the same database. */
  readonly firstRun: number;
  readonly shape: Shape;
  readonly arrival: Arrival;
}

export interface Shape {
  readonly size: number;
  /** By step: the steps that it needs. */
  readonly needs: readonly (readonly number[])[];
  /** By step: the steps that need it. */
  readonly successors: readonly (readonly number[])[];
}

/** `burst`: all runs at once. `serial`: each run on an idle engine. `rate`: open loop, whether or not the engine keeps up. */
export type Arrival =
  | { readonly type: 'burst'; readonly submittersMax: number }
  | { readonly type: 'serial' }
  | { readonly type: 'rate'; readonly runsPerSecond: number };

export const WORKLOADS = {
  W1: 'burst: 1,000 runs, each a chain of 10 steps',
  W2: 'burst: 100 runs, each 1 step, then 50, then 1',
  W3: 'burst: 1 run of 10,000 independent steps',
  L1: 'serial: 50 runs of a chain of 10, one at a time on an idle engine',
  L3: 'rate: 100 runs a second of a chain of 10, for 10 seconds',
  C1: 'burst: 1,000 runs, each 1 step, then 10, then 1; with --work=5000, 10,000 steps run and finish at once',
} as const;

export type WorkloadName = keyof typeof WORKLOADS;

const MEASURED_FIRST_RUN = 1_000_000;
const BURST: Arrival = { type: 'burst', submittersMax: 32 };

/** `scale` multiplies the number of runs (of steps, in W3). */
export function makeWorkload(name: WorkloadName, scale: number, isWarmUp: boolean): Workload {
  const times = (count: number): number => Math.max(1, Math.round(count * scale));
  const make: Record<WorkloadName, () => Pick<Workload, 'runs' | 'shape' | 'arrival'>> = {
    W1: () => ({ runs: times(1000), shape: chain(10), arrival: BURST }),
    W2: () => ({ runs: times(100), shape: fan(50), arrival: BURST }),
    W3: () => ({ runs: 1, shape: independent(times(10_000)), arrival: BURST }),
    L1: () => ({ runs: times(50), shape: chain(10), arrival: { type: 'serial' } }),
    L3: () => ({ runs: times(1000), shape: chain(10), arrival: { type: 'rate', runsPerSecond: 100 } }),
    C1: () => ({ runs: times(1000), shape: fan(10), arrival: BURST }),
  };
  return { name, firstRun: isWarmUp ? 0 : MEASURED_FIRST_RUN, ...make[name]() };
}

export function isWorkloadName(name: string): name is WorkloadName {
  return Object.hasOwn(WORKLOADS, name);
}

/** Steps that may run side by side, in order: what an engine without graphs runs one level after the other. */
export function levelsOf({ size, needs }: Shape): number[][] {
  const depth: number[] = [];
  const levels: number[][] = [];
  for (let step = 0; step < size; step++) {
    const level = Math.max(-1, ...(needs[step] ?? []).map((need) => depth[need] ?? 0)) + 1;
    depth.push(level);
    (levels[level] ??= []).push(step);
  }
  return levels;
}

function chain(length: number): Shape {
  return shapeOf(Array.from({ length }, (_, step) => (step === 0 ? [] : [step - 1])));
}

function fan(width: number): Shape {
  const middle = Array.from({ length: width }, () => [0]);
  return shapeOf([[], ...middle, middle.map((_, step) => step + 1)]);
}

function independent(count: number): Shape {
  return shapeOf(Array.from({ length: count }, () => []));
}

function shapeOf(needs: readonly (readonly number[])[]): Shape {
  const successors: number[][] = needs.map(() => []);
  needs.forEach((list, step) => list.forEach((need) => successors[need]?.push(step)));
  return { size: needs.length, needs, successors };
}
