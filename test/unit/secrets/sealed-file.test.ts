import { execFileSync } from 'node:child_process';
import { chmod, copyFile, mkdtemp, readFile, rename, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { isMaestroError } from '../../../src/base/errors.ts';
import type { SecretProvider } from '../../../src/protocol/secret-source.ts';
import { type AgeIdentity, newAgeIdentity, sealSecrets } from '../../../src/secrets/sealed/age.ts';
import { openSealedFile } from '../../../src/secrets/sealed/sealed-file.ts';
import { requestFor } from '../../contract/secrets/requests.ts';
import { shownOf } from './planted.ts';

const FIXTURES = join(import.meta.dirname, 'fixtures');

describe('a sealed file', () => {
  let folder = '';
  let path = '';
  let identityPath = '';
  let own: AgeIdentity;
  let told: unknown[] = [];
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'maestro-sealed-'));
    [path, identityPath] = [join(folder, 'secrets.yaml.age'), join(folder, 'identity')];
    own = await newAgeIdentity();
    told = [];
    await writeFile(identityPath, `# mine\n${own.identity}\n`, { mode: 0o600 });
  });
  afterEach(() => rm(folder, { recursive: true }));

  const seal = async (text: string, ...recipients: readonly string[]): Promise<void> =>
    writeFile(path, await sealSecrets(text, recipients.length > 0 ? recipients : [own.recipient]));
  const open = (): Promise<SecretProvider> => openSealedFile({ path, identityPath }, (error) => told.push(error));
  const valueIn = async (provider: SecretProvider): Promise<string | undefined> =>
    (await provider.find(requestFor(['A']), AbortSignal.timeout(1000))).A;
  const refusal = async (): Promise<string> => {
    const error: unknown = await open().then(
      () => expect.fail('it was opened'),
      (failure: unknown) => failure,
    );
    expect(isMaestroError(error, 'CONFIG_INVALID')).toBe(true);
    return shownOf(error);
  };

  it('is read anew when it changes, also to one of equal size and time', async () => {
    await seal('acme/orders: { A: old }');
    const provider = await open();
    expect(await valueIn(provider)).toBe('old');
    await utimes(path, 1, 1);
    await seal('acme/orders: { A: new }');
    await utimes(path, 1, 1);
    expect(await valueIn(provider)).toBe('new');
    expect(told).toEqual([]);
  });

  it.each<[string, () => Promise<void>]>([
    ['is no sealed file', () => writeFile(path, 'acme/orders: { A: PLANTED }')],
    ['is sealed to somebody else', async () => seal('acme/orders: { A: PLANTED }', (await newAgeIdentity()).recipient)],
    ['is cut off', async () => writeFile(path, (await readFile(path, 'utf8')).slice(0, 150))],
    ['is gone', () => rm(path)],
    ['is too large', () => writeFile(path, Buffer.alloc(1_048_577))],
    ['may no longer be opened, because others can read the identity', () => chmod(identityPath, 0o644)],
  ])('keeps what it gave where the new one %s, and tells so once', async (_how, change) => {
    await seal('acme/orders: { A: old }');
    const provider = await open();
    await change();
    expect(await Promise.all([valueIn(provider), valueIn(provider)])).toEqual(['old', 'old']);
    expect(await valueIn(provider)).toBe('old');
    expect(told).toHaveLength(1);
    expect(shownOf(...told)).not.toContain('PLANTED');
    expect(shownOf(...told)).not.toContain('AGE-SECRET-KEY');
    await chmod(identityPath, 0o600);
    await seal('acme/orders: { A: newest }');
    expect(await valueIn(provider)).toBe('newest');
    expect(told).toHaveLength(1);
  });

  it('goes over to a new identity, whichever of the two files comes first', async () => {
    await seal('acme/orders: { A: old }');
    const provider = await open();
    const next = await newAgeIdentity();
    await seal('acme/orders: { A: new }', next.recipient);
    expect(await valueIn(provider)).toBe('old');
    await writeFile(join(folder, 'next'), `${own.identity}\n${next.identity}\n`, { mode: 0o600 });
    await rename(join(folder, 'next'), identityPath);
    expect(await valueIn(provider)).toBe('new');
    expect(told).toHaveLength(1);
  });

  it.each(['stock-armored.age', 'stock-binary.age'])('may be what stock age wrote: %s', async (name) => {
    // Its key opens these fixtures and nothing else.
    await copyFile(join(FIXTURES, 'stock-identity.txt'), identityPath);
    await chmod(identityPath, 0o600);
    await copyFile(join(FIXTURES, name), path);
    const names = ['NPM_TOKEN', 'DEPLOY_KEY', 'SONAR_TOKEN'];
    const values = await (await open()).find(requestFor(names, { environment: 'prod' }), AbortSignal.timeout(1000));
    expect(values).toEqual({
      NPM_TOKEN: 'npm_PLANTED-stock',
      DEPLOY_KEY: 'PLANTED-deploy',
      SONAR_TOKEN: 'PLANTED-sonar',
    });
  });

  it('does not open with any bit of it changed', async () => {
    const whole = await readFile(join(FIXTURES, 'stock-binary.age'));
    await copyFile(join(FIXTURES, 'stock-identity.txt'), identityPath);
    await chmod(identityPath, 0o600);
    for (let at = 25; at < whole.length; at += 23) {
      await writeFile(path, whole.with(at, (whole[at] ?? 0) ^ 1));
      expect(await refusal()).not.toContain('PLANTED');
    }
  });

  it.each<[string, () => Promise<unknown>]>([
    ['the file is not there', () => rm(path)],
    ['the identity is not there', () => rm(identityPath)],
    ['others can read the identity', () => chmod(identityPath, 0o640)],
    ['the identity is none', () => writeFile(identityPath, 'PLANTED')],
    [
      'the identity is mistyped',
      () =>
        writeFile(
          identityPath,
          own.identity.replace(/.$/, (last) => (last === 'Q' ? 'P' : 'Q')),
        ),
    ],
    ['the identity is the recipient', () => writeFile(identityPath, own.recipient)],
    ['the identity is empty', () => writeFile(identityPath, '# nothing\n')],
    [
      'nobody writes to the pipe in its place',
      async () => {
        await rm(path);
        execFileSync('mkfifo', [path]);
      },
    ],
    [
      'it is a folder',
      async () => {
        path = folder;
      },
    ],
  ])('does not open where %s, and shows nothing of what it read', async (_why, change) => {
    await seal('acme/orders: { A: b }');
    await change();
    const shown = await refusal();
    expect(shown).not.toContain('PLANTED');
    expect(shown).not.toContain('AGE-SECRET-KEY-1'.concat(own.identity.slice(16, 30)));
  });

  it('holds texts alone', async () => {
    const { Encrypter } = await import('age-encryption');
    const encrypter = new Encrypter();
    encrypter.addRecipient(own.recipient);
    await writeFile(path, await encrypter.encrypt(Buffer.from([0x50, 0xff, 0xfe])));
    expect(await refusal()).toContain('UTF-8');
  });

  it('is not made of secrets that are written wrongly, or for who cannot open it', async () => {
    await expect(sealSecrets('acme/orders: { A: 1 }', [own.recipient])).rejects.toMatchObject({
      code: 'CONFIG_INVALID',
    });
    const mistaken: unknown = await sealSecrets('{}', [own.identity]).catch((error: unknown) => error);
    expect(mistaken).toMatchObject({ code: 'CONFIG_INVALID' });
    expect(shownOf(mistaken)).not.toContain(own.identity);
  });
});
