import { rmSync } from 'node:fs';
import { join, relative, resolve } from 'node:path';
import process from 'node:process';
import { formatDuration } from '../src/base/duration.ts';
import { act, ClaimFailed, claim, print, TELLER } from './demo/narrator.ts';
import { proveRun } from './demo/proof.ts';
import { openStage, type Stage } from './demo/stage.ts';
import { tellStory } from './demo/story.ts';

/** `npm run demo`: the life of a change on a GitHub of its own. What it leaves behind stays in `demo-output/`. */
const OUTPUT = resolve(import.meta.dirname, '..', 'demo-output');
const USAGE = `npm run demo [-- --stay]

  --stay   afterwards, keep the pages and the server up until Ctrl-C
`;

if (process.argv.includes('--help')) print(USAGE);
else await demo(process.argv.includes('--stay'));

async function demo(isStaying: boolean): Promise<void> {
  const beganMs = performance.now();
  print('A change goes from its first push to its release, past a mistake, a stranger and a reviewer.');
  rmSync(OUTPUT, { recursive: true, force: true });
  const stage = await openStage({ output: OUTPUT });
  const stop = stopped();
  try {
    const run = await Promise.race([tellStory(stage, TELLER), stop]);
    if (run === undefined) return;
    claim('the server drained and left when it was asked to', (await stage.server.stop()) === 0);
    await proveRun(stage, run);
    showLeftovers(performance.now() - beganMs);
    if (isStaying) await stay(stage, stop);
  } catch (error) {
    if (!(error instanceof ClaimFailed)) throw error;
    process.stderr.write(`\nThe demo is not what it claims to be: ${error.message}\n`);
    process.exitCode = 1;
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

function showLeftovers(tookMs: number): void {
  const shown = (path: string): string => relative(process.cwd(), path) || '.';
  act(`Done in ${formatDuration(tookMs)}. Everything that was claimed was checked.`);
  print(`
${shown(OUTPUT)}/
  proof/       receipt.sigstore.json, run.json and maestro.pub: all that a stranger needs
  forged/      the same with one word changed
  key/         the private key that signed (made for this demo) and its public half
  server.log   what the server had to say
  state/       the server's database and blobs

Look further:
  npx maestro verify ${shown(OUTPUT)}/proof --key ${shown(OUTPUT)}/key/maestro.pub
  npm run demo -- --stay     pages to click through, where you can push and comment yourself
  MAESTRO_HOME=${shown(join(OUTPUT, 'state'))} npx maestro status`);
}
