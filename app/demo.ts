import { rmSync } from 'node:fs';
import { join, relative, resolve } from 'node:path';
import process from 'node:process';
import { formatDuration } from '../src/base/duration.ts';
import { firstRun, releaseRun, replayRun } from './demo/acts.ts';
import { copyCheckout } from './demo/checkout.ts';
import { act, ClaimFailed, print } from './demo/narrator.ts';
import { proveRun } from './demo/proof.ts';
import { openBusyRegistry } from './demo/registry.ts';
import { prepareStage, type Stage } from './demo/stage.ts';

/** `npm run demo`: Maestro builds Maestro, in a copy of this repository. Everything it makes stays in `demo-output/`. */
const REPOSITORY = resolve(import.meta.dirname, '..');
const OUTPUT = join(REPOSITORY, 'demo-output');

await demo();

async function demo(): Promise<void> {
  const beganMs = performance.now();
  // A terminal sends Ctrl-C to the running command as well, which cancels its run; the demo then ends with that.
  process.on('SIGINT', () => {});
  const registry = await openBusyRegistry();
  try {
    print('Maestro builds Maestro: it lints, checks, tests, packs and releases a copy of this repository.');
    rmSync(OUTPUT, { recursive: true, force: true });
    const stage = prepareStage(OUTPUT, registry.url, process.env);
    copyCheckout(REPOSITORY, stage.checkout);
    await firstRun(stage, registry);
    await replayRun(stage);
    const release = await releaseRun(stage);
    await proveRun(stage, release);
    showLeftovers(stage, performance.now() - beganMs);
  } catch (error) {
    if (!(error instanceof ClaimFailed)) throw error;
    process.stderr.write(`\nThe demo is not what it claims to be: ${error.message}\n`);
    process.exitCode = 1;
  } finally {
    registry.close();
  }
}

function showLeftovers({ output, checkout, state, keyFile }: Stage, tookMs: number): void {
  const shown = (path: string): string => relative(process.cwd(), path) || '.';
  act(`Done in ${formatDuration(tookMs)}. Everything that was claimed was checked.`);
  print(`
${shown(output)}/
  proof/       receipt.sigstore.json, run.json and maestro.pub: all that a stranger needs
  forged/      the same with one word changed
  key/         the private key that signed (made for this demo) and its public half
  package/     the tarball that the receipt names
  logs.txt     what every step of the first run wrote
  plan.json    the compiled plan of the release, with the answers of policy
  checkout/    the copy that was built; the pipeline is checkout/.maestro/ci.yaml

Look further:
  npx maestro verify ${shown(output)}/proof --key ${shown(output)}/key/maestro.pub
  export MAESTRO_HOME=$PWD/${shown(state)} MAESTRO_SIGNING_KEY=$PWD/${shown(keyFile)}
  npx maestro -C ${shown(checkout)} status
  npx maestro -C ${shown(checkout)} status latest
  npx maestro -C ${shown(checkout)} logs latest --step pack`);
}
