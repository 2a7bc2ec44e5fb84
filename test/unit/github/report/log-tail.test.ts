import { expect, it } from 'vitest';
import { readLogTail } from '../../../../src/github/report/log-tail.ts';
import type { LogLine } from '../../../../src/protocol/event.ts';

async function* pieces(...texts: readonly (readonly [attempt: number, text: string])[]): AsyncIterable<LogLine> {
  for (const [attempt, text] of texts) yield { step: 'test', attempt, text };
}

it('the end of a log is that of the last attempt, also where pieces are not whole lines', async () => {
  const client = { readLogs: () => pieces([1, 'first attempt\n'], [2, 'one\ntw'], [2, 'o\nthree\n']) };
  expect(await readLogTail(client, 'r1', 'test')).toBe('one\ntwo\nthree');
});

it('the end of a log is 40 lines, and not more than fits', async () => {
  const lines = Array.from({ length: 100 }, (_, index) => `line ${index}\n`).join('');
  const tail = await readLogTail({ readLogs: () => pieces([1, lines]) }, 'r1', 'test');
  expect(tail.split('\n')).toHaveLength(40);
  expect(tail).toMatch(/line 99$/);
  const one = await readLogTail({ readLogs: () => pieces([1, 'x'.repeat(100_000)]) }, 'r1', 'test');
  expect(one.length).toBeLessThan(10_000);
});
