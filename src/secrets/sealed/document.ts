import { isMap, isScalar, isSeq, LineCounter, type Node, type Pair, parseDocument, type YAMLMap } from 'yaml';
import { MaestroError } from '../../base/errors.ts';
import type { SecretRequest } from '../../protocol/secret-source.ts';
import { isRepositoryPattern, patternKey, patternsFor } from '../repository-pattern.ts';
import { assertSecretValue, isSecretName } from '../secret-limits.ts';

interface SealedSecret {
  readonly value: string;
  /** Released only to steps that act on one of them; null: to any step. */
  readonly environments: ReadonlySet<string> | null;
}

/** What a sealed file holds: secrets by name, by the pattern of the repositories that may have them. */
export class SealedDocument {
  readonly #secrets: ReadonlyMap<string, ReadonlyMap<string, SealedSecret>>;

  constructor(secrets: ReadonlyMap<string, ReadonlyMap<string, SealedSecret>>) {
    this.#secrets = secrets;
  }

  /** The closest pattern that has the name decides, also where it withholds it. */
  find(request: SecretRequest): Readonly<Record<string, string>> {
    const patterns = patternsFor(request);
    const found: [string, string][] = [];
    for (const name of request.names) {
      const secret = patterns.map((pattern) => this.#secrets.get(pattern)?.get(name)).find(Boolean);
      const { environments = null, value = '' } = secret ?? {};
      const isReleased =
        environments === null || (request.environment !== null && environments.has(request.environment));
      if (isReleased && value !== '') found.push([name, value]);
    }
    return Object.fromEntries(found);
  }
}

/**
 * Reads the YAML or JSON inside a sealed file.
 * @throws CONFIG_INVALID, SECRET_UNUSABLE with the line: never with any text of it that is not a name
 */
export function parseSealedDocument(text: string): SealedDocument {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false, uniqueKeys: true });
  const lineOf = (node: { readonly range?: readonly number[] | null } | null | undefined): number =>
    lines.linePos(node?.range?.[0] ?? 0).line;
  const [error] = document.errors;
  // Messages of the parser quote what they stumble over.
  if (error) throw fault(lines.linePos(error.pos[0]).line, `YAML without the error ${error.code}`);
  const { contents } = document;
  if (!isMap(contents)) throw fault(1, 'a mapping: repository -> name -> value');
  const secrets = new Map<string, ReadonlyMap<string, SealedSecret>>();
  for (const { key, value } of pairsOf(contents)) {
    const line = lineOf(key);
    const pattern = isScalar(key) ? key.value : undefined;
    if (typeof pattern !== 'string' || !isRepositoryPattern(pattern))
      throw fault(line, 'OWNER/NAME, OWNER/* or id:NUMBER');
    if (secrets.has(patternKey(pattern))) throw fault(line, `each repository once, got ${pattern} again`);
    if (!isMap(value)) throw fault(line, `a mapping for ${pattern}: name -> value`);
    secrets.set(patternKey(pattern), readSecrets(value, lineOf));
  }
  return new SealedDocument(secrets);
}

type LineOf = (node: Node | null) => number;

function readSecrets(map: YAMLMap, lineOf: LineOf): ReadonlyMap<string, SealedSecret> {
  const secrets = new Map<string, SealedSecret>();
  for (const { key, value } of pairsOf(map)) {
    const name = isScalar(key) ? key.value : undefined;
    const line = lineOf(key);
    if (typeof name !== 'string' || !isSecretName(name)) throw fault(line, 'the name of a secret');
    secrets.set(
      name,
      isMap(value) ? readRestricted(name, value, line) : { value: textOf(name, value, line), environments: null },
    );
  }
  return secrets;
}

/** `{ value: …, environments: [prod] }` */
function readRestricted(name: string, map: YAMLMap, line: number): SealedSecret {
  const fields = new Map(pairsOf(map).map(({ key, value }) => [isScalar(key) ? key.value : undefined, value]));
  const environments = fields.get('environments');
  const isKnown = [...fields.keys()].every((field) => field === 'value' || field === 'environments');
  if (!isKnown || fields.size !== 2 || !isSeq(environments))
    throw fault(line, `${name} to be a text, or to have a value and a list of environments`);
  const names = environments.items.map((item) => (isScalar(item) ? item.value : undefined));
  if (names.length === 0 || !names.every((item) => typeof item === 'string'))
    throw fault(line, `the environments of ${name} to be a list of names`);
  return { value: textOf(name, fields.get('value') ?? null, line), environments: new Set(names) };
}

/** Of a number nobody knows how it was written: `007`, `1e3`. */
function textOf(name: string, node: Node | null, line: number): string {
  const value = isScalar(node) ? node.value : undefined;
  if (typeof value !== 'string') throw fault(line, `${name} to be a text: write it in quotes`);
  assertSecretValue(name, value);
  return value;
}

function pairsOf(map: YAMLMap): readonly Pair<Node | null, Node | null>[] {
  return map.items as Pair<Node | null, Node | null>[];
}

function fault(line: number, expected: string): MaestroError {
  return new MaestroError('CONFIG_INVALID', `line ${line} of the sealed secrets: expected ${expected}`);
}
