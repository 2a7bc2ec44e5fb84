import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { JsonObject } from '../../base/json.ts';
import { defineStep, type ProgramEnd, type StepAnswer } from '../define.ts';
import { readOutputFile } from '../output-file.ts';
import { SHELL_HEAD } from './shell-head.ts';

type ShellName = 'bash' | 'sh' | 'python' | 'pwsh';

interface ShellInput {
  readonly run: string;
  readonly shell?: ShellName;
}

interface Shell {
  readonly fileName: string;
  readonly argv: (file: string) => readonly string[];
  readonly script: (run: string) => string;
}

const asWritten = (run: string): string => (run.endsWith('\n') ? run : `${run}\n`);

const SHELLS: Readonly<Record<ShellName, Shell>> = {
  bash: {
    fileName: 'script.sh',
    argv: (file) => ['bash', '--noprofile', '--norc', '-eo', 'pipefail', file],
    script: asWritten,
  },
  sh: { fileName: 'script.sh', argv: (file) => ['sh', '-e', file], script: asWritten },
  python: { fileName: 'script.py', argv: (file) => ['python3', '-u', file], script: asWritten },
  pwsh: {
    fileName: 'script.ps1',
    argv: (file) => ['pwsh', '-NoLogo', '-NoProfile', '-NonInteractive', '-File', file],
    // As GitHub's runner does: stop at the first error, and hand on the status of the last program.
    script: (run) =>
      `$ErrorActionPreference = 'stop'\n${run}\nif ((Test-Path -LiteralPath variable:\\LASTEXITCODE)) { exit $LASTEXITCODE }\n`,
  },
};

export const shellStep = defineStep<ShellInput>({
  ...SHELL_HEAD,
  run: async (context, input) => {
    const shell = SHELLS[input.shell ?? 'bash'];
    const script = join(context.temporaryDirectory, shell.fileName);
    const outputFiles = {
      GITHUB_OUTPUT: join(context.temporaryDirectory, 'github-output'),
      MAESTRO_OUTPUT: join(context.temporaryDirectory, 'output'),
    };
    await Promise.all([
      writeFile(script, shell.script(input.run), { mode: 0o600 }),
      ...Object.values(outputFiles).map((file) => writeFile(file, '', { mode: 0o600 })),
    ]);
    const end = await context.runProgram({ argv: shell.argv(script), env: outputFiles });
    const answer = answerOf(end, 'the script');
    if (answer.kind === 'retry-later') return answer;
    const outputs = await readOutputs(
      { github: outputFiles.GITHUB_OUTPUT, maestro: outputFiles.MAESTRO_OUTPUT },
      answer.kind === 'failed',
    );
    return { ...answer, outputs, result: { ...outputs, exitCode: end.exitCode ?? -1 } };
  },
});

/** What the script wrote. Where it failed, that is the message to tell, and a half-written file is not. */
async function readOutputs(
  files: { readonly github: string; readonly maestro: string },
  hasFailed: boolean,
): Promise<JsonObject> {
  try {
    const [github, maestro] = await Promise.all([readOutputFile(files.github), readOutputFile(files.maestro)]);
    return { ...github, ...maestro };
  } catch (error) {
    if (hasFailed) return {};
    throw error;
  }
}

/** Success for exit status 0, otherwise a failure of class `step` that says how the program ended. */
export function answerOf(end: ProgramEnd, what: string): StepAnswer {
  const { exitCode, signalName } = end;
  if (exitCode === 0) return { kind: 'succeeded', result: {}, exitCode };
  if (exitCode === null)
    return { kind: 'failed', errorClass: 'step', message: `${what} was ended by ${signalName ?? 'a signal'}` };
  const hint =
    exitCode === 127 ? ' (a program was not found)' : exitCode === 126 ? ' (a program is not executable)' : '';
  return { kind: 'failed', errorClass: 'step', exitCode, message: `${what} ended with exit status ${exitCode}${hint}` };
}
