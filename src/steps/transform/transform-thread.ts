import { parentPort, workerData } from 'node:worker_threads';
import jsonata from 'jsonata';
import type { ThreadAnswer } from '../thread.ts';

const { expression, input, bytesMax } = workerData as {
  readonly expression: string;
  readonly input: unknown;
  readonly bytesMax: number;
};
parentPort?.postMessage(await answer(), []);

async function answer(): Promise<ThreadAnswer> {
  try {
    const value: unknown = await jsonata(expression).evaluate(input);
    const text = JSON.stringify(value ?? null, dropFunction) ?? 'null';
    if (text.length > bytesMax)
      return { problem: `expected a result of at most ${bytesMax} characters, got ${text.length}` };
    return { value: JSON.parse(text) };
  } catch (error) {
    const { message, position } = error as { readonly message?: string; readonly position?: number };
    return {
      problem: `the JSONata expression failed${position === undefined ? '' : ` at character ${position}`}: ${message ?? String(error)}`,
    };
  }
}

/** JSONata's functions are objects that lead back to the whole evaluation. */
function dropFunction(_: string, value: unknown): unknown {
  const { _jsonata_lambda: isLambda, _jsonata_function: isBuiltIn } = (value ?? {}) as Readonly<
    Record<string, unknown>
  >;
  return isLambda || isBuiltIn ? undefined : value;
}
