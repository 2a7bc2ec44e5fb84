import type { Octokit } from '../octokit.ts';

const PAGE = 100;
/** What is kept of deliveries that failed: a busy hour of an outage, by a few hundred bytes each. */
const FAILED_MAX = 50_000;

/** One sending of a delivery: sent again, it is listed once more, under the same guid. */
type Sending = Awaited<ReturnType<Octokit['rest']['apps']['listWebhookDeliveries']>>['data'][number];

interface Failed {
  /** Of its first sending, as far as it is known. */
  readonly firstMs: number;
  readonly newestMs: number;
  /** Of its newest sending. May be beyond what a number holds: it is handed back as it came. */
  readonly newestId: Sending['id'];
}

/** A page of GitHub's list, newest first; `next` is where the one after it begins. */
export async function readPage(
  app: Octokit,
  cursor: string | undefined,
): Promise<{ readonly sendings: readonly Sending[]; readonly next: string | undefined }> {
  const { data, headers } = await app.rest.apps.listWebhookDeliveries({ per_page: PAGE, ...(cursor && { cursor }) });
  return { sendings: data, next: nextCursor(headers.link) };
}

function nextCursor(link: string | undefined): string | undefined {
  const next = /<([^>]+)>;\s*rel="next"/.exec(link ?? '')?.[1];
  return next === undefined ? undefined : (new URL(next).searchParams.get('cursor') ?? undefined);
}

/** Deliveries that failed at least once, by guid. Whether they came after all is for the inbox to say. */
export class FailedDeliveries {
  readonly #byGuid = new Map<string, Failed>();

  get isFull(): boolean {
    return this.#byGuid.size >= FAILED_MAX;
  }

  note(sendings: readonly Sending[]): void {
    for (const one of sendings) if (!isDelivered(one)) this.#add(one);
  }

  /** Where it is asked for again. */
  newestId(guid: string): Sending['id'] | undefined {
    return this.#byGuid.get(guid)?.newestId;
  }

  /** By their first sendings. */
  oldestFirst(): readonly string[] {
    return [...this.#byGuid].toSorted(([, a], [, b]) => a.firstMs - b.firstMs).map(([guid]) => guid);
  }

  keep(guids: readonly string[]): void {
    const kept = new Set(guids);
    for (const guid of this.#byGuid.keys()) if (!kept.has(guid)) this.#byGuid.delete(guid);
  }

  forgetBefore(ms: number): void {
    for (const [guid, { newestMs }] of this.#byGuid) if (newestMs < ms) this.#byGuid.delete(guid);
  }

  #add({ guid, id, delivered_at }: Sending): void {
    const ms = Date.parse(delivered_at);
    const known = this.#byGuid.get(guid) ?? { firstMs: ms, newestMs: ms, newestId: id };
    this.#byGuid.set(guid, {
      firstMs: Math.min(known.firstMs, ms),
      newestMs: Math.max(known.newestMs, ms),
      newestId: ms > known.newestMs ? id : known.newestId,
    });
  }
}

function isDelivered({ status_code }: Sending): boolean {
  return status_code >= 200 && status_code < 300;
}
