import { parentPort, workerData } from 'node:worker_threads';
import { messageOf } from '../../base/errors.ts';
import type { ThreadAnswer } from '../thread.ts';
import { checkSbom } from './check-sbom.ts';
import { type ComponentName, orderSbom } from './order-sbom.ts';

export interface SbomRequest {
  readonly text: string;
  readonly component?: ComponentName;
  /** SOURCE_DATE_EPOCH. */
  readonly epochSeconds?: number;
}

export type SbomAnswer = { readonly text: string; readonly components: number } | { readonly problem: string };

void answer(workerData as SbomRequest).then((value) => parentPort?.postMessage(value, []));

async function answer({ text, component, epochSeconds }: SbomRequest): Promise<ThreadAnswer> {
  try {
    const ordered = orderSbom(await checkSbom(text), component, epochSeconds);
    // What is kept is what was validated, also after the change.
    await checkSbom(ordered.text);
    return { value: { ...ordered } };
  } catch (error) {
    return { value: { problem: messageOf(error) } };
  }
}
