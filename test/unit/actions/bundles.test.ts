import { globSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { buildActions } from '../../../actions/build.ts';

const ROOT = resolve(import.meta.dirname, '../../..');

describe('the committed bundles of the actions', async () => {
  const built = await buildActions();
  const text = (path: string): string => Buffer.from(built.get(path) ?? '').toString('utf8');

  it('are what the sources make, byte for byte (else: npm run actions:build)', () => {
    const committed = globSync('actions/*/dist/*', { cwd: ROOT }).sort();
    expect([...built.keys()].sort()).toEqual(committed);
    const stale = committed.filter(
      (path) => !readFileSync(join(ROOT, path)).equals(built.get(path) ?? Buffer.alloc(0)),
    );
    expect(stale).toEqual([]);
  });

  it('are what the action files name', () => {
    for (const file of ['action.yml', 'actions/lint/action.yml', 'actions/verify/action.yml']) {
      const { runs } = parse(readFileSync(join(ROOT, file), 'utf8'));
      expect(runs.using).toBe('node24');
      expect(built.has(join(file, '..', runs.main))).toBe(true);
    }
  });

  it('say nothing of the machine that made them', () => {
    for (const path of built.keys()) expect(text(path)).not.toContain(ROOT);
  });

  it('stay small, without database, policy engine or server', () => {
    const kilobytes = (path: string): number => text(path).length / 1024;
    expect(kilobytes('actions/run/dist/main.js')).toBeLessThan(900);
    expect(kilobytes('actions/lint/dist/main.js')).toBeLessThan(800);
    expect(kilobytes('actions/verify/dist/main.js')).toBeLessThan(100);
    expect([...built.keys()].filter((path) => /pglite|opa_wasm|OpaWasm|probot/i.test(text(path)))).toEqual([]);
  });

  it('carry the licence of every package in them', () => {
    const licences = text('actions/run/dist/licences.txt');
    for (const name of ['yaml', 'ajv', 'jsonata', 'picomatch'])
      expect(licences).toMatch(new RegExp(`^${name} [\\d.]+ \\(`, 'm'));
    expect(licences).not.toMatch(/see below/);
  });
});
