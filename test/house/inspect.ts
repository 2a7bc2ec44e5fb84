import { builtinModules } from 'node:module';
import { posix } from 'node:path';
import type { Law } from './law.ts';
import type { Source } from './source.ts';

export type Rule =
  | 'import-law'
  | 'unknown-room'
  | 'door-imported'
  | 'package-owner'
  | 'environment'
  | 'impure'
  | 'computed-import'
  | 'missing-file'
  | 'too-long'
  | 'vague-name'
  | 'file-name'
  | 'unfinished'
  | 'unreachable';

export interface Breach {
  readonly rule: Rule;
  readonly path: string;
  readonly detail: string;
}

export const FILE_LINES_MAX = 400;
const VAGUE = new Set([
  'utils',
  'util',
  'helpers',
  'helper',
  'common',
  'manager',
  'service',
  'misc',
  'shared',
  'stuff',
]);
const KEBAB = /^[a-z0-9]+(?:-[a-z0-9]+)*(?:\.test)?\.ts$/;
const BUILTINS = new Set(builtinModules);
/** Of node's own modules a pure room may use only what computes. */
const PURE_BUILTINS = new Set(['node:assert', 'node:assert/strict']);
const DOORS = new Set(['app', 'actions']);
/** Stands for GitHub in demo and tests: doors may open it, nothing that is delivered knows of it. */
const STAGE = 'sandbox';

/** Everything in which the given files break the law. Pure: the test feeds it the real house and bad ones. */
export function inspect(sources: readonly Source[], law: Law): Breach[] {
  const byPath = new Map(sources.map((source) => [source.path, source]));
  const breaches = sources.flatMap((source) => [
    ...ofRoom(source, law),
    ...source.imports.flatMap((target) => ofImport(source, target, law, byPath)),
    ...ofPurity(source, law),
    ...ofForm(source),
  ]);
  return [...breaches, ...unreachable(byPath)];
}

function ofRoom({ path }: Source, law: Law): Breach[] {
  const room = roomOf(path);
  return room && !law.rooms.has(room)
    ? [{ rule: 'unknown-room', path, detail: `${room} is not in ARCHITECTURE.md` }]
    : [];
}

function ofImport(source: Source, target: string, law: Law, byPath: ReadonlyMap<string, Source>): Breach[] {
  const { path } = source;
  if (target === '(computed)')
    return roomOf(path) ? [{ rule: 'computed-import', path, detail: 'import(expression)' }] : [];
  if (!target.startsWith('.')) return ofPackage(path, target, law);
  const file = resolveFrom(path, target);
  if (file.endsWith('.ts') && !byPath.has(file)) return [{ rule: 'missing-file', path, detail: target }];
  if (isOutside(topOf(file)) && !mayOpen(path)) return [{ rule: 'door-imported', path, detail: target }];
  return ofRooms(path, file, law);
}

function ofRooms(path: string, file: string, law: Law): Breach[] {
  const [from, to] = [roomOf(path), roomOf(file)];
  if (!from || from === to || law.rooms.get(from)?.includes(to ?? '')) return [];
  return [{ rule: 'import-law', path, detail: `${from} may not import ${to ?? file}` }];
}

function ofPackage(path: string, target: string, law: Law): Breach[] {
  if (topOf(path) === 'test') return [];
  const parts = target.split('/');
  const name = target.startsWith('@') ? parts.slice(0, 2).join('/') : parts[0]!;
  const owners = law.packages.get(name) ?? law.packages.get(`${parts[0]}/*`);
  if (!owners || owners.includes(roomOf(path) ?? topOf(path))) return [];
  return [{ rule: 'package-owner', path, detail: `${name} belongs to ${owners.join(', ')}` }];
}

function ofPurity({ path, imports, readsEnvironment, impurities }: Source, law: Law): Breach[] {
  const breaches: Breach[] = [];
  const top = topOf(path);
  if (readsEnvironment && !isOutside(top) && top !== 'test')
    breaches.push({ rule: 'environment', path, detail: 'reads process' });
  if (!law.pureRooms.includes(roomOf(path) ?? '')) return breaches;
  const worldly = imports.filter((target) => isBuiltin(target) && !PURE_BUILTINS.has(target));
  for (const detail of [...worldly, ...impurities]) breaches.push({ rule: 'impure', path, detail });
  return breaches;
}

function ofForm({ path, lineCount, unfinished }: Source): Breach[] {
  const breaches: Breach[] = [];
  const folders = path.split('/');
  const file = folders.pop()!;
  const stem = file.replace(/(\.test)?\.ts$/, '');
  if (lineCount > FILE_LINES_MAX) breaches.push({ rule: 'too-long', path, detail: `${lineCount} lines` });
  if ([...folders, stem].some((name) => VAGUE.has(name))) breaches.push({ rule: 'vague-name', path, detail: stem });
  if (!KEBAB.test(file) || (stem === 'index' && path !== 'src/index.ts'))
    breaches.push({ rule: 'file-name', path, detail: file });
  if (unfinished.length > 0 && topOf(path) !== 'test')
    breaches.push({ rule: 'unfinished', path, detail: unfinished.join(', ') });
  return breaches;
}

/** Files of `src` that no door and not the SDK's `index.ts` leads to: dead, or used by tests alone. */
function unreachable(byPath: ReadonlyMap<string, Source>): Breach[] {
  const isEntry = (path: string): boolean => DOORS.has(topOf(path)) || path === 'src/index.ts';
  const reached = new Set<string>();
  const queue = [...byPath.keys()].filter(isEntry);
  for (let path = queue.pop(); path !== undefined; path = queue.pop()) {
    if (reached.has(path)) continue;
    reached.add(path);
    for (const target of byPath.get(path)?.imports ?? [])
      if (target.startsWith('.')) queue.push(resolveFrom(path, target));
  }
  return [...byPath.keys()]
    .filter((path) => topOf(path) === 'src' && !reached.has(path))
    .map((path) => ({ rule: 'unreachable', path, detail: 'no door leads here' }));
}

/** `src/<room>/…` -> room. `src/index.ts` belongs to no room. */
function roomOf(path: string): string | undefined {
  const [top, room, file] = path.split('/');
  return top === 'src' && file !== undefined ? room : undefined;
}

function isOutside(top: string): boolean {
  return DOORS.has(top) || top === STAGE;
}

function mayOpen(path: string): boolean {
  return isOutside(topOf(path)) || topOf(path) === 'test';
}

function topOf(path: string): string {
  return path.split('/')[0]!;
}

function resolveFrom(path: string, target: string): string {
  return posix.normalize(posix.join(posix.dirname(path), target));
}

function isBuiltin(target: string): boolean {
  return target.startsWith('node:') || BUILTINS.has(target.split('/')[0]!);
}
