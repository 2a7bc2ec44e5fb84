/** Text of a log, or its end: so many bytes before it are left out. */
export interface LogText {
  readonly text: string;
  readonly bytesBefore: number;
}

/**
 * Cuts logs so that all of them together have at most so many bytes. Short ones stay whole, long ones give evenly; what stays is the
 * end, where a step says how it went.
 */
export function fitLogs(logs: readonly LogText[], bytesMax: number): readonly LogText[] {
  const sizes = logs.map(({ text }) => Buffer.byteLength(text));
  const share = fairShare(sizes, bytesMax);
  return logs.map((log) => endOf(log, share));
}

/** The largest share that fits when everybody takes what they need and no more than it. */
export function fairShare(sizes: readonly number[], total: number): number {
  let left = total;
  const sorted = sizes.toSorted((a, b) => a - b);
  for (const [i, size] of sorted.entries()) {
    const share = Math.floor(left / (sorted.length - i));
    if (size > share) return share;
    left -= size;
  }
  return Number.POSITIVE_INFINITY;
}

/** Whole lines, where a line fits. */
function endOf(log: LogText, bytesMax: number): LogText {
  const bytes = Buffer.from(log.text);
  if (bytes.byteLength <= bytesMax) return log;
  let from = bytes.byteLength - bytesMax;
  const lineEnd = bytes.indexOf(LINE_FEED, from);
  if (lineEnd >= 0 && lineEnd + 1 < bytes.byteLength) from = lineEnd + 1;
  // Not into the middle of a character.
  while (from < bytes.byteLength && ((bytes[from] as number) & 0xc0) === 0x80) from++;
  return { text: bytes.subarray(from).toString(), bytesBefore: log.bytesBefore + from };
}

const LINE_FEED = 0x0a;
