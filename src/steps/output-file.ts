import { constants } from 'node:fs';
import { open } from 'node:fs/promises';
import { MaestroError } from '../base/errors.ts';
import { isJsonObject, type Json, type JsonObject } from '../base/json.ts';
import { OUTPUT_BYTES_MAX } from '../protocol/outcome.ts';

/**
 * What a program wrote as its outputs: a JSON object, or GitHub's lines `name=value` and `name<<END … END`.
 *
 * A file that does not exist or is empty holds none. Throws OUTPUT_INVALID and OUTPUT_TOO_LARGE.
 */
export async function readOutputFile(path: string): Promise<JsonObject> {
  const text = await readRegularFile(path, OUTPUT_BYTES_MAX);
  return text === undefined || text.trim() === '' ? {} : parseOutputs(text);
}

export function parseOutputs(text: string): JsonObject {
  return text.trimStart().startsWith('{') ? parseJsonOutputs(text) : parseLineOutputs(text);
}

function parseJsonOutputs(text: string): JsonObject {
  let value: Json;
  try {
    value = JSON.parse(text) as Json;
  } catch (cause) {
    throw new MaestroError(
      'OUTPUT_INVALID',
      'expected a JSON object in the output file, got text that begins like one but is not JSON',
      { cause },
    );
  }
  if (!isJsonObject(value)) throw new MaestroError('OUTPUT_INVALID', 'expected a JSON object in the output file');
  return value;
}

/** @source https://docs.github.com/en/actions/reference/workflow-commands-for-github-actions#setting-an-output-parameter */
function parseLineOutputs(text: string): JsonObject {
  const outputs: [string, string][] = [];
  const lines = text.split(/\r?\n/);
  for (let i = 0; i < lines.length; i++) {
    const line = lines[i] as string;
    if (line === '') continue;
    const heredoc = /^([^=<]+)<<(.+)$/.exec(line);
    const equals = line.indexOf('=');
    if (heredoc) {
      const end = lines.indexOf(heredoc[2] as string, i + 1);
      if (end < 0)
        throw new MaestroError(
          'OUTPUT_INVALID',
          `expected the delimiter of output ${heredoc[1]} on a line of its own, got the end of the file`,
        );
      outputs.push([heredoc[1] as string, lines.slice(i + 1, end).join('\n')]);
      i = end;
    } else if (equals > 0) {
      outputs.push([line.slice(0, equals), line.slice(equals + 1)]);
    } else {
      throw new MaestroError('OUTPUT_INVALID', `expected name=value on line ${i + 1} of the output file`);
    }
  }
  return Object.fromEntries(outputs);
}

/** Text of a small regular file; undefined where there is none. A link, pipe or device that a step put in its place is refused. */
export async function readRegularFile(path: string, bytesMax: number): Promise<string | undefined> {
  const file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK).catch(
    (error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return undefined;
      throw new MaestroError(
        'OUTPUT_INVALID',
        `expected a regular file that the step wrote, got ${error.code ?? 'another thing'}`,
        { cause: error },
      );
    },
  );
  if (!file) return undefined;
  try {
    const { size } = await file
      .stat()
      .then((stat) =>
        stat.isFile()
          ? stat
          : Promise.reject(new MaestroError('OUTPUT_INVALID', 'expected a regular file that the step wrote')),
      );
    if (size > bytesMax) throw new MaestroError('OUTPUT_TOO_LARGE', `expected at most ${bytesMax} bytes, got ${size}`);
    return (await file.readFile()).toString('utf8');
  } finally {
    await file.close();
  }
}
