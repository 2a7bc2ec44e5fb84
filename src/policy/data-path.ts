import { isJsonObject, type Json } from '../base/json.ts';

interface Match {
  readonly path: readonly string[];
  readonly value: Json;
}

/** Everything in a value that lies at a path whose parts may be `*`: `freeze.windows.*.environments.*`. */
export function matchesOf(value: Json, pattern: string): readonly Match[] {
  return pattern
    .split('.')
    .reduce<readonly Match[]>((found, part) => found.flatMap((one) => step(one, part)), [{ path: [], value }]);
}

function step({ path, value }: Match, part: string): readonly Match[] {
  return entriesOf(value)
    .filter(([key]) => part === '*' || key === part)
    .map(([key, child]) => ({ path: [...path, key], value: child }));
}

function entriesOf(value: Json): readonly (readonly [string, Json])[] {
  if (Array.isArray(value)) return value.map((item: Json, index) => [String(index), item]);
  return isJsonObject(value) ? Object.entries(value) : [];
}
