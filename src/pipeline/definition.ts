import type { Json, JsonObject } from '../base/json.ts';
import type { Span } from './finding.ts';
import type { AutonomyLevel, PipelineKind, PlanBudget, PlanConcurrency, PlanRelease, RetryPolicy } from './plan.ts';
import type { SourceNode } from './source.ts';
import type { Triggers } from './triggers.ts';

/** A pipeline as written, with aliases and defaults resolved: one step per step of the file, expressions unread. */
export interface PipelineDefinition {
  readonly name: string;
  readonly version?: string;
  readonly description?: string;
  readonly kind: PipelineKind;
  readonly triggers: Triggers;
  readonly params: readonly ParamDefinition[];
  readonly purpose?: string;
  readonly authority?: string;
  readonly licence?: string;
  readonly autonomy?: AutonomyLevel;
  readonly budget?: PlanBudget;
  readonly concurrency?: PlanConcurrency;
  readonly release?: PlanRelease;
  readonly env: Readonly<Record<string, string>>;
  readonly steps: readonly StepDefinition[];
}

export type ParamType = 'string' | 'number' | 'boolean' | 'enum' | 'array' | 'object';

export interface ParamDefinition {
  readonly name: string;
  readonly type: ParamType;
  readonly enum?: readonly Json[];
  readonly default?: Json;
  readonly isRequired: boolean;
  readonly description?: string;
  readonly span: Span;
}

/** An id that a step names, and where. */
export interface StepReference {
  readonly id: string;
  readonly span: Span;
}

/** Texts of `runner` … `tags` may hold templates over `params` and `matrix`, which are evaluated when the plan is made. */
export interface StepDefinition {
  readonly id: string;
  readonly idSpan: Span;
  readonly node: SourceNode;
  readonly uses: string;
  /** The value of `uses` or `run`. */
  readonly usesSpan: Span;
  readonly isScript: boolean;
  readonly needs: readonly StepReference[];
  /** A bare expression that asks a status function. */
  readonly if?: string;
  readonly with: JsonObject;
  readonly env: Readonly<Record<string, string>>;
  readonly outputs: Readonly<Record<string, string>>;
  readonly secrets: readonly string[];
  readonly runner?: string;
  readonly workingDirectory?: string;
  readonly timeout: string;
  readonly retry: RetryPolicy;
  readonly cache?: { readonly key: string; readonly ttlMs: number; readonly paths: readonly string[] };
  readonly artifacts: readonly { readonly name: string; readonly path: string; readonly isRequired: boolean }[];
  readonly loop?: { readonly until: string; readonly max: number };
  readonly continueOnError: boolean | string;
  readonly tags: readonly string[];
  readonly egress?: readonly string[];
  readonly environment?: string;
  readonly isIdempotent?: boolean;
  readonly budget?: PlanBudget;
  readonly compensate?: CompensationDefinition;
}

export interface CompensationDefinition {
  readonly uses: string;
  readonly usesSpan: Span;
  readonly with: JsonObject;
  readonly env: Readonly<Record<string, string>>;
  readonly timeout: string;
}
