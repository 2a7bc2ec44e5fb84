import { data } from '@actions/expressions';
import { isJsonObject, type Json, type JsonObject } from '../base/json.ts';

/**
 * A JSON object as GitHub's evaluator reads it, wrapped only where it is read: contexts can be large and an expression
 * reads one path.
 *
 * Reads own properties alone, so neither `constructor` nor `__proto__` leads anywhere.
 */
export class JsonDictionary extends data.Dictionary {
  readonly source: JsonObject;
  /** Wrapped values: GitHub compares objects by identity, so a path must give the same one twice. */
  readonly #wrapped = new Map<string, data.ExpressionData>();

  constructor(source: JsonObject) {
    super();
    this.source = source;
  }

  override get(key: string): data.ExpressionData | undefined {
    const name = Object.hasOwn(this.source, key) ? key : this.#nameLike(key);
    return name === undefined ? undefined : this.#wrap(name);
  }

  override values(): data.ExpressionData[] {
    return Object.keys(this.source).map((name) => this.#wrap(name));
  }

  override pairs(): { key: string; value: data.ExpressionData }[] {
    return Object.keys(this.source).map((key) => ({ key, value: this.#wrap(key) }));
  }

  /** GitHub's keys ignore case. */
  #nameLike(key: string): string | undefined {
    const lower = key.toLowerCase();
    return Object.keys(this.source).find((name) => name.toLowerCase() === lower);
  }

  #wrap(name: string): data.ExpressionData {
    let value = this.#wrapped.get(name);
    if (value === undefined) {
      value = toData(this.source[name] ?? null);
      this.#wrapped.set(name, value);
    }
    return value;
  }
}

export function toData(value: Json): data.ExpressionData {
  if (value === null) return new data.Null();
  if (typeof value === 'string') return new data.StringData(value);
  if (typeof value === 'number') return new data.NumberData(value);
  if (typeof value === 'boolean') return new data.BooleanData(value);
  if (isJsonObject(value)) return new JsonDictionary(value);
  const list = new data.Array();
  for (const item of value) list.add(toData(item));
  return list;
}

export function toJson(value: data.ExpressionData): Json {
  if (value instanceof JsonDictionary) return value.source;
  if (value instanceof data.StringData || value instanceof data.BooleanData) return value.value;
  if (value instanceof data.NumberData) return Number.isFinite(value.value) ? value.value : value.coerceString();
  if (value instanceof data.Array) return value.values().map(toJson);
  if (value instanceof data.Dictionary)
    return Object.fromEntries(value.pairs().map((pair) => [pair.key, toJson(pair.value)]));
  return null;
}

/** GitHub's truth: null, false, 0, NaN and the empty text are false, everything else is true. */
export function isTruthy(value: data.ExpressionData): boolean {
  if (value instanceof data.BooleanData) return value.value;
  if (value instanceof data.NumberData) return value.value !== 0 && !Number.isNaN(value.value);
  if (value instanceof data.StringData) return value.value !== '';
  return !(value instanceof data.Null);
}
