/** Derived forms and lines shorter than this are not masked: they would hit innocent text and reveal next to nothing. */
const FORM_BYTES_MIN = 4;
/** Shorter texts inside a JSON secret are words like its keys and types. */
const PART_CHARS_MIN = 8;
/** Columns at which `base64` (coreutils), `openssl base64` and `xxd -p` break their lines. */
const BASE64_COLUMNS = [76, 64];
const HEX_COLUMNS = 60;

/**
 * Every way in which a secret is known to turn up in a log: as it is, line by line, JSON-escaped, HTML-escaped, URL-encoded,
 * in hexadecimal, and in base64 at all three alignments (a secret in the middle of encoded text starts at any of them).
 *
 * The value itself is always among them; other forms only from `FORM_BYTES_MIN` bytes on.
 */
export function secretForms(value: string): readonly string[] {
  return [...new Set([value, ...jsonParts(value).map(({ part }) => part)].flatMap(formsOfOne))];
}

/** Bytes that are not white space around the text: a mask of blanks would hit every indentation. */
export function meaningfulBytes(text: string): number {
  return Buffer.byteLength(text.trim());
}

/** Shorter forms stand in large innocent files by chance. */
const FILE_FORM_BYTES_MIN = 6;
/** A line of a key: long, and of an encoding's alphabet alone. Other lines (a PEM header, a JSON key) are everybody's. */
const KEY_LINE = /^[A-Za-z0-9+/=_-]{40,}$/;
const SECRET_NAME = /pass|secret|token|key|credential/i;

/**
 * The forms of a secret that have no place in a file: as `secretForms`, without those that innocent files hold as well, because
 * a hit there fails the step.
 */
export function secretFileForms(value: string): readonly string[] {
  const named = jsonParts(value).filter(({ name, part }) => SECRET_NAME.test(name) && !/^https?:/.test(part));
  const wholes = [value, ...named.map(({ part }) => part)];
  const lines = wholes.flatMap((whole) => whole.split(/\s+/).filter((line) => KEY_LINE.test(line)));
  const forms = [...wholes.map((whole) => whole.trim()), ...lines].flatMap(formsOfText);
  return [...new Set(forms)].filter((form) => meaningfulBytes(form) >= FILE_FORM_BYTES_MIN);
}

/** The texts inside a secret that is itself JSON: `fromJSON(secrets.KEY).password` takes one out. */
function jsonParts(value: string): readonly { readonly name: string; readonly part: string }[] {
  if (!/^\s*[[{]/.test(value)) return [];
  const parts: { name: string; part: string }[] = [];
  try {
    JSON.parse(value, (name, part: unknown) => {
      if (typeof part === 'string' && part.length >= PART_CHARS_MIN) parts.push({ name, part });
      return part;
    });
  } catch {
    // Not JSON after all.
  }
  return parts;
}

function formsOfOne(value: string): readonly string[] {
  const forms = new Set<string>();
  const add = (form: string): void => {
    if (meaningfulBytes(form) >= FORM_BYTES_MIN) forms.add(form);
  };
  if (value !== '') forms.add(value);
  const lines = value.split(/\r\n|\r|\n/);
  for (const text of lines.length > 1
    ? [value, ...lines, ...lines.map((line) => line.trim())]
    : [value, value.trim()]) {
    formsOfText(text).forEach(add);
  }
  return [...forms];
}

function formsOfText(text: string): readonly string[] {
  return [text, ...jsonForms(text), ...htmlForms(text), ...urlForms(text), ...encodedForms(text)];
}

function jsonForms(text: string): readonly string[] {
  const escaped = JSON.stringify(text).slice(1, -1);
  // Python and PHP write characters beyond ASCII as \uXXXX; PHP escapes the slash too.
  const ascii = escaped.replace(/[\u0080-\uffff]/g, (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`);
  return [escaped, ascii, escaped.replaceAll('/', '\\/'), ascii.replaceAll('/', '\\/')];
}

const DOUBLE_QUOTES = ['"', '&quot;', '&#34;'];
const SINGLE_QUOTES = ["'", '&#39;', '&#x27;', '&apos;'];

/** Writers differ in which quotes they escape and how; some leave `>`, and Go's templates escape `+` too. */
function htmlForms(text: string): readonly string[] {
  if (!/[&<>"'+]/.test(text)) return [];
  const open = text.replaceAll('&', '&amp;').replaceAll('<', '&lt;');
  const quoted = [open, open.replaceAll('>', '&gt;')].flatMap((form) =>
    DOUBLE_QUOTES.flatMap((double) =>
      SINGLE_QUOTES.map((single) => form.replaceAll("'", single).replaceAll('"', double)),
    ),
  );
  return [...quoted, ...quoted.map((form) => form.replaceAll('+', '&#43;'))];
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
