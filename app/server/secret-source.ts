import { type IdentityDocuments, type IdentityIssuer, openIdentityIssuer } from '../../src/auth/identity-issuer.ts';
import type { Clock } from '../../src/base/clock.ts';
import { MaestroError, messageOf } from '../../src/base/errors.ts';
import type { SecretProvider, SecretSource } from '../../src/protocol/secret-source.ts';
import { openLocalSigner } from '../../src/provenance/signers/local.ts';
import { openEnvironmentSecrets } from '../../src/secrets/environment.ts';
import { openSecretSource } from '../../src/secrets/open-source.ts';
import { openSealedFile } from '../../src/secrets/sealed/sealed-file.ts';
import { openVault } from '../../src/secrets/vault/vault.ts';
import type { SecretsConfig } from './secrets-config.ts';

interface SecretSourceTools {
  /** Of this server, without a slash at the end: the issuer of its identity tokens. */
  readonly publicUrl: string;
  readonly clock: Clock;
  readonly newId: () => string;
  readonly onTrouble: (error: unknown) => void;
}

export interface ServerSecrets {
  readonly source: SecretSource;
  /** What others verify this server's identity tokens with; undefined where it issues none. */
  readonly identity: IdentityDocuments | undefined;
  /** After the last read. */
  close(): Promise<void>;
}

/**
 * The places that the settings name, in their order.
 * @throws CONFIG_INVALID, KEY_INVALID, SECRET_UNUSABLE where one of them cannot be opened
 */
export async function openServerSecrets(config: SecretsConfig, tools: SecretSourceTools): Promise<ServerSecrets> {
  const issuer = await issuerOf(config, tools);
  const source = openSecretSource(await Promise.all(config.map((place) => providerOf(place, issuer, tools))));
  return { source, identity: issuer?.documents, close: () => source.close() };
}

async function issuerOf(config: SecretsConfig, tools: SecretSourceTools): Promise<IdentityIssuer | undefined> {
  const vault = config.find(({ type }) => type === 'vault');
  if (vault?.type !== 'vault') return undefined;
  return openIdentityIssuer(tools.publicUrl, await openLocalSigner(vault.identityKeyFile), tools);
}

async function providerOf(
  place: SecretsConfig[number],
  issuer: IdentityIssuer | undefined,
  { clock, onTrouble }: SecretSourceTools,
): Promise<SecretProvider> {
  if (place.type === 'environment') return openEnvironmentSecrets(place.releases, place.values);
  if (place.type === 'sealed')
    return openSealedFile(place, onTrouble).catch((error: unknown) => {
      throw new MaestroError('CONFIG_INVALID', `MAESTRO_SECRETS, sealed: ${messageOf(error)}`);
    });
  if (!issuer) throw new TypeError('a vault needs an issuer');
  return openVault(place, { fetch, clock, onTrouble, issue: (...token) => issuer.issue(...token) });
}
