import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { EMPTY_ROOT } from '../../src/provenance/disclosure/verify-text.ts';
import { ClaimFailed, print, showCommand } from './narrator.ts';

/** Under whatever names it is installed: each is asked, since versions differ in what they look at. */
const COSIGNS = ['cosign', 'cosign2', 'cosign3'];
const ROOT_NAME = 'empty-root.json';

/** Stock programs of others, in a folder. They share nothing with Maestro, and agree with it. */
export class Programs {
  readonly #cwd: string;
  readonly #isStrict: boolean;

  /** @param isStrict one that is not installed is a claim that failed, and not only told */
  constructor(cwd: string, isStrict: boolean) {
    this.#cwd = cwd;
    this.#isStrict = isStrict;
  }

  /** Each cosign that is on PATH; answers how each ended. */
  cosign(words: readonly string[], output: 'inherit' | 'ignore' = 'inherit'): readonly boolean[] {
    const found = COSIGNS.filter((name) => isInstalled(name, ['version']));
    if (found.length === 0) this.#miss('cosign');
    writeFileSync(join(this.#cwd, ROOT_NAME), EMPTY_ROOT);
    // The last two are for cosign 2, which would ask the network whom to trust; cosign 3 takes them too.
    const all = [words[0] ?? '', '--new-bundle-format', '--trusted-root', ROOT_NAME, ...words.slice(1)];
    return found.map((name) => this.#run(name, all, output));
  }

  /** Undefined where it is not installed. */
  run(name: string, words: readonly string[], asked: readonly string[]): boolean | undefined {
    if (isInstalled(name, asked)) return this.#run(name, words, 'inherit');
    this.#miss(name);
    return undefined;
  }

  #run(name: string, words: readonly string[], output: 'inherit' | 'ignore'): boolean {
    showCommand([name, ...words]);
    return succeeds(name, words, this.#cwd, output);
  }

  #miss(name: string): void {
    if (this.#isStrict) throw new ClaimFailed(`${name} is not on PATH`);
    print(`  ${name} is not on PATH: with it, this would be verified once more (docs/guides/verify.md)`);
  }
}

function isInstalled(name: string, words: readonly string[]): boolean {
  return succeeds(name, words, '.', 'ignore');
}

function succeeds(name: string, words: readonly string[], cwd: string, output: 'inherit' | 'ignore'): boolean {
  try {
    execFileSync(name, words, { cwd, stdio: ['ignore', output, output] });
    return true;
  } catch {
    return false;
  }
}
