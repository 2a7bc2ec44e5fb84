import type { Digest } from '../../base/digest.ts';
import type { OutputRecord } from '../../provenance/receipt.ts';
import { candidateNames, fileName, PAPER_ENDINGS, withoutNumber } from '../../provenance/release-names.ts';

const NONE: ReadonlySet<Digest> = new Set();

/** Which outputs of a run a file may be, by what it is called: where they were made, or on the page of a release. Case does not count. */
export class NamesOfOutputs {
  readonly #byName = new Map<string, Set<Digest>>();
  /** By the last candidate, before which alone a number stands. */
  readonly #byLastName = new Map<string, Set<Digest>>();

  constructor(outputs: readonly OutputRecord[]) {
    for (const output of outputs) {
      const names = candidateNames(output);
      for (const name of [fileName(output.path), ...names]) add(this.#byName, name, output.digest);
      add(this.#byLastName, names[2], output.digest);
    }
  }

  /** Empty for a name that no output has. Several outputs may share one, of which the page shows one. */
  digestsOf(name: string): ReadonlySet<Digest> {
    const plain = name.toLowerCase();
    const named = this.#byName.get(plain) ?? NONE;
    const bare = withoutNumber(plain);
    return bare === plain ? named : named.union(this.#byLastName.get(bare) ?? NONE);
  }

  /** Of those that a statement of this name is called after. */
  digestsBehind(name: string): ReadonlySet<Digest> {
    const endings = Object.values(PAPER_ENDINGS).filter((ending) => name.endsWith(ending));
    return endings
      .map((ending) => this.digestsOf(name.slice(0, -ending.length)))
      .reduce((all, digests) => all.union(digests), NONE);
  }
}

function add(digests: Map<string, Set<Digest>>, name: string, digest: Digest): void {
  const key = name.toLowerCase();
  const known = digests.get(key);
  if (known) known.add(digest);
  else digests.set(key, new Set([digest]));
}
