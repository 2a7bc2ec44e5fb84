import type { ReleaseBoard } from '../../protocol/release-board.ts';
import type { Delivery, DeliveryHandler } from '../delivery-handler.ts';
import { numberAt } from '../intake/payload.ts';

/** What people do to a page that stands. Of our own publishing GitHub tells as well: that look finds all as it was, and costs no write. */
const CHANGES = ['edited', 'deleted', 'published', 'unpublished'] as const;

/** Handlers of the webhooks that say that a release was changed: what was attached is compared with what passed the gate. */
export function releaseHandlers({
  releases,
}: {
  readonly releases: Pick<ReleaseBoard, 'lookAgain'>;
}): Readonly<Record<string, DeliveryHandler>> {
  const look = async ({ payload }: Delivery): Promise<string> => {
    const [repositoryId, releaseId] = [numberAt(payload, 'repository.id'), numberAt(payload, 'release.id')];
    if (repositoryId === undefined || releaseId === undefined) return 'ignored: names no release';
    const isOurs = await releases.lookAgain(repositoryId, releaseId);
    return isOurs ? 'its files are looked at once more' : 'no run filled this release';
  };
  return Object.fromEntries(CHANGES.map((action) => [`release.${action}`, look]));
}
