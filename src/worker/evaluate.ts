import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { pipeline } from 'node:stream/promises';
import { MaestroError } from '../base/errors.ts';
import type { Json, JsonObject } from '../base/json.ts';
import { type ExpressionContexts, type ExpressionFunctions, evaluateTemplate } from '../pipeline/expression.ts';
import { findFiles } from '../steps/files.ts';

/** Each round evaluates with the hashes of all rounds before; nested calls need one round per level. */
const ROUNDS_MAX = 10;

/**
 * Evaluates the templates of one step on the worker, where `secrets`, `runner` and `hashFiles` exist.
 *
 * Expressions are evaluated synchronously, reading files is not: a call of `hashFiles` that is not known yet is noted,
 * the files are read, and the template, which has no effects, is evaluated again.
 */
export class TemplateEvaluator {
  readonly #contexts: ExpressionContexts;
  readonly #repositoryRoot: string;
  readonly #hashes = new Map<string, string>();
  readonly #wanted = new Set<string>();
  readonly #functions: ExpressionFunctions = {
    hashFiles: (...globs) => {
      const key = JSON.stringify(globs.map(String));
      const known = this.#hashes.get(key);
      if (known === undefined) this.#wanted.add(key);
      return known ?? '';
    },
  };

  constructor(contexts: ExpressionContexts, repositoryRoot: string) {
    this.#contexts = contexts;
    this.#repositoryRoot = repositoryRoot;
  }

  /** Throws EXPRESSION_FAILED. */
  async evaluate(value: JsonObject, more?: ExpressionContexts): Promise<JsonObject>;
  async evaluate(value: Json, more?: ExpressionContexts): Promise<Json>;
  async evaluate(value: Json, more: ExpressionContexts = {}): Promise<Json> {
    const contexts = { ...this.#contexts, ...more };
    for (let round = 0; round < ROUNDS_MAX; round++) {
      const result = evaluateTemplate(value, contexts, this.#functions);
      if (this.#wanted.size === 0) return result;
      for (const key of this.#wanted)
        this.#hashes.set(key, await hashFiles(this.#repositoryRoot, JSON.parse(key) as string[]));
      this.#wanted.clear();
    }
    throw new MaestroError('EXPRESSION_FAILED', `expected hashFiles calls at most ${ROUNDS_MAX} levels deep`);
  }

  /** As `evaluate`, for texts that become environment variables. */
  async evaluateTexts(
    values: Readonly<Record<string, string>>,
    more?: ExpressionContexts,
  ): Promise<Readonly<Record<string, string>>> {
    const evaluated = await this.evaluate(values, more);
    return Object.fromEntries(Object.entries(evaluated).map(([name, value]) => [name, variableText(name, value)]));
  }
}

/** GitHub's value: SHA-256 of the SHA-256 of each file, in the order of their paths; empty where nothing matches. */
async function hashFiles(root: string, globs: readonly string[]): Promise<string> {
  const { files } = await findFiles(root, globs);
  if (files.length === 0) return '';
  const all = createHash('sha256');
  for (const { absolutePath } of files) {
    const one = createHash('sha256');
    await pipeline(createReadStream(absolutePath), one);
    all.update(one.digest());
  }
  return all.digest('hex');
}

function variableText(name: string, value: Json): string {
  const text = typeof value === 'string' ? value : value === null ? '' : JSON.stringify(value);
  if (text.includes('\0'))
    throw new MaestroError(
      'INPUT_INVALID',
      `the environment variable ${name} would hold a NUL character, which no program can be given`,
    );
  return text;
}
