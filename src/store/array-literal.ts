import { plainText } from './json-text.ts';

/** Postgres array literals: text that the server casts, the same for Postgres and PGlite and quicker than either's own conversion. */

export function intArray(values: readonly (number | null)[]): string {
  let text = '{';
  for (let i = 0; i < values.length; i++) text += i === 0 ? (values[i] ?? 'null') : `,${values[i] ?? 'null'}`;
  return `${text}}`;
}

export function textArray(values: readonly (string | null)[]): string {
  return `{${values.map((value) => (value === null ? 'null' : quote(value))).join(',')}}`;
}

function quote(value: string): string {
  return `"${plainText(value).replace(/["\\]/g, String.raw`\$&`)}"`;
}
