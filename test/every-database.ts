import { describe, it } from 'vitest';
import { describeWith } from './real-parts.ts';

/** Runs a suite on both databases: embedded always, Postgres where one is there. The URL is for `freshDatabase`. */
export function onEveryDatabase(title: string, suite: (url: string | undefined) => void): void {
  describe(`${title}, embedded`, () => {
    suite(undefined);
  });
  describeWith('postgres', `${title}, on Postgres`, suite);
}

/** For what only a database that nobody else has can promise: elsewhere there is no such test, not one that is skipped. */
export function itEmbedded(url: string | undefined, name: string, body: () => Promise<void>): void {
  const define = url === undefined ? it : (): void => {};
  define(name, body);
}
