import { constants } from 'node:fs';
import { access, stat } from 'node:fs/promises';
import { delimiter, isAbsolute, join } from 'node:path';
import { MaestroError } from '../base/errors.ts';
import type { ProgramEnd, ProgramRequest, StepContext } from './define.ts';
import { readRegularFile } from './output-file.ts';

export interface ProgramOutput extends ProgramEnd {
  /** What it wrote to standard output. */
  readonly text: string;
}

/** Standard output goes to a file; what a program says of its work stays in the log, or nowhere. */
const TO_FILE = 'out=$1; shift; exec "$@" >"$out"';
const TO_FILE_QUIETLY = `${TO_FILE} 2>/dev/null`;
/** Of a file that a program left: names of files in the temporary folder. */
let outputs = 0;

/**
 * Runs a program and answers what it wrote to standard output. What it wrote to standard error becomes the step's log.
 *
 * @param isQuiet standard error is dropped, because it may quote what nobody may read
 * @throws MaestroError OUTPUT_TOO_LARGE
 */
export async function readProgramOutput(
  context: StepContext,
  request: ProgramRequest,
  bytesMax: number,
  isQuiet = false,
): Promise<ProgramOutput> {
  const file = join(context.temporaryDirectory, `output-${outputs++}`);
  const script = isQuiet ? TO_FILE_QUIETLY : TO_FILE;
  const end = await context.runProgram({
    ...request,
    argv: ['/bin/sh', '-c', script, 'maestro', file, ...request.argv],
  });
  return { ...end, text: (await readRegularFile(file, bytesMax)) ?? '' };
}

/** The first program of that name on the step's PATH; undefined where there is none. */
export async function findProgram({ env }: Pick<StepContext, 'env'>, name: string): Promise<string | undefined> {
  for (const folder of (env.PATH ?? '').split(delimiter)) {
    // A folder that is not absolute would be another one in each working directory.
    if (!isAbsolute(folder)) continue;
    const path = join(folder, name);
    if (await isExecutable(path)) return path;
  }
  return undefined;
}

export async function isExecutable(path: string): Promise<boolean> {
  try {
    await access(path, constants.X_OK);
    return (await stat(path)).isFile();
  } catch {
    return false;
  }
}

/** As for a script's program: another worker may have it, so a retry policy may try again. */
export function programMissing(name: string, how: string): MaestroError {
  return new MaestroError('STEP_NOT_STARTED', `expected ${name} on the PATH of this worker, found none: ${how}`);
}
