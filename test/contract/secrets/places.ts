import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SYSTEM_CLOCK } from '../../../src/base/clock.ts';
import type { SecretProvider } from '../../../src/protocol/secret-source.ts';
import { openEnvironmentSecrets, parseReleases } from '../../../src/secrets/environment.ts';
import { newAgeIdentity, sealSecrets } from '../../../src/secrets/sealed/age.ts';
import { openSealedFile } from '../../../src/secrets/sealed/sealed-file.ts';
import { parsePathTemplate } from '../../../src/secrets/vault/path-template.ts';
import { openVault } from '../../../src/secrets/vault/vault.ts';
import { IdentityServer } from '../../fakes/identity-server.ts';
import { OpenBao } from '../../fakes/openbao.ts';
import { FakeVault } from '../../fakes/vault.ts';

/** Values by repository and name. */
export type Kept = Readonly<Record<string, Readonly<Record<string, string>>>>;

/** Somewhere values are kept: opened once for a suite, and given other values by each case. */
export interface Place {
  readonly open: () => Promise<void>;
  readonly keep: (kept: Kept) => Promise<SecretProvider>;
  readonly close: () => Promise<void>;
  /** What the operator was told. */
  readonly told: unknown[];
}

export function environmentPlace(): Place {
  return {
    told: [],
    open: async () => {},
    keep: async (kept) => {
      const names = Object.entries(kept).map(([repository, values]) => [repository, Object.keys(values)]);
      const values = Object.fromEntries(Object.values(kept).flatMap((own) => Object.entries(own)));
      return openEnvironmentSecrets(parseReleases(JSON.stringify(Object.fromEntries(names))), values);
    },
    close: async () => {},
  };
}

export function sealedPlace(): Place {
  let folder = '';
  const told: unknown[] = [];
  return {
    told,
    open: async () => {
      folder = await mkdtemp(join(tmpdir(), 'maestro-sealed-'));
    },
    keep: async (kept) => {
      const { identity, recipient } = await newAgeIdentity();
      const [path, identityPath] = [join(folder, 'secrets.age'), join(folder, 'identity')];
      await writeFile(identityPath, `${identity}\n`, { mode: 0o600 });
      await writeFile(path, await sealSecrets(JSON.stringify(kept), [recipient]));
      return openSealedFile({ path, identityPath }, (error) => told.push(error));
    },
    close: () => rm(folder, { recursive: true }),
  };
}

export function fakeVaultPlace(): Place {
  const told: unknown[] = [];
  const identity = new IdentityServer();
  let vault: FakeVault;
  return {
    told,
    open: async () => {
      await identity.open(SYSTEM_CLOCK);
      vault = await new FakeVault(identity.url, SYSTEM_CLOCK).open();
    },
    keep: async (kept) => {
      vault.secrets.clear();
      for (const [repository, values] of Object.entries(kept)) vault.secrets.set(repository, values);
      return vaultAt(vault.url, identity, told);
    },
    close: async () => {
      await vault.close();
      await identity.close();
    },
  };
}

export function openBaoPlace(program: string): Place {
  const told: unknown[] = [];
  const identity = new IdentityServer();
  const bao = new OpenBao(program);
  let filled: readonly string[] = [];
  return {
    told,
    open: async () => {
      await identity.open(SYSTEM_CLOCK);
      await bao.open({ jwks_url: `${identity.url}/.well-known/jwks.json`, bound_issuer: identity.url });
    },
    keep: async (kept) => {
      for (const repository of filled) await bao.root(`secret/delete/${repository}`, { versions: [1, 2, 3, 4, 5] });
      for (const [repository, data] of Object.entries(kept)) await bao.root(`secret/data/${repository}`, { data });
      filled = Object.keys(kept);
      return vaultAt(bao.url, identity, told);
    },
    close: async () => {
      await bao.close();
      await identity.close();
    },
  };
}

export function vaultAt(url: string, identity: IdentityServer, told: unknown[]): SecretProvider {
  const place = {
    url,
    namespace: undefined,
    mount: 'jwt',
    role: 'maestro',
    path: parsePathTemplate('secret/data/{repository}'),
  };
  const issue = (...token: Parameters<typeof identity.issuer.issue>): Promise<string> =>
    identity.issuer.issue(...token);
  return openVault(place, { fetch, clock: SYSTEM_CLOCK, issue, onTrouble: (error) => told.push(error) });
}
