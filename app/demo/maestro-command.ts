import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { resolve } from 'node:path';
import process from 'node:process';
import { ClaimFailed, showCommand } from './narrator.ts';

const BINARY = resolve(import.meta.dirname, '../cli.ts');
/** No command of the demo takes a minute on two cores; one that hangs must not hang the reader. */
const COMMAND_MS_MAX = 5 * 60_000;

export interface MaestroSetting {
  readonly cwd: string;
  readonly env: Readonly<Record<string, string | undefined>>;
}

/**
 * Runs the real `maestro` as a person would, on this terminal, and answers its exit code. Throws ClaimFailed where that
 * is another one than expected.
 */
export async function maestro(setting: MaestroSetting, words: readonly string[], exitCode = 0): Promise<number> {
  showCommand(['maestro', ...words]);
  const found = await exitCodeOf(start(setting, words));
  return expected(words, exitCode, found);
}

function start({ cwd, env }: MaestroSetting, words: readonly string[]) {
  return spawn(process.execPath, [BINARY, ...words], { cwd, env, stdio: 'inherit', timeout: COMMAND_MS_MAX });
}

async function exitCodeOf(child: ReturnType<typeof start>): Promise<number | null> {
  const [code] = (await once(child, 'close')) as [number | null];
  return code;
}

function expected(words: readonly string[], wanted: number, found: number | null): number {
  if (found === wanted) return found;
  throw new ClaimFailed(`expected \`maestro ${words.join(' ')}\` to exit with ${wanted}, got ${found ?? 'a signal'}`);
}
