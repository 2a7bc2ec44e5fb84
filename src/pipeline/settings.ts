import { parseDuration } from '../base/duration.ts';
import type { Json } from '../base/json.ts';
import { parseMoney } from '../base/money.ts';
import type { Backoff, PlanBudget, RetryClass, RetryPolicy } from './plan.ts';
import { child, itemsOf, type SourceNode, textOf } from './source.ts';

export const DEFAULT_RUNNER = 'linux';
export const DEFAULT_SHELL = 'bash';
export const DEFAULT_TIMEOUT = '60m';
export const DEFAULT_CACHE_TTL = '7d';
export const DEFAULT_RETRY: RetryPolicy = {
  max: 2,
  on: ['infra', 'rate-limit'],
  backoff: { initialMs: 1000, factor: 2, maxMs: 120_000, jitter: 'full' },
};

const RETRY_CLASSES: ReadonlySet<string> = new Set<RetryClass>(['infra', 'timeout', 'rate-limit', 'step']);

/** The retry policy of a node, taking from `base` what it does not say. `retry: 3` and `retries: 3` are `{ max: 3 }`. */
export function retryOf(node: SourceNode | undefined, base: RetryPolicy): RetryPolicy {
  if (!node) return base;
  const on = child(node, 'on');
  const classes = itemsOf(on)
    .flatMap((item) => textOf(item) ?? [])
    .filter((name) => RETRY_CLASSES.has(name)) as RetryClass[];
  return {
    max: numberOf(node) ?? numberOf(child(node, 'max')) ?? base.max,
    on: on ? classes : base.on,
    backoff: backoffOf(child(node, 'backoff'), base.backoff),
  };
}

function backoffOf(node: SourceNode | undefined, base: Backoff): Backoff {
  const jitter = textOf(child(node, 'jitter'));
  return {
    initialMs: durationOf(child(node, 'initial')) ?? base.initialMs,
    factor: numberOf(child(node, 'factor')) ?? base.factor,
    maxMs: durationOf(child(node, 'max')) ?? base.maxMs,
    jitter: jitter === 'none' || jitter === 'full' ? jitter : base.jitter,
  };
}

/** `5usd`, or `{ usd, tokens, minutes, soft }`. */
export function budgetOf(node: SourceNode | undefined): PlanBudget | undefined {
  if (!node) return undefined;
  const text = textOf(node);
  const usd = numberOf(child(node, 'usd'));
  const microUsd = text === undefined ? usd && Math.round(usd * 1_000_000) : parseMoney(text);
  return defined({
    microUsd: usd === 0 ? 0 : microUsd,
    tokens: numberOf(child(node, 'tokens')),
    minutes: numberOf(child(node, 'minutes')),
    soft: numberOf(child(node, 'soft')),
  });
}

export function durationOf(node: SourceNode | undefined): number | undefined {
  const text = textOf(node);
  return text === undefined ? undefined : parseDuration(text);
}

export function numberOf(node: SourceNode | undefined): number | undefined {
  return node?.kind === 'scalar' && typeof node.value === 'number' ? node.value : undefined;
}

export function booleanOf(node: SourceNode | undefined): boolean | undefined {
  return node?.kind === 'scalar' && typeof node.value === 'boolean' ? node.value : undefined;
}

/** A map of texts; numbers and booleans are written as texts. */
export function textMapOf(node: SourceNode | undefined): Record<string, string> {
  const texts: Record<string, string> = {};
  if (node?.kind !== 'map') return texts;
  for (const [key, { value }] of node.entries) {
    if (value.kind === 'scalar' && value.value !== null) texts[key] = String(value.value);
  }
  return texts;
}

type Defined<T> = { [K in keyof T as undefined extends T[K] ? never : K]: T[K] } & {
  [K in keyof T as undefined extends T[K] ? K : never]?: Exclude<T[K], undefined>;
};

/** The object without the keys whose value is undefined, which neither JSON nor exact optional types know. */
export function defined<T extends Record<string, unknown>>(object: T): Defined<T> {
  return Object.fromEntries(Object.entries(object).filter(([, value]) => value !== undefined)) as Defined<T>;
}

/** Text of a scalar for people. */
export function show(value: Json): string {
  const text = JSON.stringify(value);
  return text.length <= 60 ? text : `${text.slice(0, 57)}...`;
}
