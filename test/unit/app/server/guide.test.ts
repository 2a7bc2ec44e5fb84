import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';

const CONFIG = readFileSync(new URL('../../../../app/server/config.ts', import.meta.url), 'utf8');
const GUIDE = readFileSync(new URL('../../../../docs/guides/install-the-app.md', import.meta.url), 'utf8');

it('the guide names every setting that the server reads', () => {
  const read = new Set([...CONFIG.matchAll(/(?:read|need)\('([A-Z_]+)'/g)].map(([, name]) => name ?? ''));
  expect(read.size).toBeGreaterThan(10);
  expect([...read].filter((name) => !GUIDE.includes(`\`${name}\``))).toEqual([]);
});
