import { existsSync, globSync, readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { type Breach, FILE_LINES_MAX, inspect, type Rule } from './house/inspect.ts';
import { type Law, readLaw } from './house/law.ts';
import { readSource } from './house/source.ts';

const ROOT = resolve(import.meta.dirname, '..');
const PAGE = readFileSync(resolve(ROOT, 'ARCHITECTURE.md'), 'utf8');
const LAW = readLaw(PAGE);
/** Folders beside `src/` that hold code and may own packages. */
const FOLDERS = ['app', 'actions', 'sandbox'];

function pathsOf(...patterns: string[]): string[] {
  return globSync(patterns, { cwd: ROOT, exclude: ['**/node_modules/**', '**/fixtures/**', '**/dist/**'] })
    .map((path) => path.replaceAll('\\', '/'))
    .sort();
}

const HOUSE = pathsOf('src/**/*.ts', 'app/**/*.ts', 'actions/**/*.ts', 'sandbox/**/*.ts', 'test/**/*.ts').map((path) =>
  readSource(path, readFileSync(resolve(ROOT, path), 'utf8')),
);

describe('the house', () => {
  it('was really read', () => {
    expect(HOUSE.filter(({ path }) => path.startsWith('src/')).length).toBeGreaterThan(15);
    expect(HOUSE.flatMap(({ imports }) => imports).length).toBeGreaterThan(HOUSE.length);
  });

  const breaches = inspect(HOUSE, LAW);

  it('keeps the law of ARCHITECTURE.md', () => {
    const found = breaches.filter(({ rule }) => rule !== 'unreachable');
    expect(found.map(({ rule, path, detail }) => `${rule}: ${path}: ${detail}`)).toEqual([]);
  });

  it('has no source file to which no door leads', () => {
    expect(breaches.filter(({ rule }) => rule === 'unreachable').map(({ path }) => path)).toEqual([]);
  });

  it('has a law in which no room can come to import itself', () => {
    const isAncestor = (room: string, goal: string): boolean =>
      (LAW.rooms.get(room) ?? []).some((next) => next === goal || isAncestor(next, goal));
    expect([...LAW.rooms.keys()].filter((room) => isAncestor(room, room))).toEqual([]);
  });

  it('names only known rooms in its law', () => {
    const named = [...LAW.rooms.values()].flat().concat([...LAW.packages.values()].flat(), LAW.pureRooms);
    expect(named.filter((name) => !LAW.rooms.has(name) && !FOLDERS.includes(name))).toEqual([]);
  });

  it('shows every room that exists in the tree of its page', () => {
    const rooms = new Set(HOUSE.flatMap(({ path }) => /^src\/([^/]+)\//.exec(path)?.[1] ?? []));
    expect([...rooms].filter((room) => !PAGE.includes(`│ ├ ${room}/ `))).toEqual([]);
  });

  it('has no page with a link that leads nowhere', () => {
    const dead = pathsOf('*.md', 'docs/**/*.md', 'test/**/*.md', 'templates/**/*.md', 'policy/**/*.md').flatMap(
      (page) =>
        [...readFileSync(resolve(ROOT, page), 'utf8').matchAll(/\]\((?!https?:|mailto:|#)([^)#\s]+)/g)]
          .map(([, target]) => target ?? '')
          .filter((target) => !existsSync(resolve(ROOT, dirname(page), target)))
          .map((target) => `${page}: ${target}`),
    );
    expect(dead).toEqual([]);
  });

  it('has unit tests in folders named for the rooms they test', () => {
    const rooms = new Set([...LAW.rooms.keys(), ...FOLDERS]);
    const folders = pathsOf('test/unit/**/*.test.ts').map((path) => path.split('/')[2] ?? '');
    expect([...new Set(folders)].filter((folder) => !rooms.has(folder))).toEqual([]);
  });
});

describe('the inspection of the house', () => {
  const law: Law = {
    rooms: new Map([
      ['base', []],
      ['pipeline', ['base']],
      ['store', ['base']],
    ]),
    packages: new Map([
      ['pg', ['store']],
      ['@sigstore/*', ['base']],
      ['probot', ['base', 'app']],
    ]),
    pureRooms: ['pipeline'],
  };
  /** Each file is made reachable by a door, so that a case shows only the breach it is about. */
  const rulesOf = (files: Record<string, string>): Rule[] => {
    const door = Object.keys(files).filter((path) => path.startsWith('src/'));
    const all = { 'app/door.ts': door.map((path) => `import '../${path}';`).join('\n'), ...files };
    return inspect(
      Object.entries(all).map(([path, text]) => readSource(path, text)),
      law,
    ).map((breach: Breach) => breach.rule);
  };
  const clean = {
    'src/base/id.ts': 'export const id = 1;\n',
    'src/store/row.ts': "export const row = 1; import 'pg';\n",
    'app/probot.ts': "import 'probot';\n",
    'sandbox/a.ts': 'export const a = process.env.PATH;\n',
  };

  it('accepts a house that keeps the law', () => {
    expect(
      rulesOf({ ...clean, 'src/pipeline/plan.ts': "import { id } from '../base/id.ts';\nexport const plan = id;\n" }),
    ).toEqual([]);
  });

  it.each<[Rule, string, string]>([
    ['import-law', 'src/base/a.ts', "import { row } from '../store/row.ts';"],
    ['import-law', 'src/base/a.ts', "import type { Row } from '../store/row.ts';"],
    ['import-law', 'src/base/a.ts', "export { row } from '../store/row.ts';"],
    ['import-law', 'src/base/a.ts', "export * from '../store/row.ts';"],
    ['import-law', 'src/base/a.ts', "export const row = await import('../store/row.ts');"],
    ['import-law', 'src/base/a.ts', "export type Row = import('../store/row.ts').Row;"],
    ['import-law', 'src/base/a.ts', "export const url = new URL('../store/row.ts', import.meta.url);"],
    ['computed-import', 'src/base/a.ts', 'export const load = (name: string) => import(name);'],
    ['unknown-room', 'src/attic/a.ts', 'export const a = 1;'],
    ['door-imported', 'src/base/a.ts', "import '../../app/door.ts';"],
    ['package-owner', 'src/base/a.ts', "import pg from 'pg';"],
    ['package-owner', 'src/store/a.ts', "import { x } from '@sigstore/sign';"],
    ['package-owner', 'app/a.ts', "import pg from 'pg/lib/client.js';"],
    ['package-owner', 'src/store/a.ts', "import type { Probot } from 'probot';"],
    ['door-imported', 'src/base/a.ts', "import '../../sandbox/a.ts';"],
    ['environment', 'src/base/a.ts', 'export const home = process.env.HOME;'],
    ['environment', 'src/base/a.ts', "export const home = globalThis.process['env'].HOME;"],
    ['environment', 'src/base/a.ts', 'export const { env } = process;'],
    ['environment', 'src/base/a.ts', "import { env } from 'node:process';"],
    ['impure', 'src/pipeline/a.ts', "import { readFileSync } from 'node:fs';"],
    ['impure', 'src/pipeline/a.ts', "import { spawn } from 'child_process';"],
    ['impure', 'src/pipeline/a.ts', 'export const now = Date.now();'],
    ['impure', 'src/pipeline/a.ts', 'export const now = new Date();'],
    ['impure', 'src/pipeline/a.ts', 'export const dice = Math.random();'],
    ['impure', 'src/pipeline/a.ts', "export const page = fetch('http://127.0.0.1');"],
    ['missing-file', 'src/base/a.ts', "import './gone.ts';"],
    ['too-long', 'src/base/a.ts', '\n'.repeat(FILE_LINES_MAX + 1)],
    ['vague-name', 'src/base/utils.ts', 'export const a = 1;'],
    ['vague-name', 'src/base/common/a.ts', 'export const a = 1;'],
    ['file-name', 'src/base/fooBar.ts', 'export const a = 1;'],
    ['file-name', 'src/base/index.ts', 'export const a = 1;'],
    ['unfinished', 'src/base/a.ts', '// TO_DO: later'.replace('_', '')],
  ])('reports %s of %s: %s', (rule, path, text) => {
    expect(rulesOf({ ...clean, [path]: text })).toContain(rule);
  });

  it('reports a file that no door leads to, also when a test imports it', () => {
    const files = {
      'src/base/lonely.ts': 'export const a = 1;',
      'test/unit/base/lonely.test.ts': "import '../../../src/base/lonely.ts';",
    };
    const sources = Object.entries(files).map(([path, text]) => readSource(path, text));
    expect(inspect(sources, law).map(({ rule }) => rule)).toEqual(['unreachable']);
  });

  it('refuses a page that no longer holds the tables', () => {
    expect(() => readLaw(PAGE.replace('| room | may import |', '| room | imports |'))).toThrow('no table');
    expect(() => readLaw(PAGE.replace('Pure rooms: ', 'Rooms: '))).toThrow('Pure rooms');
  });
});
