import { isJsonObject, type Json, type JsonObject } from '../../base/json.ts';
import { didYouMean } from '../../pipeline/suggest.ts';
import type { PolicyInput } from '../input.ts';

/** Hears what is wrong, and where in the value that is read. */
export type Complain = (path: readonly string[], message: string) => void;

/** Mappings whose keys somebody else chooses. */
const FREE: readonly string[] = ['step.with', 'promotion.clocks'];

/**
 * A valid question with what a case changes of it: mappings are gone into, everything else replaces, `null` included. A key
 * that no such question has is a mistake: the case would test nothing.
 */
export function layOver(question: PolicyInput, change: JsonObject, complain: Complain): PolicyInput {
  const merge = (base: JsonObject, over: JsonObject, path: readonly string[]): JsonObject => {
    const merged: Record<string, Json> = { ...base };
    const isFree = FREE.includes(path.join('.'));
    for (const [key, value] of Object.entries(over)) {
      const at = [...path, key];
      const known = Object.hasOwn(base, key) ? base[key] : undefined;
      if (isFree) merged[key] = value;
      else if (known === undefined)
        complain(
          at,
          `a question of phase ${question.phase} has no ${at.join('.')}${didYouMean(key, Object.keys(base))}`,
        );
      else if (known !== null && value !== null && kindOf(known) !== kindOf(value))
        complain(at, `${at.join('.')} must be a ${kindOf(known)}`);
      else merged[key] = isJsonObject(known) && isJsonObject(value) ? merge(known, value, at) : value;
    }
    return merged;
  };
  return merge(question as unknown as JsonObject, change, []) as unknown as PolicyInput;
}

function kindOf(value: Json): string {
  if (Array.isArray(value)) return 'list';
  return typeof value === 'object' ? 'mapping' : typeof value;
}
