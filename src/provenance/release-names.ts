import type { StatementKind } from './attestations/predicate-types.ts';
import { SUMS_BUNDLE_NAME, SUMS_NAME } from './disclosure/disclosure-statement.ts';
import { LOG_KEY_NAME, PROOF_NAME, RECEIPT_NAME } from './disclosure/pack-files.ts';
import { RUN_RECORD_NAME } from './run-record.ts';

export const PACK_NAME = 'disclosure.tgz';
export const GATE_NAME = 'release-gate.intoto.jsonl';
/** The envelope of the gate's SLSA summary, without the bundle around it: what slsa-verifier reads. */
export const SUMMARY_NAME = 'vsa.json';
export const KEY_NAME = 'maestro.pub';
const KEYLESS_NAME = 'receipt.keyless.sigstore.json';

/**
 * What no output is called on the page of a release: what the page itself attaches, and what a verifier reads by its name in a folder
 * to which all of the page was downloaded. A run that could call a file so would choose the key that it is checked with.
 */
export const PAGE_NAMES: readonly string[] = [
  RECEIPT_NAME,
  RUN_RECORD_NAME,
  PACK_NAME,
  GATE_NAME,
  SUMMARY_NAME,
  SUMS_NAME,
  SUMS_BUNDLE_NAME,
  KEYLESS_NAME,
  PROOF_NAME,
  LOG_KEY_NAME,
  KEY_NAME,
];

/** Whether the page keeps a name for itself; case does not count. */
export function isOfPage(name: string): boolean {
  return PAGE_NAMES.some((one) => one.toLowerCase() === name.toLowerCase());
}

/** What stands behind a name on the page: a statement about one file is called as that file is. */
export const PAPER_ENDINGS: Readonly<Record<Exclude<StatementKind, 'gate-result' | 'verification-summary'>, string>> = {
  signature: '.sigstore.json',
  provenance: '.intoto.jsonl',
  sbom: '.sbom.intoto.jsonl',
  vulnerabilities: '.vulns.intoto.jsonl',
  vex: '.vex.intoto.jsonl',
  'test-result': '.tests.intoto.jsonl',
};

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
 */
export function assetNames(outputs: readonly NamedOutput[]): readonly string[] {
  const names = new GivenNames(PAGE_NAMES);
  return outputs.map((output) => names.give(candidateNames(output)));
}

/** What `assetNames` may call an output; after the last one come numbers, which stand before it. */
export function candidateNames({ stepId, name, path }: NamedOutput): readonly [string, string, string] {
  const [step, artifact, file] = [safe(stepId), safe(name), safe(fileName(path))];
  return [file, `${artifact}-${file}`, `${step}-${artifact}-${file}`];
}

/** As it is called where it was made. */
export function fileName(path: string): string {
  return path.split('/').at(-1) ?? '';
}

/** Of a name that may have been numbered: the name without that. */
export function withoutNumber(name: string): string {
  return name.replace(/^[1-9]\d*-/, '');
}

/** Names that are given once each, also where case does not count. */
export class GivenNames {
  readonly #given: Set<string>;
  /** The last number before a name: of ten thousand equal names, none asks for those of the others again. */
  readonly #numbers = new Map<string, number>();

  constructor(taken: Iterable<string>) {
    this.#given = new Set([...taken].map((name) => name.toLowerCase()));
  }

  /** The first candidate that is free, or the last one with a number before it. @param candidates at least one */
  give(candidates: readonly string[]): string {
    const name = candidates.find((one) => !this.#isGiven(one)) ?? this.#numbered(candidates.at(-1) ?? '');
    this.#given.add(name.toLowerCase());
    return name;
  }

  #numbered(name: string): string {
    for (let number = this.#numbers.get(name.toLowerCase()) ?? 2; ; number++) {
      const numbered = `${number}-${name}`;
      this.#numbers.set(name.toLowerCase(), number);
      if (!this.#isGiven(numbered)) return numbered;
    }
  }

  #isGiven(name: string): boolean {
    return this.#given.has(name.toLowerCase());
  }
}

function safe(part: string): string {
  const plain = part.replace(UNSAFE, '-').slice(-PART_CHARS_MAX).replace(DOTS_AROUND, '');
  return plain === '' ? 'file' : plain;
}
