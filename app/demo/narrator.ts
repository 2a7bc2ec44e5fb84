import process from 'node:process';
import { styleText } from 'node:util';
import { readDisplay } from '../config.ts';

/** A claim of the demo that turned out to be false. */
export class ClaimFailed extends Error {}

const { hasUnicode } = readDisplay(process.env);
const MARK = hasUnicode ? '✓' : 'ok';
const RULE = hasUnicode ? '─' : '-';
const RULE_COLUMNS = 78;

/** Tells a story: to a reader, or to nobody where only the claims count. */
export interface Narrator {
  readonly act: (title: string, ...sentences: readonly string[]) => void;
  readonly say: (line: string) => void;
  readonly claim: (text: string, isTrue: boolean, found?: unknown) => void;
}

/** Begins an act: what the reader is about to see, in one or two sentences. */
export function act(title: string, ...sentences: readonly string[]): void {
  print('');
  print(styleText('dim', RULE.repeat(RULE_COLUMNS)));
  print(styleText('bold', title));
  for (const sentence of sentences) print(styleText('dim', sentence));
}

/** Says what was just shown and is now checked; throws ClaimFailed where it is not so. */
export function claim(text: string, isTrue: boolean, found?: unknown): void {
  if (!isTrue) throw new ClaimFailed(`${text}${found === undefined ? '' : `; found ${JSON.stringify(found)}`}`);
  print(`${styleText('green', MARK)} ${text}`);
}

/** Tells it on this terminal. */
export const TELLER: Narrator = { act, say: (line) => print(`  ${line}`), claim };

export function showCommand(words: readonly string[]): void {
  print('');
  print(`${styleText('cyan', '$')} ${styleText('bold', words.map(quoted).join(' '))}`);
}

export function print(text: string): void {
  process.stdout.write(`${text}\n`);
}

function quoted(word: string): string {
  return /^[\w./:=@-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}
