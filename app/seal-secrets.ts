import { writeFile } from 'node:fs/promises';
import process from 'node:process';
import { parseArgs } from 'node:util';
import { isMaestroError, MaestroError, messageOf } from '../src/base/errors.ts';
import { newAgeIdentity, openSealed, parseIdentities, sealSecrets } from '../src/secrets/sealed/age.ts';
import { readBounded } from '../src/secrets/sealed/read-bounded.ts';

const USAGE = `npm run --silent secrets -- COMMAND: the sealed file that a server reads (docs/guides/secrets.md)

  identity FILE                     makes a key: FILE opens what is sealed to the recipient that is printed
  seal --to age1… < YAML > SEALED   seals secrets, after checking that a server could read them; --to may repeat
  open --identity FILE < SEALED     prints what is inside
`;
const EXIT_USAGE = 2;
const INPUT_BYTES_MAX = 1_048_576;
const OPTIONS = {
  to: { type: 'string', multiple: true, default: [] as string[] },
  identity: { type: 'string' },
  help: { type: 'boolean', short: 'h', default: false },
} as const;

try {
  process.stdout.write(await answerTo(process.argv.slice(2)));
} catch (error) {
  if (!isMaestroError(error)) throw error;
  process.stderr.write(`error[${error.code}]: ${error.message}\n${error.code === 'USAGE' ? `\n${USAGE}` : ''}`);
  process.exitCode = EXIT_USAGE;
}

async function answerTo(args: readonly string[]): Promise<string> {
  const { values, positionals } = read(args);
  const [command, file, ...more] = positionals;
  if (values.help) return USAGE;
  if (command === 'identity' && file !== undefined && more.length === 0) return makeIdentity(file);
  if (command === 'seal' && file === undefined && values.to.length > 0)
    return sealSecrets(Buffer.from(await input()).toString('utf8'), values.to);
  if (command === 'open' && file === undefined && values.identity !== undefined) {
    const identities = parseIdentities(Buffer.from(await readBounded(values.identity, true)).toString('latin1'));
    return openSealed(await input(), identities);
  }
  throw new MaestroError('USAGE', 'expected identity FILE, seal --to age1… or open --identity FILE');
}

function read(args: readonly string[]) {
  try {
    return parseArgs({ args: [...args], options: OPTIONS, allowPositionals: true });
  } catch (cause) {
    throw new MaestroError('USAGE', messageOf(cause));
  }
}

/** Never in the place of another: what was sealed to that one could not be opened any more. */
async function makeIdentity(file: string): Promise<string> {
  const { identity, recipient } = await newAgeIdentity();
  try {
    await writeFile(file, `# recipient: ${recipient}\n${identity}\n`, { mode: 0o600, flag: 'wx' });
  } catch (error) {
    throw new MaestroError('CONFIG_INVALID', `cannot make ${file}: ${(error as NodeJS.ErrnoException).code ?? ''}`);
  }
  return `${recipient}\n`;
}

async function input(): Promise<Uint8Array> {
  const parts: Buffer[] = [];
  let sizeBytes = 0;
  for await (const part of process.stdin) {
    sizeBytes += (part as Buffer).byteLength;
    if (sizeBytes > INPUT_BYTES_MAX)
      throw new MaestroError('FILE_TOO_LARGE', `expected at most ${INPUT_BYTES_MAX} bytes on standard input`);
    parts.push(part as Buffer);
  }
  return Buffer.concat(parts);
}
