import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { CreateEngine } from './engine.ts';

interface Entry {
  readonly module: string;
  /** Options that make the variant. */
  readonly options: Readonly<Record<string, string>>;
}

/** Every engine that can be measured, by the name the command line knows it by. */
export const ROSTER = {
  maestro: { module: './engines/maestro.ts', options: {} },
  dbos: { module: './peers/dbos.ts', options: {} },
  'pg-boss': { module: './peers/pg-boss.ts', options: {} },
  'graphile-worker': { module: './peers/graphile-worker.ts', options: { style: 'plain' } },
  'graphile-worker-batched': { module: './peers/graphile-worker.ts', options: { style: 'batched' } },
} as const satisfies Record<string, Entry>;

export type EngineName = keyof typeof ROSTER;

export const PEERS = (Object.keys(ROSTER) as EngineName[]).filter((name) => name !== 'maestro');

export function isEngineName(name: string): name is EngineName {
  return Object.hasOwn(ROSTER, name);
}

/** Imports lazily: an engine that is not measured is not loaded, and peers need not be installed to measure Maestro. */
export async function loadEngine(name: EngineName): Promise<CreateEngine> {
  const url = new URL(ROSTER[name].module, import.meta.url);
  const peers = new URL('./peers/node_modules', import.meta.url);
  if (name !== 'maestro' && !existsSync(fileURLToPath(peers))) {
    throw new Error('the peers are not installed: run `npm ci --prefix test/bench/peers`');
  }
  const { create } = (await import(url.href)) as { readonly create: CreateEngine };
  return create;
}
