/**
 * JSON for a `jsonb` column, which takes neither NUL nor lone surrogates: both become the replacement character. Workers,
 * webhooks and people send such text, and a row that cannot be written would stop its run.
 */
export function jsonText(value: unknown): string {
  return JSON.stringify(value).replace(/\\(?:\\|u0000|ud[89a-f][0-9a-f]{2})/gi, (found) =>
    found === String.raw`\\` ? found : String.raw`\ufffd`,
  );
}

/** The same for a `text` column. */
export function plainText(text: string): string {
  return text.includes('\0') ? text.replaceAll('\0', '\ufffd') : text;
}
