import { MaestroError } from '../base/errors.ts';
import { isJsonObject, type Json, type JsonObject } from '../base/json.ts';
import { type ExpressionFunctions, evaluateTemplate } from '../pipeline/expression.ts';
import { referencesOf } from '../pipeline/expression-references.ts';
import type { PlanStep } from '../pipeline/plan.ts';
import { hasExpression } from '../pipeline/template.ts';
import type { StepContexts } from '../protocol/lease.ts';

const WORKER_ONLY: ReadonlySet<string> = new Set(['secrets', 'runner']);
const NO_FUNCTIONS: ExpressionFunctions = {};

/** Characters that the templates of one step may make in all: policy refuses questions of half as many. */
const RESOLVED_CHARS_MAX = 2_097_152;

/** What templates may read, the names in `env` whose values only a worker can tell, and how much has been made. */
interface Readable {
  readonly contexts: Readonly<Record<string, JsonObject>>;
  readonly hidden: ReadonlySet<string>;
  readonly made: { chars: number };
}

/**
 * The `with` of a step as its worker will read it, `env` of plan and step included. Texts that need what only a worker has
 * (`secrets`, `runner`, `hashFiles`, or a variable made of them) are left as written.
 *
 * Throws EXPRESSION_FAILED, also for inputs that are too large to be judged.
 */
export function resolveInputs(step: Pick<PlanStep, 'with' | 'env'>, contexts: StepContexts): JsonObject {
  const bare: Readable = { contexts: { ...contexts, env: {} }, hidden: new Set(), made: { chars: 0 } };
  return resolveObject(step.with, readsEnv(step.with) ? withEnv(step.env, withEnv(contexts.env, bare)) : bare);
}

/** As the worker does it: the plan's variables first, then those of the step, which may read them, over them. */
function withEnv(env: Readonly<Record<string, string>>, readable: Readable): Readable {
  const hidden = new Set(readable.hidden);
  const known: Record<string, Json> = { ...readable.contexts.env };
  for (const [name, template] of Object.entries(env)) {
    const isHidden = isForWorker(template, readable.hidden);
    hidden[isHidden ? 'add' : 'delete'](name);
    known[name] = isHidden ? template : textOf(resolve(template, readable));
  }
  return { contexts: { ...readable.contexts, env: known }, hidden, made: readable.made };
}

function textOf(value: Json): string {
  if (typeof value === 'string') return value;
  return value === null ? '' : JSON.stringify(value);
}

function resolveObject(input: JsonObject, readable: Readable): JsonObject {
  return Object.fromEntries(Object.entries(input).map(([key, value]) => [key, resolve(value, readable)]));
}

function resolve(value: Json, readable: Readable): Json {
  if (Array.isArray(value)) return value.map((part) => resolve(part, readable));
  if (isJsonObject(value)) return resolveObject(value, readable);
  if (typeof value !== 'string' || !hasExpression(value) || isForWorker(value, readable.hidden)) return value;
  const made = evaluateTemplate(value, readable.contexts, NO_FUNCTIONS);
  readable.made.chars += typeof made === 'string' ? made.length : JSON.stringify(made).length;
  if (readable.made.chars > RESOLVED_CHARS_MAX)
    throw new MaestroError(
      'EXPRESSION_FAILED',
      `expected the expressions of one step to make at most ${RESOLVED_CHARS_MAX} characters of its inputs`,
    );
  return made;
}

function isForWorker(text: string, hidden: ReadonlySet<string>): boolean {
  if (!hasExpression(text)) return false;
  const { functions, contexts, paths } = referencesOf(text);
  if (functions.has('hashfiles') || [...contexts].some((name) => WORKER_ONLY.has(name))) return true;
  const hiddenNames = new Set([...hidden].map((name) => name.toLowerCase()));
  return paths.some(([context, name]) => context === 'env' && isHiddenName(name, hiddenNames));
}

/** Names are matched as expressions do it, in any case; all of `env`, or a computed name, may be a hidden one. */
function isHiddenName(name: string | undefined, hidden: ReadonlySet<string>): boolean {
  return name === undefined || name === '*' ? hidden.size > 0 : hidden.has(name.toLowerCase());
}

function readsEnv(value: Json): boolean {
  if (typeof value === 'string') return hasExpression(value) && referencesOf(value).contexts.has('env');
  return typeof value === 'object' && value !== null && Object.values(value).some(readsEnv);
}
