import type { Clock } from '../../base/clock.ts';
import { isoTime } from '../../base/clock.ts';
import type { Inbox } from '../../protocol/inbox.ts';
import type { GitHubAccess, Octokit } from '../octokit.ts';

/** GitHub keeps deliveries for three days, and sends them again for as long. */
const KEPT_MS = 3 * 86_400_000;
const PAGE = 100;
const PAGES_MAX = 50;
/** What one sweep asks for; the next goes on. */
const ASKED_AT_ONCE_MAX = 100;
/** With doubling pauses sixteen times last as long as GitHub keeps a delivery; what we refuse each time costs few calls. */
const TIMES_MAX = 16;
const FIRST_PAUSE_MS = 4000;
/** A delivery is listed a moment after it was sent. */
const OVERLAP_MS = 600_000;

export interface MissedDeliveriesOptions {
  readonly access: Pick<GitHubAccess, 'app'>;
  readonly inbox: Pick<Inbox, 'missing' | 'noteRedelivery'>;
  readonly clock: Clock;
}

type Sent = Awaited<ReturnType<Octokit['rest']['apps']['listWebhookDeliveries']>>['data'][number];

/**
 * Asks GitHub to send again what it could not deliver: it tries each webhook once. A delivery is asked for when no sending
 * of its id succeeded and it never reached the inbox, each time after twice the pause, counted in the store. A sending that
 * fails again is listed anew, so a sweep looks only at what is newer than the one before, or than the oldest that is missing.
 */
export class MissedDeliveries {
  readonly #options: MissedDeliveriesOptions;
  #sinceMs = 0;

  constructor(options: MissedDeliveriesOptions) {
    this.#options = options;
  }

  /** Answers the ids that were asked for. */
  async sweep(): Promise<readonly string[]> {
    const { access, inbox, clock } = this.#options;
    const beganMs = clock.now();
    const sent = await listSince(access.app, Math.max(this.#sinceMs, beganMs - KEPT_MS));
    const failed = failedOf(sent);
    const missing = await inbox.missing([...failed.keys()]);
    const asked: string[] = [];
    for (const guid of missing.slice(0, ASKED_AT_ONCE_MAX)) {
      const newest = failed.get(guid);
      if (!newest || !(await inbox.noteRedelivery(guid, TIMES_MAX, FIRST_PAUSE_MS))) continue;
      await access.app.rest.apps.redeliverWebhookDelivery({ delivery_id: newest.id });
      asked.push(guid);
    }
    // What is still missing stays in sight until GitHub forgets it: it may have to be asked for once more.
    const newest = missing.map((guid) => Date.parse(failed.get(guid)?.delivered_at ?? ''));
    this.#sinceMs = Math.min(beganMs - OVERLAP_MS, ...newest);
    return asked;
  }
}

/** Newest first, as GitHub lists them. */
async function listSince(app: Octokit, sinceMs: number): Promise<readonly Sent[]> {
  const found: Sent[] = [];
  const since = isoTime(sinceMs);
  let cursor: string | undefined;
  for (let page = 0; page < PAGES_MAX; page++) {
    const { data, headers } = await app.rest.apps.listWebhookDeliveries({ per_page: PAGE, ...(cursor && { cursor }) });
    const young = data.filter(({ delivered_at }) => delivered_at >= since);
    found.push(...young);
    cursor = nextCursor(headers.link);
    if (cursor === undefined || young.length < data.length) break;
  }
  return found;
}

/** Of ids that were never delivered, the newest sending. */
function failedOf(sent: readonly Sent[]): ReadonlyMap<string, Sent> {
  const delivered = new Set(sent.filter(isDelivered).map(({ guid }) => guid));
  const failed = new Map<string, Sent>();
  for (const one of sent) if (!delivered.has(one.guid) && !failed.has(one.guid)) failed.set(one.guid, one);
  return failed;
}

function isDelivered({ status_code }: Sent): boolean {
  return status_code >= 200 && status_code < 300;
}

function nextCursor(link: string | undefined): string | undefined {
  const next = /<([^>]+)>;\s*rel="next"/.exec(link ?? '')?.[1];
  return next === undefined ? undefined : (new URL(next).searchParams.get('cursor') ?? undefined);
}
