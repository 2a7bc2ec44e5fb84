import type { Json } from '../base/json.ts';
import type { Span } from './finding.ts';

/** A value of the file with its place. Aliases are shared nodes, so the tree can be a graph without cycles. */
export type SourceNode = ScalarNode | ListNode | MapNode;

export interface ScalarNode extends Span {
  readonly kind: 'scalar';
  readonly value: string | number | boolean | null;
}

interface ListNode extends Span {
  readonly kind: 'list';
  readonly items: readonly SourceNode[];
}

interface MapNode extends Span {
  readonly kind: 'map';
  /** Keys are unique. */
  readonly entries: ReadonlyMap<string, SourceEntry>;
}

export interface SourceEntry {
  readonly key: Span;
  readonly value: SourceNode;
}

/** The plain value. Keys such as `__proto__` never get here: the parser refuses them. */
export function jsonOf(node: SourceNode): Json {
  if (node.kind === 'scalar') return node.value;
  if (node.kind === 'list') return node.items.map(jsonOf);
  const object: Record<string, Json> = {};
  for (const [key, { value }] of node.entries) object[key] = jsonOf(value);
  return object;
}

/** The value of a key, where the node is a map that has it. */
export function child(node: SourceNode | undefined, key: string): SourceNode | undefined {
  return node?.kind === 'map' ? node.entries.get(key)?.value : undefined;
}

export function textOf(node: SourceNode | undefined): string | undefined {
  return node?.kind === 'scalar' && typeof node.value === 'string' ? node.value : undefined;
}

export function itemsOf(node: SourceNode | undefined): readonly SourceNode[] {
  return node?.kind === 'list' ? node.items : [];
}

/** The deepest node that a JSON path leads to. */
export function nodeAt(root: SourceNode, path: readonly string[]): SourceNode {
  let node = root;
  for (const part of path) {
    const next = node.kind === 'list' ? node.items[Number(part)] : child(node, part);
    if (!next) break;
    node = next;
  }
  return node;
}

/** Every text in a value, with its node. */
export function* textsIn(node: SourceNode): Generator<ScalarNode & { readonly value: string }> {
  if (node.kind === 'scalar') {
    if (typeof node.value === 'string') yield node as ScalarNode & { readonly value: string };
  } else if (node.kind === 'list') for (const item of node.items) yield* textsIn(item);
  else for (const { value } of node.entries.values()) yield* textsIn(value);
}
