import { createPublicKey } from 'node:crypto';
import { cpSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { EXIT } from '../../src/cli/exit-codes.ts';
import { maestro } from './maestro-command.ts';
import { act, ClaimFailed, claim } from './narrator.ts';
import { Programs } from './programs.ts';
import type { Stage } from './stage.ts';

const KEY = 'maestro.pub';
/** The commands go into this folder; the key stays beside it. */
const FOLDER = 'release';

/**
 * Checks what a stranger downloaded of the release, by the commands of its own text; then a copy of it with one byte changed.
 * @param text of the release
 * @param isStrict fails where a program of others is not installed
 */
export async function checkRelease(
  { output, setting, keyFile }: Stage,
  text: string,
  isStrict: boolean,
): Promise<void> {
  const folder = join(output, 'download', FOLDER);
  act(
    '9  A stranger checks the release',
    'The server is gone. Whoever has the files and the public key needs no network and no account; the commands',
    'stand in the text of the release, and most are of programs that know nothing of Maestro.',
  );
  writeFileSync(
    join(output, 'key', KEY),
    createPublicKey(readFileSync(keyFile)).export({ type: 'spki', format: 'pem' }),
  );
  cpSync(join(output, 'key', KEY), join(output, 'download', KEY));
  const commands = commandsIn(text);
  const programs = new Programs(folder, isStrict);
  for (const [program = '', ...words] of commands) await check(program, words, { ...setting, cwd: folder }, programs);
  await refuseChanged(output, setting, commands, isStrict);
}

async function check(
  program: string,
  words: readonly string[],
  setting: Stage['setting'],
  programs: Programs,
): Promise<void> {
  switch (program) {
    // The sandbox is not github.com, to which it would go: the files were downloaded by their addresses.
    case 'gh':
      return;
    case 'cd':
      claim('its commands go into the folder that was downloaded', words.join(' ') === FOLDER, words);
      return;
    case 'maestro':
      await maestro(setting, words);
      return;
    case 'cosign':
      for (const verified of programs.cosign(words)) claim('stock cosign verifies it', verified);
      return;
    case 'sha256sum':
      claim('each file is what the list says', programs.run(program, words, ['--version']) !== false);
      return;
    case 'slsa-verifier':
      claim('slsa-verifier takes the verdict of the gate', programs.run(program, words, ['version']) !== false);
      return;
    default:
      throw new ClaimFailed(`the text of the release has a command of ${program}`);
  }
}

async function refuseChanged(
  output: string,
  setting: Stage['setting'],
  commands: readonly (readonly string[])[],
  isStrict: boolean,
): Promise<void> {
  act('10  Change one byte of it', 'In a copy of the file, then in one of the disclosure pack.');
  const folder = join(output, 'forged', FOLDER);
  cpSync(join(output, 'download', FOLDER), folder, { recursive: true });
  cpSync(join(output, 'key', KEY), join(output, 'forged', KEY));
  for (const name of ['orders.tar', 'disclosure.tgz']) flip(join(folder, name));
  const own = commands.filter(([program]) => program === 'maestro');
  for (const [, ...words] of own) {
    const refusal = await maestro({ ...setting, cwd: folder }, words, EXIT.unverified);
    claim(`refused with exit code ${EXIT.unverified}`, refusal === EXIT.unverified, refusal);
  }
  const signature = ['--key', `../${KEY}`, '--bundle', 'orders.tar.sigstore.json', '--insecure-ignore-tlog'];
  const type = ['--type', 'https://sigstore.dev/cosign/sign/v1'];
  const ends = new Programs(folder, isStrict).cosign(['verify-blob-attestation', ...signature, ...type, 'orders.tar']);
  for (const verified of ends) claim('stock cosign refuses it too', !verified);
}

/** One bit of a byte in the middle. */
function flip(path: string): void {
  const bytes = readFileSync(path);
  const at = Math.floor(bytes.byteLength / 2);
  bytes.writeUInt8(bytes.readUInt8(at) ^ 1, at);
  writeFileSync(path, bytes);
}

const BLOCK = /^```[a-z]*\n([^]*?)\n```$/m;
const WORD = /'([^']*)'|([^\s']+)/g;

/** The commands of a text's block of code, each as its words. */
function commandsIn(text: string): readonly (readonly string[])[] {
  const [, block = ''] = BLOCK.exec(text.replaceAll('\r\n', '\n')) ?? [];
  const lines = block.replaceAll(/ \\\n\s*/g, ' ').split('\n');
  const commands = lines.map((line) => [...line.matchAll(WORD)].map(([, quoted, plain]) => quoted ?? plain ?? ''));
  claim('its text says how to check it', commands.length > 1, text);
  return commands;
}
