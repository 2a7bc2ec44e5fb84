import { readFileSync } from 'node:fs';
import { afterAll, describe, expect, it } from 'vitest';
import { GATE_CODES } from '../../../../src/provenance/release-gate.ts';
import { VERIFICATION_CODES } from '../../../../src/provenance/verification-error.ts';
import { GROUPS } from './groups.ts';
import { closeKeyless } from './keyless-ground.ts';
import { PAGE_PATH, refusalsPage } from './page.ts';

afterAll(closeKeyless);

describe.each(GROUPS.map((group, index) => ({ ...group, number: index + 1 })))('$number. $title', ({ items }) => {
  it.each(items)('$name: $code', async ({ answer, code }) => {
    expect(await answer(false)).toBeUndefined();
    expect(await answer(true)).toBe(code);
  });
});

it('are sixteen groups, in each of which nothing is named twice', () => {
  expect(GROUPS).toHaveLength(16);
  for (const { items } of GROUPS) expect(new Set(items.map(({ name }) => name)).size).toBe(items.length);
});

it('try every code that there is', () => {
  const tried = new Set(GROUPS.flatMap(({ items }) => items.map(({ code }) => code)));
  expect([...VERIFICATION_CODES, ...GATE_CODES].filter((code) => !tried.has(code))).toEqual([]);
});

it('docs/reference/what-verify-refuses.md is what the tables say (else run `node test/unit/provenance/must-fail/write-page.ts`)', () => {
  expect(readFileSync(PAGE_PATH, 'utf8')).toBe(refusalsPage());
});
