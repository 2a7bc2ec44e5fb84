import type { Json } from '../base/json.ts';

export interface JsonShape {
  /** The value itself, and all that it holds. */
  readonly values: number;
  /** Those of them that are objects and lists. */
  readonly containers: number;
  /** 1 for a value that holds no others. */
  readonly depth: number;
}

/** What a value takes in memory beside its text, and what an object or list does in addition: measured, of the smallest ones. */
const VALUE_BYTES = 8;
const CONTAINER_BYTES = 64;

/** Counts without recursion, so that no nesting is too deep for it, and hardly further than `valuesMax`. */
export function shapeOf(value: Json, valuesMax: number): JsonShape {
  const open: { readonly container: object; readonly depth: number }[] = [{ container: [value], depth: 0 }];
  let values = 0;
  let containers = 0;
  let deepest = 1;
  for (let next = open.pop(); next !== undefined && values <= valuesMax; next = open.pop()) {
    const parts = Object.values(next.container) as readonly Json[];
    const depth = next.depth + 1;
    values += parts.length;
    if (parts.length > 0 && depth > deepest) deepest = depth;
    for (const part of parts) {
      if (typeof part !== 'object' || part === null) continue;
      containers++;
      open.push({ container: part, depth });
    }
  }
  return { values, containers, depth: deepest };
}

/** What JSON takes in memory once it is read: many small objects and lists take far more than their text. */
export function heapBytes(textBytes: number, { values, containers }: JsonShape): number {
  return textBytes + values * VALUE_BYTES + containers * CONTAINER_BYTES;
}

/** Characters of all texts in a value; whatever else it holds counts as one each. */
export function textChars(value: Json): number {
  if (typeof value === 'string') return value.length;
  if (typeof value !== 'object' || value === null) return 1;
  return Object.values(value).reduce((sum: number, inner) => sum + textChars(inner), 1);
}
