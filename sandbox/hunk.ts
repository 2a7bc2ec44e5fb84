import type { Side } from './model.ts';

const HEAD = /^@@ -(\d+)(?:,\d+)? \+(\d+)(?:,\d+)? @@/;

/** The part of a file's diff that ends with a line, as a comment shows it. Null where the line is not in the diff. */
export function hunkUntil(patch: string, side: Side, line: number): string | null {
  let hunk: string[] = [];
  const at = { LEFT: 0, RIGHT: 0 };
  for (const text of patch.split('\n')) {
    const [, left, right] = HEAD.exec(text) ?? [];
    if (left !== undefined) {
      hunk = [text];
      at.LEFT = Number(left);
      at.RIGHT = Number(right);
      continue;
    }
    hunk.push(text);
    const isOnSide = side === 'LEFT' ? !text.startsWith('+') : !text.startsWith('-');
    if (isOnSide && at[side] === line && /^[ +-]/.test(text)) return hunk.join('\n');
    if (/^[ -]/.test(text)) at.LEFT += 1;
    if (/^[ +]/.test(text)) at.RIGHT += 1;
  }
  return null;
}
