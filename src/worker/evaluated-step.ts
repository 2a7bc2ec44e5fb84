import { arch, platform } from 'node:os';
import { type Digest, digestJson } from '../base/digest.ts';
import type { JsonObject } from '../base/json.ts';
import type { AttemptScope } from './attempt-scope.ts';
import { allowedEnvironment, attemptEnvironment, workerMark } from './environment.ts';
import { TemplateEvaluator } from './evaluate.ts';
import { cacheKey } from './step-cache.ts';

/** What templates made of a step, once. */
export interface EvaluatedStep {
  readonly evaluator: TemplateEvaluator;
  /** All contexts but `secrets`. */
  readonly contexts: JsonObject;
  /** The whole environment of its programs. */
  readonly env: Readonly<Record<string, string>>;
  readonly input: JsonObject;
  readonly inputDigest: Digest;
  /** Bound to the step; absent for a step without a cache. */
  readonly cacheKey: string | undefined;
}

const OS_NAMES: Readonly<Partial<Record<NodeJS.Platform, string>>> = {
  linux: 'Linux',
  darwin: 'macOS',
  win32: 'Windows',
};

/** Throws EXPRESSION_FAILED. */
export async function evaluateStep(scope: AttemptScope): Promise<EvaluatedStep> {
  const { lease, tools, secrets, masker } = scope;
  const { step } = lease;
  const contexts: JsonObject = { ...lease.contexts, env: {}, runner: runnerContext(scope) };
  const evaluator = new TemplateEvaluator({ ...contexts, secrets }, tools.repositoryRoot);
  const planEnv = await evaluator.evaluateTexts(lease.contexts.env);
  const ownEnv = { ...planEnv, ...(await evaluator.evaluateTexts(step.env, { env: planEnv })) };
  const input = await evaluator.evaluate(step.with, { env: ownEnv });
  const userKey = step.cache ? await evaluator.evaluate(step.cache.key, { env: ownEnv }) : undefined;
  // Of masked values: the digest is public, and one of a short secret could be guessed.
  const inputs = masker.secrets.maskJson({ with: input, env: ownEnv }).value;
  return {
    evaluator,
    contexts: { ...contexts, env: ownEnv },
    env: environment(scope, ownEnv),
    input,
    inputDigest: digestJson(inputs),
    cacheKey:
      userKey === undefined
        ? undefined
        : cacheKey(lease, {
            digest: digestJson(withoutFolder(inputs, scope.temporaryDirectory)),
            userKey: typeof userKey === 'string' ? userKey : JSON.stringify(userKey),
            contexts: { ...contexts, runner: withoutFolder(runnerContext(scope), scope.temporaryDirectory) },
          }),
  };
}

/** The temporary folder has another name for each attempt, which decides nothing. */
function withoutFolder(value: JsonObject, folder: string): JsonObject {
  const text = JSON.stringify(value).replaceAll(JSON.stringify(folder).slice(1, -1), 'TEMPORARY');
  return JSON.parse(text) as JsonObject;
}

/** From the weakest to the strongest: the host, the step's secrets by their names, `env`, Maestro's own. */
function environment(scope: AttemptScope, ownEnv: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  const { tools, temporaryDirectory, secrets, lease } = scope;
  const places = { repositoryRoot: tools.repositoryRoot, temporaryDirectory };
  return {
    ...allowedEnvironment(tools.hostEnv),
    ...secrets,
    ...ownEnv,
    ...attemptEnvironment(lease, places),
    ...workerMark(tools.workerToken),
  };
}

function runnerContext({ lease, tools, temporaryDirectory }: AttemptScope): JsonObject {
  return {
    name: tools.runnerName,
    class: lease.step.runner,
    os: OS_NAMES[platform()] ?? platform(),
    arch: arch().toUpperCase(),
    temp: temporaryDirectory,
    workspace: tools.repositoryRoot,
  };
}
