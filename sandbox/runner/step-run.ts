import type { JsonObject } from '../../src/base/json.ts';
import { type ExpressionContexts, type ExpressionFunctions, evaluateTemplate } from '../../src/pipeline/expression.ts';
import type { StepConclusion } from './job.ts';
import type { JobState, StepScope } from './job-state.ts';

/** A step whose condition is met, with what its expressions read. */
export interface StepRun {
  readonly job: JobState;
  readonly scope: StepScope;
  readonly step: JsonObject;
  readonly name: string;
  readonly env: Readonly<Record<string, string>>;
  readonly contexts: ExpressionContexts;
  readonly functions: ExpressionFunctions;
  readonly depth: number;
}

export interface StepEnd {
  readonly conclusion: StepConclusion;
  readonly outputs: ReadonlyMap<string, string>;
}

/** Milliseconds of `timeout-minutes`, null where the step has none. */
export function timeoutOf(
  step: JsonObject,
  contexts: ExpressionContexts,
  functions: ExpressionFunctions,
): number | null {
  const minutes = Number(evaluateTemplate(step['timeout-minutes'] ?? 0, contexts, functions));
  return minutes > 0 ? minutes * 60_000 : null;
}

/** A heading in the log, with lines that fold below it. */
export function sayGroup(job: JobState, title: string, lines: readonly string[]): void {
  job.log.say(`##[group]${title}`);
  for (const line of lines) job.log.say(line);
  job.log.say('##[endgroup]');
}
