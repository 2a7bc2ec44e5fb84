import { defineConfig } from 'vitest/config';
import { BaseSequencer, type TestSpecification } from 'vitest/node';

/**
 * Ten times as much must run of a function of the embedded database before it is optimised: few files live long enough for that
 * to pay. (A seventh less of a core for most of them, nothing lost for those that work it hard; without optimising, a fifth more.)
 */
const NODE_OPTIONS = ['--wasm-tiering-budget=130000000'];

/** What takes minutes, in front: started last, it would run alone while the other cores have nothing left to do. */
const FIRST = ['/test/scenario/', '/test/contract/'];

class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const rank = ({ moduleId }: TestSpecification): number => {
      const found = FIRST.findIndex((folder) => moduleId.includes(folder));
      return found < 0 ? FIRST.length : found;
    };
    return (await super.sort(files)).toSorted((a, b) => rank(a) - rank(b));
  }
}

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    exclude: ['**/fixtures/**', 'node_modules/**', 'test/bench/**'],
    testTimeout: 30_000,
    hookTimeout: 60_000,
    pool: 'forks',
    execArgv: NODE_OPTIONS,
    // By default one core is left out, which on a machine of two means one file after the other.
    maxWorkers: '100%',
    sequence: { sequencer: LongestFirst },
    globalSetup: ['test/real-parts.ts', 'test/fresh-database.ts'],
  },
});
