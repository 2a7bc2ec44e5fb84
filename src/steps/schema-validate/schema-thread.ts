import { parentPort, workerData } from 'node:worker_threads';
import { messageOf } from '../../base/errors.ts';
import type { Json, JsonObject } from '../../base/json.ts';
import { schemaProblems } from '../json-schema.ts';
import type { ThreadAnswer } from '../thread.ts';

const { schema, data } = workerData as { readonly schema: JsonObject; readonly data: Json };
parentPort?.postMessage(answer(), []);

function answer(): ThreadAnswer {
  try {
    return { value: schemaProblems(schema, data, 'data') };
  } catch (error) {
    return { problem: messageOf(error) };
  }
}
