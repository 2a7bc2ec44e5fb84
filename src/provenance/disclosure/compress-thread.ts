import { parentPort, workerData } from 'node:worker_threads';
import { gzip } from './gzip.ts';

const packed = gzip(workerData as Uint8Array<ArrayBuffer>);
parentPort?.postMessage(packed, [packed.buffer]);
