const NONE = -1;

/**
 * Finds many byte strings in one pass over a stream (Aho and Corasick, 1975).
 *
 * A state is a node of the needles' trie: the longest suffix of what was read that begins some needle. Children are
 * linked lists, because a long needle is a chain; only the root, where nearly all input is spent, has a full table.
 */
export class Needles {
  readonly count: number;
  readonly #root = new Int32Array(256).fill(0);
  readonly #byte: Uint8Array;
  readonly #child: Int32Array;
  readonly #sibling: Int32Array;
  readonly #fail: Int32Array;
  /** Length of the longest needle that ends in the state; 0 for none. */
  readonly #match: Int32Array;
  readonly #depth: Int32Array;
  #nodes = 1;

  constructor(needles: readonly Uint8Array[]) {
    const nodesMax = 1 + needles.reduce((sum, needle) => sum + needle.byteLength, 0);
    this.count = needles.length;
    this.#byte = new Uint8Array(nodesMax);
    this.#child = new Int32Array(nodesMax).fill(NONE);
    this.#sibling = new Int32Array(nodesMax).fill(NONE);
    this.#fail = new Int32Array(nodesMax);
    this.#match = new Int32Array(nodesMax);
    this.#depth = new Int32Array(nodesMax);
    for (const needle of needles) this.#add(needle);
    this.#linkFailures();
  }

  /** Bytes at the end of the input that may still become a needle. */
  depth(state: number): number {
    return this.#depth[state] as number;
  }

  /**
   * Reads on from `state` until a needle ends or the input does.
   * @returns the state, where reading stopped, and the length of the longest needle that ended there (0 at the input's end)
   */
  scan(
    input: Uint8Array,
    from: number,
    state: number,
  ): { readonly state: number; readonly at: number; readonly length: number } {
    const root = this.#root;
    const match = this.#match;
    for (let at = from; at < input.length; at++) {
      const byte = input[at] as number;
      state = state === 0 ? (root[byte] as number) : this.#step(state, byte);
      if (state !== 0 && (match[state] as number) > 0) return { state, at: at + 1, length: match[state] as number };
    }
    return { state, at: input.length, length: 0 };
  }

  #step(from: number, byte: number): number {
    for (let state = from; state !== 0; state = this.#fail[state] as number) {
      const next = this.#childOf(state, byte);
      if (next !== NONE) return next;
    }
    return this.#root[byte] as number;
  }

  #childOf(state: number, byte: number): number {
    let node = this.#child[state] as number;
    while (node !== NONE && this.#byte[node] !== byte) node = this.#sibling[node] as number;
    return node;
  }

  #add(needle: Uint8Array): void {
    let state = 0;
    for (const byte of needle) {
      const known = state === 0 ? this.#root[byte] || NONE : this.#childOf(state, byte);
      state = known === NONE ? this.#grow(state, byte) : known;
    }
    if (state !== 0) this.#match[state] = needle.byteLength;
  }

  #grow(parent: number, byte: number): number {
    const node = this.#nodes++;
    this.#byte[node] = byte;
    this.#depth[node] = (this.#depth[parent] as number) + 1;
    this.#sibling[node] = this.#child[parent] as number;
    this.#child[parent] = node;
    if (parent === 0) this.#root[byte] = node;
    return node;
  }

  /** Breadth first, so that a node's failure target, which is shallower, is complete before the node. */
  #linkFailures(): void {
    const queue = new Int32Array(this.#nodes);
    let tail = 1;
    for (let head = 0; head < tail; head++) {
      const state = queue[head] as number;
      for (let node = this.#child[state] as number; node !== NONE; node = this.#sibling[node] as number) {
        queue[tail++] = node;
        const fail = state === 0 ? 0 : this.#step(this.#fail[state] as number, this.#byte[node] as number);
        this.#fail[node] = fail;
        this.#match[node] = Math.max(this.#match[node] as number, this.#match[fail] as number);
      }
    }
  }
}
