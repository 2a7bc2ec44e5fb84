import type { LayoutImage } from '../oci/read-layout.ts';
import { attach, type Referrer } from './referrers.ts';
import type { RegistryClient } from './registry-client.ts';
import { attachSimpleSignature, type SimpleSignature } from './simple-signature.ts';

/** Blobs on their way at one time. */
const BLOBS_AT_ONCE = 3;

/** What is attached to an image. */
export interface Papers {
  readonly referrers: readonly Referrer[];
  readonly simpleSignatures: readonly SimpleSignature[];
}

export interface Pushed {
  /** Digests of the manifests of what was attached, in the order given. */
  readonly referrers: readonly string[];
  readonly sentBlobs: number;
  readonly sentBytes: number;
  /** Blobs that the registry had already, in this repository or in another. */
  readonly knownBlobs: number;
}

/**
 * Brings an image to a registry: blobs, manifests by digest, what is attached to it, tags last.
 *
 * So nobody who pulls a tag ever finds half an image, or an image without its papers. Cut anywhere and done again, it goes on.
 */
export async function pushImage(
  client: RegistryClient,
  { image, manifests, blobs }: LayoutImage,
  papers: Papers,
  tags: readonly string[],
): Promise<Pushed> {
  const counts = { sentBlobs: 0, sentBytes: 0, knownBlobs: 0 };
  await inLanes(blobs, async ({ descriptor, path }) => {
    const isSent = (await client.pushFile(descriptor, path)) === 'sent';
    counts.knownBlobs += isSent ? 0 : 1;
    counts.sentBlobs += isSent ? 1 : 0;
    counts.sentBytes += isSent ? descriptor.size : 0;
  });
  for (const { descriptor, bytes } of manifests)
    await client.putManifest(descriptor.digest, descriptor.mediaType, new Uint8Array(bytes));
  const attached: string[] = [];
  for (const referrer of papers.referrers) attached.push((await attach(client, image, referrer)).digest);
  for (const signature of papers.simpleSignatures) await attachSimpleSignature(client, image, signature);
  const top = manifests.at(-1);
  for (const tag of top ? tags : []) await client.putManifest(tag, image.mediaType, new Uint8Array(top?.bytes ?? []));
  return { referrers: attached, ...counts };
}

/** Where one fails, no other is begun, and all that were have ended. */
async function inLanes<T>(items: readonly T[], work: (item: T) => Promise<void>): Promise<void> {
  const rest = [...items];
  const failures: unknown[] = [];
  const lane = async (): Promise<void> => {
    for (let item = rest.shift(); item !== undefined && failures.length === 0; item = rest.shift())
      await work(item).catch((error: unknown) => failures.push(error));
  };
  await Promise.all(Array.from({ length: BLOBS_AT_ONCE }, lane));
  if (failures.length > 0) throw failures[0];
}
