import type { StepDefinition, StepReference } from './definition.ts';
import type { Findings } from './finding.ts';
import { didYouMean } from './suggest.ts';

/** Steps of the file in a topological order that keeps the written order wherever it can, with the ids each one waits for. */
export interface Graph {
  readonly order: readonly StepDefinition[];
  readonly needs: ReadonlyMap<string, readonly string[]>;
}

/** Ids that a step's expressions and `context_from` read, with the first place that does. */
export type StepReadsById = ReadonlyMap<string, readonly StepReference[]>;

/**
 * No `needs` anywhere: the list is a sequence. Otherwise the graph is what is written, plus an edge for every step that
 * another one reads. Reports unknown ids, reads of steps that do not come before, and cycles by their members.
 */
export function linkSteps(steps: readonly StepDefinition[], reads: StepReadsById, findings: Findings): Graph {
  const byId = uniqueById(steps, findings);
  const definitions = [...byId.values()];
  const isSequence = steps.every(({ needs }) => needs.length === 0);
  const needs = isSequence
    ? sequenceNeeds(definitions, byId, reads, findings)
    : graphNeeds(definitions, byId, reads, findings);
  return { order: sortByNeeds(definitions, byId, needs, findings), needs };
}

/** Whether the order comes from the list alone. */
export function isSequence(steps: readonly StepDefinition[]): boolean {
  return steps.every(({ needs }) => needs.length === 0);
}

function uniqueById(steps: readonly StepDefinition[], findings: Findings): ReadonlyMap<string, StepDefinition> {
  const byId = new Map<string, StepDefinition>();
  for (const step of steps) {
    if (byId.has(step.id))
      findings.error('step-duplicate', step.idSpan, `the id "${step.id}" is taken by another step`);
    else byId.set(step.id, step);
  }
  return byId;
}

function sequenceNeeds(
  steps: readonly StepDefinition[],
  byId: ReadonlyMap<string, StepDefinition>,
  reads: StepReadsById,
  findings: Findings,
): ReadonlyMap<string, readonly string[]> {
  const needs = new Map<string, readonly string[]>();
  let previous: string | undefined;
  for (const step of steps) {
    for (const read of reads.get(step.id) ?? []) {
      if (!byId.has(read.id)) reportUnknown(read, byId, findings);
      else if (!needs.has(read.id)) reportNotBefore(step, read, findings);
    }
    needs.set(step.id, previous === undefined ? [] : [previous]);
    previous = step.id;
  }
  return needs;
}

function graphNeeds(
  steps: readonly StepDefinition[],
  byId: ReadonlyMap<string, StepDefinition>,
  reads: StepReadsById,
  findings: Findings,
): ReadonlyMap<string, readonly string[]> {
  const needs = new Map<string, readonly string[]>();
  for (const step of steps) {
    const ids = new Set<string>();
    for (const need of step.needs) {
      if (byId.has(need.id)) ids.add(need.id);
      else reportUnknown(need, byId, findings);
    }
    for (const read of reads.get(step.id) ?? []) {
      if (!byId.has(read.id)) reportUnknown(read, byId, findings);
      else if (read.id === step.id) reportNotBefore(step, read, findings);
      else ids.add(read.id);
    }
    needs.set(step.id, [...ids]);
  }
  return needs;
}

function reportUnknown(
  { id, span }: StepReference,
  byId: ReadonlyMap<string, StepDefinition>,
  findings: Findings,
): void {
  findings.error('step-unknown', span, `there is no step "${id}"${didYouMean(id, byId.keys())}`);
}

function reportNotBefore(step: StepDefinition, read: StepReference, findings: Findings): void {
  const why =
    read.id === step.id ? 'a step cannot read its own outputs here' : `"${read.id}" does not run before "${step.id}"`;
  findings.error('step-not-ancestor', read.span, `${why}: move it up, or add "needs"`);
}

/** A visit to a step: its needs, and the next of them to look at. */
interface Visit {
  readonly id: string;
  readonly needs: readonly string[];
  next: number;
}

/** Depth first in written order, without recursion: chains are as long as the pipeline. */
function sortByNeeds(
  steps: readonly StepDefinition[],
  byId: ReadonlyMap<string, StepDefinition>,
  needs: ReadonlyMap<string, readonly string[]>,
  findings: Findings,
): readonly StepDefinition[] {
  const order: StepDefinition[] = [];
  const state = new Map<string, 'open' | 'done'>();
  const position = new Map(steps.map(({ id }, index) => [id, index]));
  const open = (id: string): Visit => {
    state.set(id, 'open');
    const sorted = [...(needs.get(id) ?? [])].sort((a, b) => (position.get(a) ?? 0) - (position.get(b) ?? 0));
    return { id, needs: sorted, next: 0 };
  };
  for (const step of steps) {
    if (state.has(step.id)) continue;
    const path = [open(step.id)];
    for (let visit = path.at(-1); visit; visit = path.at(-1)) {
      const need = visit.needs[visit.next++];
      if (need === undefined) {
        state.set(visit.id, 'done');
        order.push(byId.get(visit.id) as StepDefinition);
        path.pop();
      } else if (state.get(need) === 'open') reportCycle(path, need, byId, position, findings);
      else if (!state.has(need)) path.push(open(need));
    }
  }
  return order;
}

const CYCLE_MEMBERS_SHOWN = 20;

/** Reported at the member that stands first in the file, and named from there in the order in which they run. */
function reportCycle(
  path: readonly Visit[],
  back: string,
  byId: ReadonlyMap<string, StepDefinition>,
  position: ReadonlyMap<string, number>,
  findings: Findings,
): void {
  const members = path.slice(path.findIndex(({ id }) => id === back)).map(({ id }) => id);
  // The path goes from a step to what it needs; people read from what runs first.
  members.reverse();
  const first = members.reduce(
    (least, id) => ((position.get(id) ?? 0) < (position.get(least) ?? 0) ? id : least),
    back,
  );
  const at = members.indexOf(first);
  const ring = [...members.slice(at), ...members.slice(0, at)];
  const shown = ring.length > CYCLE_MEMBERS_SHOWN ? [...ring.slice(0, CYCLE_MEMBERS_SHOWN), '...'] : ring;
  const span = (byId.get(first) as StepDefinition).idSpan;
  findings.error('step-cycle', span, `these steps wait for each other: ${[...shown, first].join(' -> ')}`);
}
