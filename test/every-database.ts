import { describe } from 'vitest';
import { describeWith } from './real-parts.ts';

/** Runs a suite on both databases: embedded always, Postgres where one is there. The URL is for `freshDatabase`. */
export function onEveryDatabase(title: string, suite: (url: string | undefined) => void): void {
  describe(`${title}, embedded`, () => {
    suite(undefined);
  });
  describeWith('postgres', `${title}, on Postgres`, suite);
}
