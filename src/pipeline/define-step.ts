import { parseDuration } from '../base/duration.ts';
import { isJsonObject, type JsonObject } from '../base/json.ts';
import { SHELL_STEP } from './catalog.ts';
import type { CompensationDefinition, StepDefinition } from './definition.ts';
import type { Findings, Span } from './finding.ts';
import type { RetryPolicy } from './plan.ts';
import {
  booleanOf,
  budgetOf,
  DEFAULT_CACHE_TTL,
  defined,
  durationOf,
  numberOf,
  retryOf,
  textMapOf,
} from './settings.ts';
import { child, itemsOf, jsonOf, type SourceNode, textOf } from './source.ts';
import { parseCondition } from './template.ts';
import { textsOf } from './triggers.ts';
import { headOf, keyOf } from './validate.ts';

export interface StepDefaults {
  readonly runner?: string;
  readonly shell: string;
  readonly timeout: string;
  readonly retry: RetryPolicy;
  readonly workingDirectory?: string;
}

/** One step as written; undefined where not even an id can be read. */
export function defineStep(node: SourceNode, defaults: StepDefaults, findings: Findings): StepDefinition | undefined {
  const idNode = child(node, 'id');
  const id = textOf(idNode);
  if (id === undefined || !idNode) return undefined;
  const action = actionOf(node, defaults, findings);
  const egress = child(node, 'egress');
  return defined({
    id,
    idSpan: spanOf(idNode),
    node,
    ...action,
    needs: needsOf(child(node, 'needs')),
    if: conditionOf(child(node, 'if')),
    env: textMapOf(child(node, 'env')),
    outputs: textMapOf(child(node, 'outputs')),
    secrets: textsOf(child(node, 'secrets')),
    runner: textOf(child(node, 'runner')) ?? defaults.runner,
    workingDirectory: textOf(child(node, 'working-directory')) ?? defaults.workingDirectory,
    timeout: textOf(child(node, 'timeout')) ?? defaults.timeout,
    retry: retryOf(child(node, 'retry') ?? child(node, 'retries'), defaults.retry),
    cache: cacheOf(child(node, 'cache')),
    artifacts: itemsOf(child(node, 'artifacts')).map(artifactOf),
    loop: loopOf(child(node, 'loop')),
    continueOnError: continueOf(child(node, 'continue-on-error')),
    tags: textsOf(child(node, 'tags')),
    egress: egress && textsOf(egress),
    environment: textOf(child(node, 'environment')),
    isIdempotent: booleanOf(child(node, 'idempotent')),
    budget: budgetOf(child(node, 'budget')),
    compensate: compensateOf(child(node, 'compensate'), defaults, findings),
  });
}

interface Action {
  readonly uses: string;
  readonly usesSpan: Span;
  readonly isScript: boolean;
  readonly with: JsonObject;
}

/** `run` is short for the step `shell` with `{ run, shell }`. */
function actionOf(node: SourceNode, defaults: StepDefaults, findings: Findings): Action {
  const usesNode = child(node, 'uses');
  const runNode = child(node, 'run');
  if (usesNode && runNode) findings.error('uses-and-run', keyOf(node, 'run'), 'a step has either "uses" or "run"');
  if (!usesNode && !runNode) findings.error('uses-and-run', headOf(node), 'a step needs "uses" or "run"');
  return runNode && !usesNode ? scriptOf(node, runNode, defaults, findings) : useOf(node, usesNode);
}

function scriptOf(node: SourceNode, runNode: SourceNode, defaults: StepDefaults, findings: Findings): Action {
  if (child(node, 'with')) {
    findings.error('schema-value', keyOf(node, 'with'), 'a script takes no "with": give it values through "env"');
  }
  const shell = textOf(child(node, 'shell')) ?? defaults.shell;
  return { uses: SHELL_STEP, usesSpan: spanOf(runNode), isScript: true, with: { run: textOf(runNode) ?? '', shell } };
}

function useOf(node: SourceNode, usesNode: SourceNode | undefined): Action {
  const withNode = child(node, 'with');
  const input = withNode ? jsonOf(withNode) : {};
  const uses = textOf(usesNode) ?? '';
  return {
    uses,
    usesSpan: usesNode ? spanOf(usesNode) : headOf(node),
    isScript: uses === SHELL_STEP,
    with: isJsonObject(input) ? input : {},
  };
}

function compensateOf(
  node: SourceNode | undefined,
  defaults: StepDefaults,
  findings: Findings,
): CompensationDefinition | undefined {
  if (!node) return undefined;
  const { isScript: _, ...action } = actionOf(node, defaults, findings);
  return { ...action, env: textMapOf(child(node, 'env')), timeout: textOf(child(node, 'timeout')) ?? defaults.timeout };
}

function needsOf(node: SourceNode | undefined): StepDefinition['needs'] {
  return (node?.kind === 'list' ? node.items : [node]).flatMap((item) => {
    const id = textOf(item);
    return item && id !== undefined ? [{ id, span: spanOf(item) }] : [];
  });
}

const STATUS_FUNCTIONS: ReadonlySet<string> = new Set(['success', 'failure', 'cancelled', 'always']);

/** As in Actions, a condition that asks no status function also means `success()`. */
function conditionOf(node: SourceNode | undefined): string | undefined {
  const bare = expressionOf(node);
  if (bare === undefined) return undefined;
  const [only] = parseCondition(bare).parts;
  const asksStatus =
    typeof only === 'object' && only.parsed.functions.some(({ name }) => STATUS_FUNCTIONS.has(name.toLowerCase()));
  return asksStatus ? bare : `success() && (${bare})`;
}

/** The expression of a text with or without `${{ }}` around it. */
function expressionOf(node: SourceNode | undefined): string | undefined {
  const text = booleanOf(node) === undefined ? textOf(node) : String(booleanOf(node));
  if (text === undefined) return undefined;
  const { parts } = parseCondition(text);
  const [only] = parts;
  return parts.length === 1 && typeof only === 'object' ? only.parsed.source : text;
}

function cacheOf(node: SourceNode | undefined): StepDefinition['cache'] {
  const key = textOf(child(node, 'key'));
  if (key === undefined) return undefined;
  const ttlMs = durationOf(child(node, 'ttl')) ?? parseDuration(DEFAULT_CACHE_TTL) ?? 0;
  return { key, ttlMs, paths: textsOf(child(node, 'paths')) };
}

function artifactOf(node: SourceNode): StepDefinition['artifacts'][number] {
  return {
    name: textOf(child(node, 'name')) ?? '',
    path: textOf(child(node, 'path')) ?? '',
    isRequired: booleanOf(child(node, 'required')) ?? true,
  };
}

function loopOf(node: SourceNode | undefined): StepDefinition['loop'] {
  const until = expressionOf(child(node, 'until'));
  const max = numberOf(child(node, 'max'));
  return until === undefined || max === undefined ? undefined : { until, max };
}

function continueOf(node: SourceNode | undefined): boolean | string {
  return booleanOf(node) ?? expressionOf(node) ?? false;
}

function spanOf({ start, end }: Span): Span {
  return { start, end };
}
