import { defineStep, type StepDefaults } from './define-step.ts';
import type { PipelineDefinition } from './definition.ts';
import type { Findings } from './finding.ts';
import { defineParams } from './params.ts';
import type { AutonomyLevel, PipelineKind, PlanConcurrency } from './plan.ts';
import { releaseOf } from './release.ts';
import {
  booleanOf,
  budgetOf,
  DEFAULT_RETRY,
  DEFAULT_SHELL,
  DEFAULT_TIMEOUT,
  defined,
  retryOf,
  textMapOf,
} from './settings.ts';
import { child, itemsOf, type SourceNode, textOf } from './source.ts';
import { defineTriggers } from './triggers.ts';
import { headOf, keyOf } from './validate.ts';

/**
 * What a file means, with aliases (`tasks`, `inputs`, `retries`, `on: [push, pr]`, `run`) and defaults resolved.
 *
 * Lenient: what the schema already refused is left out, so that everything else is still checked.
 */
export function definePipeline(root: SourceNode, findings: Findings): PipelineDefinition {
  const steps = child(root, 'steps') ?? child(root, 'tasks');
  if (!steps) findings.error('schema-key-missing', headOf(root), 'the key "steps" is missing');
  refuseBoth(root, 'steps', 'tasks', findings);
  refuseBoth(root, 'params', 'inputs', findings);
  const defaults = defaultsOf(child(root, 'defaults'));
  return defined({
    name: textOf(child(root, 'name')) ?? '',
    version: textOf(child(root, 'version')),
    description: textOf(child(root, 'description')),
    kind: (textOf(child(root, 'kind')) ?? 'ci') as PipelineKind,
    triggers: defineTriggers(child(root, 'on'), findings),
    params: defineParams(child(root, 'params') ?? child(root, 'inputs'), findings),
    purpose: textOf(child(root, 'purpose')),
    authority: textOf(child(root, 'authority')),
    licence: textOf(child(root, 'licence')),
    autonomy: textOf(child(root, 'autonomy')) as AutonomyLevel | undefined,
    budget: budgetOf(child(root, 'budget')),
    concurrency: concurrencyOf(child(root, 'concurrency')),
    release: releaseOf(child(root, 'release')),
    env: textMapOf(child(root, 'env')),
    steps: itemsOf(steps).flatMap((node) => defineStep(node, defaults, findings) ?? []),
  });
}

function refuseBoth(root: SourceNode, name: string, alias: string, findings: Findings): void {
  if (!child(root, name) || !child(root, alias)) return;
  findings.error('schema-value', keyOf(root, alias), `"${alias}" is another name of "${name}": keep one of them`);
}

function defaultsOf(node: SourceNode | undefined): StepDefaults {
  return defined({
    runner: textOf(child(node, 'runner')),
    shell: textOf(child(node, 'shell')) ?? DEFAULT_SHELL,
    timeout: textOf(child(node, 'timeout')) ?? DEFAULT_TIMEOUT,
    retry: retryOf(child(node, 'retry'), DEFAULT_RETRY),
    workingDirectory: textOf(child(node, 'working-directory')),
  });
}

function concurrencyOf(node: SourceNode | undefined): PlanConcurrency | undefined {
  const group = textOf(node) ?? textOf(child(node, 'group'));
  return group === undefined
    ? undefined
    : { group, cancelInProgress: booleanOf(child(node, 'cancel-in-progress')) ?? false };
}
