/** Of each part: GitHub takes 255 in all. The end is kept, where the kind of a file is told. */
const PART_CHARS_MAX = 80;
const UNSAFE = /[^A-Za-z0-9._-]+/g;
const DOTS_AROUND = /^[.-]+|\.+$/g;

/** An output of a run, by what it may be called. */
export interface NamedOutput {
  readonly stepId: string;
  /** Of the artifact. */
  readonly name: string;
  readonly path: string;
}

/**
 * A file name for each output, in their order: its own, or, where that is taken, with its artifact's and its step's before it.
 * Safe everywhere, GitHub included, which writes others anew; and unique also where case does not count.
 *
 * @param taken names that no output gets
 */
export function assetNames(outputs: readonly NamedOutput[], taken: readonly string[]): readonly string[] {
  const used = new Set(taken.map((name) => name.toLowerCase()));
  return outputs.map(({ stepId, name, path }) => {
    const parts = [stepId, name, path.split('/').at(-1) ?? ''].map(safe);
    const candidates = [2, 1, 0].map((from) => parts.slice(from).join('-'));
    const chosen =
      candidates.find((one) => !used.has(one.toLowerCase())) ?? freeName(candidates.at(-1) ?? '', [...used]);
    used.add(chosen.toLowerCase());
    return chosen;
  });
}

/** The name, or with the first number before it that nothing has; also unique where case does not count. */
export function freeName(name: string, taken: readonly string[]): string {
  const used = new Set(taken.map((one) => one.toLowerCase()));
  for (let n = 1; ; n++) {
    const numbered = n === 1 ? name : `${n}-${name}`;
    if (!used.has(numbered.toLowerCase())) return numbered;
  }
}

function safe(part: string): string {
  const plain = part.replace(UNSAFE, '-').slice(-PART_CHARS_MAX).replace(DOTS_AROUND, '');
  return plain === '' ? 'file' : plain;
}
