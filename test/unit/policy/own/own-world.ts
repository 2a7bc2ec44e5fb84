import { mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isMaestroError } from '../../../../src/base/errors.ts';
import { openBundle } from '../../../../src/policy/own/open-bundle.ts';
import type { OpenBundle } from '../../../../src/policy/own/own-rules.ts';
import { readVerifyKeys } from '../../../../src/policy/own/verify-keys.ts';
import { ACME, type Signer } from './build-bundle.ts';

/** An operator's machine: a folder of bundles and one of keys. */
export class OwnWorld {
  readonly root = mkdtempSync(join(tmpdir(), 'maestro-own-world-'));
  readonly folder = join(this.root, 'bundles');
  readonly keys = join(this.root, 'keys');
  readonly #open: OpenBundle[] = [];

  constructor(...signers: readonly Signer[]) {
    mkdirSync(this.folder);
    mkdirSync(this.keys);
    for (const signer of signers.length > 0 ? signers : [ACME]) this.trust(signer);
  }

  trust({ id, publicKey }: Pick<Signer, 'id' | 'publicKey'>): void {
    writeFileSync(join(this.keys, `${id}.pem`), publicKey);
  }

  /** As an operator should: under another name first. */
  put(name: string, packed: Uint8Array): void {
    writeFileSync(join(this.root, 'new'), packed);
    renameSync(join(this.root, 'new'), join(this.folder, `${name}.tar.gz`));
  }

  remove(name: string): void {
    rmSync(join(this.folder, `${name}.tar.gz`));
  }

  async load(packed: Uint8Array, name = 'acme'): Promise<OpenBundle> {
    const bundle = await openBundle(name, packed, await readVerifyKeys(this.keys));
    this.#open.push(bundle);
    return bundle;
  }

  /** Why a bundle is refused. */
  async refusalOf(packed: Uint8Array): Promise<string> {
    return refusalBy(() => this.load(packed));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const { thread } of this.#open) await thread.close();
    rmSync(this.root, { recursive: true });
  }
}

export async function refusalBy(deed: () => Promise<unknown>): Promise<string> {
  try {
    await deed();
  } catch (error) {
    if (isMaestroError(error, 'POLICY_INVALID') || isMaestroError(error, 'CONFIG_INVALID')) return error.message;
    throw error;
  }
  return 'accepted';
}
