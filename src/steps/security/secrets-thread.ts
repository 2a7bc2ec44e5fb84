import { closeSync, constants, fstatSync, openSync, readFileSync } from 'node:fs';
import { extname } from 'node:path';
import { parentPort, workerData } from 'node:worker_threads';
import { lintSource } from '@secretlint/core';
import { rules } from '@secretlint/secretlint-rule-preset-recommend';
import type { ThreadAnswer } from '../thread.ts';
import { type SecretPlace, sortPlaces } from './secret-place.ts';

export interface SecretsAnswer {
  readonly places: readonly SecretPlace[];
  readonly files: number;
  readonly skipped: number;
}

interface GivenFile {
  readonly path: string;
  readonly absolutePath: string;
}

/** Larger files are data: the patterns would take minutes on them. */
const FILE_BYTES_MAX = 5_242_880;
/** A NUL in its beginning tells what is no text, as git has it. */
const PROBE_BYTES = 8000;
/** Lets a file say of itself that it holds no secret. Whoever plants one could write that too. */
const FILTER = '@secretlint/secretlint-rule-filter-comments';
const CONFIG = {
  rules: rules.filter(({ meta }) => meta.id !== FILTER).map((rule) => ({ id: rule.meta.id, rule })),
};

void search(workerData as readonly GivenFile[]).then((answer) => parentPort?.postMessage(answer, []));

async function search(files: readonly GivenFile[]): Promise<ThreadAnswer> {
  const places: SecretPlace[] = [];
  let skipped = 0;
  for (const file of files) {
    const text = readText(file.absolutePath);
    if (text === undefined) skipped++;
    else places.push(...(await placesIn(file, text)));
  }
  return {
    value: { places: sortPlaces(places).map((place) => ({ ...place })), files: files.length - skipped, skipped },
  };
}

/** Of what the rules say only names and lines are kept: their messages quote what they found. */
async function placesIn({ path, absolutePath }: GivenFile, content: string): Promise<readonly SecretPlace[]> {
  const source = { content, filePath: absolutePath, ext: extname(path), contentType: 'text' } as const;
  const { messages } = await lintSource({ source, options: { config: CONFIG, maskSecrets: true } });
  return messages.map(({ ruleId, messageId, loc }) => ({
    path,
    line: loc.start.line,
    kind: ruleId.replace(/^.*secretlint-rule-/, ''),
    rule: messageId,
  }));
}

/** Undefined for what is no text that a person wrote. */
function readText(path: string): string | undefined {
  const file = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  try {
    const stat = fstatSync(file);
    if (!stat.isFile() || stat.size > FILE_BYTES_MAX) return undefined;
    const bytes = readFileSync(file);
    return bytes.subarray(0, PROBE_BYTES).includes(0) ? undefined : bytes.toString('utf8');
  } finally {
    closeSync(file);
  }
}
