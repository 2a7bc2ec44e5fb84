#!/usr/bin/env node
import { enableCompileCache } from 'node:module';
import { homedir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { setFlagsFromString } from 'node:v8';

/** The `maestro` binary. Loads next to nothing itself: what it imports after this line comes from the compile cache. */
const NODE_MAJOR_MIN = 24;

await start();

async function start(): Promise<void> {
  if (Number.parseInt(process.versions.node, 10) < NODE_MAJOR_MIN) {
    process.stderr.write(
      `error[UNSUPPORTED]: Maestro needs Node ${NODE_MAJOR_MIN} or newer, this is ${process.versions.node} (${process.execPath})\n` +
        '  next: run it as `npx maestro` in the repository (npm ci brings the right Node), or install Node 24\n',
    );
    process.exitCode = 2;
    return;
  }
  // A command lives for seconds: optimising the embedded database's code costs more time, and twice the memory, than it
  // saves. Before anything is compiled: later it has no effect.
  setFlagsFromString('--no-wasm-tier-up --no-wasm-dynamic-tiering');
  const caches = process.env.XDG_CACHE_HOME || join(homedir(), '.cache');
  enableCompileCache(join(caches, 'maestro', 'compile'));
  const { runProcess } = await import('./cli-process.ts');
  await runProcess(process.argv.slice(2));
}
