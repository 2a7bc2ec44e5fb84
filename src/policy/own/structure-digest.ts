import { createHash, type Hash } from 'node:crypto';
import { MaestroError } from '../../base/errors.ts';

/** A number as it is written: OPA signs `1.0` and `1` as two values, and 20 digits as they are. */
class NumberText {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

type ReadValue = (this: unknown, key: string, value: unknown, context: { readonly source?: string }) => unknown;
const parseJson = JSON.parse as (text: string, read: ReadValue) => unknown;

/**
 * SHA-256, in hex, over what a JSON file says and not over its bytes: spaces and the order of keys do not count. OPA signs
 * `data.json` and `.manifest` like this (`walk` in v1/bundle/hash.go).
 * @throws MaestroError POLICY_INVALID for what is not JSON, or nested too deeply
 */
export function structureDigest(text: string): string {
  const hash = createHash('sha256');
  try {
    addValue(
      hash,
      parseJson(text, (_key, value, { source }) => (typeof value === 'number' ? new NumberText(source ?? '') : value)),
    );
  } catch (cause) {
    throw new MaestroError('POLICY_INVALID', 'expected JSON that is not nested too deeply', { cause });
  }
  return hash.digest('hex');
}

function addValue(hash: Hash, value: unknown): void {
  if (Array.isArray(value)) addItems(hash, '[', value, ']', (item) => addValue(hash, item));
  else if (value instanceof NumberText) hash.update(value.text);
  else if (typeof value === 'string') hash.update(quoted(value));
  else if (typeof value !== 'object' || value === null) hash.update(JSON.stringify(value));
  else {
    const entries = Object.entries(value).sort(([a], [b]) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
    addItems(hash, '{', entries, '}', ([key, item]) => {
      hash.update(`${quoted(key)}:`);
      addValue(hash, item);
    });
  }
}

function addItems<Item>(
  hash: Hash,
  open: string,
  items: readonly Item[],
  close: string,
  add: (item: Item) => void,
): void {
  hash.update(open);
  for (const [index, item] of items.entries()) {
    if (index > 0) hash.update(',');
    add(item);
  }
  hash.update(close);
}

/** As Go writes it: like JavaScript, but the two line ends of Unicode are escaped. Go cannot hold half a surrogate pair. */
function quoted(text: string): string {
  if (!text.isWellFormed()) throw new RangeError('a string holds a lone surrogate');
  return JSON.stringify(text).replaceAll('\u2028', String.raw`\u2028`).replaceAll('\u2029', String.raw`\u2029`);
}
