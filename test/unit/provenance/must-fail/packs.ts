import { readArchive } from '../../../../src/provenance/disclosure/archive.ts';
import type { DisclosureFacts } from '../../../../src/provenance/disclosure/disclosure-facts.ts';
import { verifyDisclosure } from '../../../../src/provenance/disclosure/verify-disclosure.ts';
import type { Signer } from '../../../../src/provenance/signer.ts';
import { forgedPack, sampleFacts, samplePack } from '../disclosure/sample-disclosure.ts';
import { packed, plainFile, type TarEntry, tarBytes } from '../disclosure/sample-tar.ts';
import { sampleSigner } from '../sample-run.ts';
import { type Item, once, refusalOf } from './item.ts';

/** A disclosure pack, and what it is made of. */
export interface PackGround {
  readonly signer: Signer;
  readonly facts: DisclosureFacts;
  readonly archive: Uint8Array;
  /** The receipt of a run that differs from the pack's by its nonce. */
  readonly otherRun: { readonly bundle: string; readonly runRecord: string };
}

export const packGround = once<PackGround>(async () => {
  const signer = await sampleSigner();
  const facts = await sampleFacts(signer);
  const other = await sampleFacts(signer, (run) => ({ ...run, run: { ...run.run, nonce: 'ff'.repeat(16) } }));
  return { signer, facts, archive: await samplePack(signer, facts), otherRun: other.receipt };
});

type Files = Map<string, Uint8Array>;

/** By an issuer who has the right key: a pack with other files, of which a true list of digests was signed. */
export function packItem(name: string, code: string, change: (files: Files, ground: PackGround) => unknown): Item {
  return archiveItem(name, code, ({ signer, facts, ...given }, isTampered) =>
    forgedPack(signer, facts, (files) => isTampered && change(files, { signer, facts, ...given })),
  );
}

/** By whoever has the pack: its archive, entry by entry. */
export function entriesItem(name: string, code: string, change: (entries: TarEntry[]) => unknown): Item {
  return archiveItem(name, code, async ({ archive }, isTampered) => {
    const { folder, files } = await readArchive(archive);
    const entries = [...files].map(([path, content]) => plainFile(`${folder}/${path}`, content));
    if (isTampered) change(entries);
    return packed(await tarBytes(entries));
  });
}

export function archiveItem(
  name: string,
  code: string,
  make: (ground: PackGround, isTampered: boolean) => Uint8Array | Promise<Uint8Array>,
): Item {
  const answer = async (isTampered: boolean): Promise<string | undefined> => {
    const given = await packGround();
    const archive = await make(given, isTampered);
    return refusalOf(() => verifyDisclosure({ archive, key: given.signer.publicKeyPem }));
  };
  return { name, code, answer };
}
