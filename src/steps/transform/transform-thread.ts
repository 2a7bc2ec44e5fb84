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
    // Through text: functions and other things that are not JSON do not survive.
    const text = JSON.stringify(value ?? null) ?? 'null';
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
