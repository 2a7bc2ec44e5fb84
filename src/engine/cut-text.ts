/** Stands where a text was cut. */
const MARK = '…';
/** Of its own bytes a character takes up to six in JSON. */
const BYTES_PER_CHAR_MAX = 6;

/** A text of at most so many characters. */
export function cutText(text: string, charsMax: number): string {
  return text.length <= charsMax ? text : `${beginning(text, charsMax - MARK.length)}${MARK}`;
}

/** A text that takes at most so many bytes as JSON; empty where not even a word of it fits. */
export function cutToBytes(text: string, bytesMax: number): string {
  const sizeBytes = jsonBytes(text);
  if (sizeBytes <= bytesMax) return text;
  // Every character takes a byte at least, so what is too much is cut in few rounds.
  let cut = cutText(text, Math.max(MARK.length, Math.min(text.length - 1, bytesMax)));
  for (let over = jsonBytes(cut) - bytesMax; over > 0; over = jsonBytes(cut) - bytesMax) {
    const chars = cut.length - Math.ceil(over / BYTES_PER_CHAR_MAX);
    if (chars <= MARK.length) return '';
    cut = cutText(text, chars);
  }
  return cut;
}

export function jsonBytes(text: string): number {
  return Buffer.byteLength(JSON.stringify(text));
}

/** Both halves of a character stay, or neither. */
function beginning(text: string, chars: number): string {
  const last = text.charCodeAt(chars - 1);
  return text.slice(0, last >= 0xd800 && last <= 0xdbff ? chars - 1 : chars);
}
