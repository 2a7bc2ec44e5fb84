import type { LogChunk, StepId } from '../../protocol/lease.ts';
import { LOG_BYTES_MAX } from '../../protocol/wire/worker-calls.ts';
import type { WireCall } from './wire.ts';

const CHUNKS_MAX = 128;
/** JSON writes a character as up to 6 bytes. */
const CHARS_MAX = LOG_BYTES_MAX / 8;

/** Chunks as calls: each of one attempt, and no larger than a server takes. */
export function logCalls(chunks: readonly LogChunk[]): readonly WireCall[] {
  const calls: WireCall[] = [];
  let part: LogChunk[] = [];
  let chars = 0;
  const seal = (): void => {
    const [first] = part;
    if (first) calls.push(logCall(first.stepId, first.fence, part));
    part = [];
    chars = 0;
  };
  for (const chunk of chunks) {
    const [first] = part;
    const isOther = first && (first.stepId !== chunk.stepId || first.fence !== chunk.fence);
    if (isOther || part.length >= CHUNKS_MAX || chars + chunk.text.length > CHARS_MAX) seal();
    part.push(chunk);
    chars += chunk.text.length;
  }
  seal();
  return calls;
}

function logCall(stepId: StepId, fence: number, chunks: readonly LogChunk[]): WireCall {
  const body = { fence, chunks: chunks.map(({ seq, text }) => ({ seq, text })) };
  return { path: `/steps/${stepId}/logs`, body, isGzip: true, bytesMax: LOG_BYTES_MAX };
}
