import { randomBytes } from 'node:crypto';
import { link, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { MaestroError } from '../src/base/errors.ts';
import type { LogSigner } from '../src/provenance/evidence-log/log-signer.ts';
import { openEvidenceKey } from '../src/provenance/signers/evidence-key.ts';
import type { Config } from './config.ts';

const ID = /^[0-9a-f]{32}$/;
const ID_BYTES = 16;

/**
 * The key of the register that is kept with this state: the given one, or one outside of every repository, found by a name that lies
 * with the state. A new state is a new register, and gets a new key: two registers under one would look like one that was forked.
 */
export async function openRegisterKey(
  config: Pick<Config, 'evidenceKeyFile' | 'evidenceOrigin' | 'stateFolder' | 'keyFolder'>,
): Promise<LogSigner> {
  const { evidenceKeyFile, evidenceOrigin, stateFolder, keyFolder } = config;
  const path = evidenceKeyFile ?? join(keyFolder, 'registers', `${await registerId(stateFolder)}.pem`);
  return openEvidenceKey(path, evidenceOrigin);
}

async function registerId(stateFolder: string): Promise<string> {
  const path = join(stateFolder, 'register-id');
  const text = (await readFile(path, 'utf8').catch(() => makeId(path))).trim();
  if (ID.test(text)) return text;
  throw new MaestroError(
    'CONFIG_INVALID',
    `expected the name of a register in ${path}: restore it, or set MAESTRO_EVIDENCE_KEY`,
  );
}

/** Whole or not at all, and whoever was first has won. */
async function makeId(path: string): Promise<string> {
  const draft = `${path}.${process.pid}.part`;
  await writeFile(draft, randomBytes(ID_BYTES).toString('hex'), { mode: 0o600 });
  try {
    await link(draft, path).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'EEXIST') throw error;
    });
  } finally {
    await rm(draft, { force: true });
  }
  return readFile(path, 'utf8');
}
