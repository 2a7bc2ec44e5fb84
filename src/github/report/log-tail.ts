import type { Client } from '../../protocol/client.ts';

const LINES_MAX = 40;
const CHARS_MAX = 6000;
/** A log is read from its beginning: of a very long one what stands here is not its end, and the link leads to it. */
const READ_CHARS_MAX = 64_000_000;
const READ_MS = 10_000;

/** The last lines of a step's log, of its last attempt. */
export async function readLogTail(client: Pick<Client, 'readLogs'>, runId: string, stepId: string): Promise<string> {
  let tail = '';
  let attempt = 0;
  let read = 0;
  for await (const piece of client.readLogs(runId, stepId, false, AbortSignal.timeout(READ_MS))) {
    if (piece.attempt !== attempt) tail = '';
    attempt = piece.attempt;
    tail = (tail + piece.text).slice(-CHARS_MAX);
    read += piece.text.length;
    if (read > READ_CHARS_MAX) break;
  }
  return tail.trimEnd().split('\n').slice(-LINES_MAX).join('\n');
}
