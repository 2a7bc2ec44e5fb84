/** GitHub takes 65,535 characters in a summary, a text or a comment, and counts bytes in some of them. */
export const BODY_BYTES_MAX = 60_000;
const REST = '… what follows is left out: it is too long for GitHub.';

/** Lines from the first one, as many as fit, with a line break each. */
export function fittingLines(lines: readonly string[], bytesMax: number): readonly string[] {
  let bytes = 0;
  const end = lines.findIndex((line) => {
    bytes += Buffer.byteLength(line) + 1;
    return bytes > bytesMax;
  });
  return end < 0 ? lines : lines.slice(0, end);
}

/** Paragraphs that belong together: those that are empty are left out. */
export function paragraphs(...parts: readonly string[]): string {
  return parts.filter((part) => part !== '').join('\n\n');
}

/** A body that GitHub takes, whatever it is made of: whole lines from its beginning. */
export function fittingBody(body: string): string {
  if (Buffer.byteLength(body) <= BODY_BYTES_MAX) return body;
  const room = BODY_BYTES_MAX - Buffer.byteLength(REST) - 2;
  return paragraphs(fittingLines(body.split('\n'), room).join('\n').trimEnd(), REST);
}
