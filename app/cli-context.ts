import { statSync } from 'node:fs';
import { resolve } from 'node:path';
import process from 'node:process';
import { SYSTEM_CLOCK } from '../src/base/clock.ts';
import { MaestroError } from '../src/base/errors.ts';
import type { CommandContext, GlobalOptions } from '../src/cli/context.ts';
import { findProjectRoot } from '../src/cli/project-root.ts';
import { readConfig } from './config.ts';
import { keyRingOf } from './signing-config.ts';

/** What the commands get of this machine. Database, engine and language are loaded by the commands that ask for them. */
export function openContext({ directory }: GlobalOptions): Omit<CommandContext, 'output' | 'terminal' | 'version'> {
  const cwd = resolve(directory ?? '.');
  if (!statSync(cwd, { throwIfNoEntry: false })?.isDirectory()) {
    throw new MaestroError('USAGE', `expected a folder after -C, got '${directory ?? cwd}'`);
  }
  const root = findProjectRoot(cwd);
  const config = readConfig(process.env, root);
  return {
    cwd,
    root,
    clock: SYSTEM_CLOCK,
    principal: { provider: 'local', id: config.userName },
    environment: (name) => process.env[name],
    fetch,
    keyRing: keyRingOf(config.signing),
    onInterrupt,
    openMaestro: async (options = {}) => (await import('./wire.ts')).openLocal(config, options),
    openPreview: async () => (await import('./wire.ts')).openPreview(config),
    openPolicyDesk: async (folders) => (await import('./policy-desk.ts')).openPolicyDesk(config, folders),
    openCompiler: async () => (await import('./wire.ts')).openCompiler(config),
  };
}

function onInterrupt(listener: (signal: 'interrupt' | 'terminate') => void): () => void {
  const interrupt = (): void => listener('interrupt');
  const terminate = (): void => listener('terminate');
  process.on('SIGINT', interrupt);
  process.on('SIGTERM', terminate);
  process.on('SIGHUP', terminate);
  return () => {
    process.off('SIGINT', interrupt);
    process.off('SIGTERM', terminate);
    process.off('SIGHUP', terminate);
  };
}
