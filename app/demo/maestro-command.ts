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

/** Runs the real `maestro` as a person would, on this terminal. Throws ClaimFailed for another exit code than expected. */
export async function maestro(setting: MaestroSetting, words: readonly string[], exitCode = 0): Promise<void> {
  showCommand(['maestro', ...words]);
  const found = await exitCodeOf(start(setting, words));
  expectCode(words, exitCode, found);
}

function start({ cwd, env }: MaestroSetting, words: readonly string[]) {
  return spawn(process.execPath, [BINARY, ...words], { cwd, env, stdio: 'inherit', timeout: COMMAND_MS_MAX });
}

async function exitCodeOf(child: ReturnType<typeof start>): Promise<number | null> {
  const [code] = (await once(child, 'close')) as [number | null];
  return code;
}

function expectCode(words: readonly string[], expected: number, found: number | null): void {
  if (found === expected) return;
  throw new ClaimFailed(`expected \`maestro ${words.join(' ')}\` to exit with ${expected}, got ${found ?? 'a signal'}`);
}
