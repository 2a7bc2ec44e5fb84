import type { Json } from '../base/json.ts';

export interface JsonShape {
  /** The value itself, and all that it holds. */
  readonly values: number;
  /** 1 for a value that holds no others. */
  readonly depth: number;
}

/** What a value takes in memory beside its text. */
const VALUE_BYTES = 48;

/** Counts without recursion, so that no nesting is too deep for it, and no further than `valuesMax`. */
export function shapeOf(value: Json, valuesMax: number): JsonShape {
  const open: { readonly value: Json; readonly depth: number }[] = [{ value, depth: 1 }];
  let values = 0;
  let deepest = 0;
  for (let next = open.pop(); next !== undefined && values <= valuesMax; next = open.pop()) {
    const { depth } = next;
    values++;
    if (depth > deepest) deepest = depth;
    if (typeof next.value !== 'object' || next.value === null) continue;
    for (const inner of Object.values(next.value) as readonly Json[]) open.push({ value: inner, depth: depth + 1 });
  }
  return { values, depth: deepest };
}

/** What JSON takes in memory once it is read, at least as good as a guess can be: many small values are larger than their text. */
export function heapBytes(textBytes: number, values: number): number {
  return textBytes + values * VALUE_BYTES;
}

/** Characters of all texts in a value; whatever else it holds counts as one each. */
export function textChars(value: Json): number {
  if (typeof value === 'string') return value.length;
  if (typeof value !== 'object' || value === null) return 1;
  return Object.values(value).reduce((sum: number, inner) => sum + textChars(inner), 1);
}
