/** Derived forms and lines shorter than this are not masked: they would hit innocent text and reveal next to nothing. */
const FORM_BYTES_MIN = 4;
/** Shorter texts inside a JSON secret are words like its keys and types. */
const PART_CHARS_MIN = 8;
/** Columns at which `base64` (coreutils), `openssl base64` and `xxd -p` break their lines. */
const BASE64_COLUMNS = [76, 64];
const HEX_COLUMNS = 60;

/**
 * Every way in which a secret is known to turn up in a log: as it is, line by line, JSON-escaped, URL-encoded, in
 * hexadecimal, and in base64 at all three alignments (a secret in the middle of encoded text starts at any of them).
 *
 * The value itself is always among them; other forms only from `FORM_BYTES_MIN` bytes on.
 */
export function secretForms(value: string): readonly string[] {
  return [...new Set([value, ...jsonParts(value)].flatMap(formsOfOne))];
}

/** The texts inside a secret that is itself JSON: `fromJSON(secrets.KEY).password` takes one out. */
function jsonParts(value: string): readonly string[] {
  if (!/^\s*[[{]/.test(value)) return [];
  const parts: string[] = [];
  try {
    JSON.parse(
      value,
      (_, part: unknown) => void (typeof part === 'string' && part.length >= PART_CHARS_MIN && parts.push(part)),
    );
  } catch {
    // Not JSON after all.
  }
  return parts;
}

function formsOfOne(value: string): readonly string[] {
  const forms = new Set<string>();
  const add = (form: string): void => {
    if (Buffer.byteLength(form) >= FORM_BYTES_MIN) forms.add(form);
  };
  if (value !== '') forms.add(value);
  const lines = value.split(/\r\n|\r|\n/);
  for (const text of lines.length > 1
    ? [value, ...lines, ...lines.map((line) => line.trim())]
    : [value, value.trim()]) {
    add(text);
    jsonForms(text).forEach(add);
    urlForms(text).forEach(add);
    encodedForms(text).forEach(add);
  }
  return [...forms];
}

function jsonForms(text: string): readonly string[] {
  const escaped = JSON.stringify(text).slice(1, -1);
  // Python and PHP write characters beyond ASCII as \uXXXX; PHP escapes the slash too.
  const ascii = escaped.replace(/[\u0080-\uffff]/g, (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`);
  return [escaped, ascii, escaped.replaceAll('/', '\\/'), ascii.replaceAll('/', '\\/')];
}

function urlForms(text: string): readonly string[] {
  const whole = encodeURIComponent(text.toWellFormed());
  const strict = whole.replace(/[!'()*]/g, (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`);
  const forms = [whole, strict, encodeURI(text.toWellFormed())];
  const spaced = forms.map((form) => form.replaceAll('%20', '+'));
  return [...forms, ...spaced].flatMap((form) => [form, form.replace(/%[0-9A-F]{2}/g, (code) => code.toLowerCase())]);
}

function encodedForms(text: string): readonly string[] {
  const bytes = Buffer.from(text);
  if (bytes.byteLength < FORM_BYTES_MIN) return [];
  const hex = bytes.toString('hex');
  const std = [0, 1, 2].map((shift) => alignedBase64(bytes, shift));
  // `echo "$SECRET" | base64` encodes a line break too.
  const whole = [bytes.toString('base64'), Buffer.from(`${text}\n`).toString('base64')];
  const wrapped = whole.flatMap((form) => BASE64_COLUMNS.flatMap((columns) => cutLines(form, columns)));
  const base64 = [...std, ...whole, ...wrapped];
  const hexForms = [hex, ...cutLines(hex, HEX_COLUMNS)];
  return [...base64, ...base64.map(urlAlphabet), ...hexForms, ...hexForms.map((form) => form.toUpperCase())];
}

/** The base64 characters that depend on the secret alone when `shift` bytes stand before it. */
function alignedBase64(bytes: Buffer, shift: number): string {
  const encoded = Buffer.concat([Buffer.alloc(shift), bytes]).toString('base64');
  return encoded.slice(Math.ceil((shift * 8) / 6), Math.floor(((shift + bytes.byteLength) * 8) / 6));
}

function urlAlphabet(base64: string): string {
  return base64.replaceAll('+', '-').replaceAll('/', '_');
}

function cutLines(text: string, columns: number): readonly string[] {
  if (text.length <= columns) return [];
  const lines: string[] = [];
  for (let at = 0; at < text.length; at += columns) lines.push(text.slice(at, at + columns));
  // The last line may be a few characters that stand in innocent text as well.
  return lines.filter((line) => line.length >= 16);
}
