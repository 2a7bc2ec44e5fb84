import { cutText, padText, widthOf } from './terminal-text.ts';

const GAP = '  ';

/**
 * Rows as aligned columns; the last column takes what is left of the line and is cut there.
 *
 * Cells must be free of escape sequences; `style` colours a finished cell.
 */
export function textTable(
  rows: readonly (readonly string[])[],
  columns: number,
  style: (text: string, row: number, column: number) => string = (text) => text,
): readonly string[] {
  const widths: number[] = [];
  for (const row of rows) {
    for (const [index, cell] of row.entries()) widths[index] = Math.max(widths[index] ?? 0, widthOf(cell));
  }
  const before = widths.slice(0, -1).reduce((sum, width) => sum + width + GAP.length, 0);
  const lastRoom = Math.max(10, columns - before);
  return rows.map((row, rowIndex) =>
    row
      .map((cell, index) => {
        const isLast = index === widths.length - 1;
        return style(isLast ? cutText(cell, lastRoom) : padText(cell, widths[index] ?? 0), rowIndex, index);
      })
      .join(GAP)
      .trimEnd(),
  );
}
