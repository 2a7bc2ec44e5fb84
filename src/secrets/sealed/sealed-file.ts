import { stat } from 'node:fs/promises';
import type { SecretProvider, SecretRequest } from '../../protocol/secret-source.ts';
import { openSealed, parseIdentities } from './age.ts';
import { parseSealedDocument, type SealedDocument } from './document.ts';
import { readBounded } from './read-bounded.ts';

export interface SealedFilePlace {
  /** Sealed with age, armored or not. */
  readonly path: string;
  /** Identities that open it, in a file that nobody else can read. */
  readonly identityPath: string;
}

/**
 * Secrets in a file that is sealed with age. A change of the file, or of its identity, counts from the next request on.
 * Where what came does not open, what was there before stays, and `onTrouble` is told once.
 * @throws CONFIG_INVALID, SECRET_UNUSABLE where the file does not open at first
 */
export async function openSealedFile(
  place: SealedFilePlace,
  onTrouble: (error: unknown) => void,
): Promise<SecretProvider> {
  const version = await versionOf(place);
  return new SealedFile(place, onTrouble, version, await load(place));
}

class SealedFile implements SecretProvider {
  readonly #place: SealedFilePlace;
  readonly #onTrouble: (error: unknown) => void;
  /** Of what was last tried. */
  #version: string;
  #document: SealedDocument;
  #loading: Promise<void> | undefined;

  constructor(place: SealedFilePlace, onTrouble: (error: unknown) => void, version: string, document: SealedDocument) {
    this.#place = place;
    this.#onTrouble = onTrouble;
    this.#version = version;
    this.#document = document;
  }

  async find(request: SecretRequest): Promise<Readonly<Record<string, string>>> {
    this.#loading ??= this.#refresh();
    await this.#loading;
    return this.#document.find(request);
  }

  async close(): Promise<void> {}

  async #refresh(): Promise<void> {
    try {
      // Looked at before it is read: what is written in between has another version, and is read again.
      const version = await versionOf(this.#place);
      if (version === this.#version) return;
      this.#version = version;
      this.#document = await load(this.#place);
    } catch (error) {
      this.#onTrouble(error);
    } finally {
      this.#loading = undefined;
    }
  }
}

async function load({ path, identityPath }: SealedFilePlace): Promise<SealedDocument> {
  const identities = parseIdentities(Buffer.from(await readBounded(identityPath, true)).toString('latin1'));
  return parseSealedDocument(await openSealed(await readBounded(path, false), identities));
}

async function versionOf({ path, identityPath }: SealedFilePlace): Promise<string> {
  const versions = await Promise.all([path, identityPath].map(versionOfFile));
  return versions.join(' ');
}

/** Changes also where the new content has the size and the time of the old one. */
async function versionOfFile(path: string): Promise<string> {
  try {
    const { ino, size, mtimeNs, ctimeNs } = await stat(path, { bigint: true });
    return [ino, size, mtimeNs, ctimeNs].join('-');
  } catch (error) {
    return `gone: ${(error as NodeJS.ErrnoException).code}`;
  }
}
