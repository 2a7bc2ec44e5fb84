import { existsSync, readdirSync, rmSync, statSync } from 'node:fs';
import { join, relative, resolve } from 'node:path';
import process from 'node:process';
import { formatDuration } from '../src/base/duration.ts';
import { EXIT } from '../src/cli/exit-codes.ts';
import { act, ClaimFailed, claim, print, TELLER } from './demo/narrator.ts';
import { proveRun } from './demo/proof.ts';
import { openStage, type Stage } from './demo/stage.ts';
import { tellStory } from './demo/story.ts';
import { checkRelease } from './demo/stranger.ts';

/** `npm run demo`: the life of a change on a GitHub of its own. What it leaves behind stays in `demo-output/`. */
const OUTPUT = resolve(import.meta.dirname, '..', 'demo-output');
const STAY = '--stay';
const STRICT = '--strict';
const USAGE = `npm run demo [-- --stay] [--strict] [--output=FOLDER]

  --stay            afterwards, keep the pages and the server up until Ctrl-C
  --strict          fail where cosign or slsa-verifier is not on PATH, instead of leaving them out
  --output=FOLDER   where to leave everything: a new or empty folder instead of demo-output/
  --help            print this
`;

process.exitCode = await main(process.argv.slice(2));

async function main(words: readonly string[]): Promise<number> {
  if (words.includes('--help')) {
    print(USAGE);
    return EXIT.ok;
  }
  const folder = words.find((word) => word.startsWith('--output='))?.slice('--output='.length);
  const problem = problemOf(words, folder);
  if (problem !== null) {
    process.stderr.write(`${problem}\n\n${USAGE}`);
    return EXIT.usage;
  }
  const isStrict = words.includes(STRICT);
  return await demo(folder === undefined ? OUTPUT : resolve(folder), { isStaying: words.includes(STAY), isStrict });
}

/** The demo clears its own folder before it begins, and no other one. */
function problemOf(words: readonly string[], folder: string | undefined): string | null {
  const unknown = words.find((word) => ![STAY, STRICT].includes(word) && !word.startsWith('--output='));
  if (unknown !== undefined) return `The demo does not know ${unknown}.`;
  if (folder === undefined) return null;
  if (folder === '') return '--output wants the name of a folder.';
  const isFree = !existsSync(folder) || (statSync(folder).isDirectory() && readdirSync(folder).length === 0);
  return isFree ? null : `${folder} is there and not empty: name a new or an empty folder.`;
}

async function demo(
  output: string,
  { isStaying, isStrict }: { readonly isStaying: boolean; readonly isStrict: boolean },
): Promise<number> {
  const beganMs = performance.now();
  print('A change goes from its first push to its release, past a mistake, a stranger and a reviewer.');
  if (output === OUTPUT) rmSync(OUTPUT, { recursive: true, force: true });
  const stage = await openStage({ output });
  const stop = stopped();
  try {
    const told = await Promise.race([tellStory(stage, TELLER), stop]);
    if (told === undefined) return EXIT.interrupted;
    claim('the server drained and left when it was asked to', (await stage.server.stop()) === 0);
    await checkRelease(stage, told.text, isStrict);
    await proveRun(stage, told.run, isStrict);
    showLeftovers(output, performance.now() - beganMs);
    if (isStaying) await stay(stage, stop);
    return EXIT.ok;
  } catch (error) {
    if (!(error instanceof ClaimFailed)) throw error;
    process.stderr.write(`\nThe demo is not what it claims to be: ${error.message}\n`);
    return EXIT.failed;
  } finally {
    await stage.close();
  }
}

/** Resolves at Ctrl-C. */
function stopped(): Promise<undefined> {
  return new Promise((resolve) => {
    process.once('SIGINT', () => resolve(undefined));
    process.once('SIGTERM', () => resolve(undefined));
  });
}

async function stay({ sandbox, repository, server }: Stage, stop: Promise<undefined>): Promise<void> {
  await server.restart();
  print(`
Go on yourself, as ada, grace or mallory (the menu on the page): push a change, type a comment.
  ${sandbox.url}/${repository.owner}/${repository.repo}
Ctrl-C ends it.`);
  await stop;
}

function showLeftovers(output: string, tookMs: number): void {
  const shown = (path: string): string => relative(process.cwd(), path) || '.';
  act(`Done in ${formatDuration(tookMs)}. Everything that was claimed was checked.`);
  print(`
${shown(output)}/
  download/    what a stranger got from the release, and the key
  proof/       receipt.sigstore.json, run.json and maestro.pub of the way to prod
  disclosure.tgz  the same with logs, policy and a page to read
  forged/      both, with one byte and one word changed
  key/         the private key that signed (made for this demo) and its public half
  server.log   what the server had to say
  state/       the server's database and blobs

Look further:
  npx maestro verify ${shown(output)}/proof --key ${shown(output)}/key/maestro.pub
  npm run demo -- --stay     pages to click through, where you can push and comment yourself
  MAESTRO_HOME=${shown(join(output, 'state'))} npx maestro status`);
}
