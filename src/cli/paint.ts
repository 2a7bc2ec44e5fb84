type Style = (text: string) => string;

/** Colours, or the same text where there are none. */
export interface Paint {
  readonly bold: Style;
  readonly dim: Style;
  readonly red: Style;
  readonly green: Style;
  readonly yellow: Style;
  readonly cyan: Style;
}

const plain: Style = (text) => text;
const PLAIN: Paint = { bold: plain, dim: plain, red: plain, green: plain, yellow: plain, cyan: plain };

/** The sixteen basic colours only: they follow the reader's own theme, light or dark. */
export function createPaint(hasColors: boolean): Paint {
  if (!hasColors) return PLAIN;
  const style =
    (open: number, close: number): Style =>
    (text) =>
      text === '' ? '' : `\u001b[${open}m${text}\u001b[${close}m`;
  return {
    bold: style(1, 22),
    dim: style(2, 22),
    red: style(31, 39),
    green: style(32, 39),
    yellow: style(33, 39),
    cyan: style(36, 39),
  };
}
