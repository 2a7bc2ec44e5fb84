import { MaestroError } from '../../base/errors.ts';
import { isJsonObject } from '../../base/json.ts';
import type { Inbox } from '../../protocol/inbox.ts';
import { laneOf } from './lane.ts';
import { numberAt, textAt } from './payload.ts';

const NAME_CHARS_MAX = 200;

/** A webhook whose signature was checked. */
interface ReceivedWebhook {
  /** `X-GitHub-Delivery` */
  readonly id: string;
  /** `X-GitHub-Event` */
  readonly event: string;
  /** The parsed body, of any shape. */
  readonly payload: unknown;
}

export type Receive = (webhook: ReceivedWebhook) => Promise<'stored' | 'known'>;

/**
 * Stores a webhook, once per id, and does nothing else: GitHub waits ten seconds and does not try again.
 * @throws INVALID_JSON where the payload is no object, USAGE where id or event are missing
 */
export function openReceiver(inbox: Inbox): Receive {
  return async ({ id, event, payload }) => {
    if (!isName(id) || !isName(event)) throw new MaestroError('USAGE', 'expected X-GitHub-Delivery and X-GitHub-Event');
    if (!isJsonObject(payload)) throw new MaestroError('INVALID_JSON', 'expected a JSON object as the payload');
    return inbox.accept({
      id,
      event,
      lane: laneOf(event, payload),
      action: textAt(payload, 'action')?.slice(0, NAME_CHARS_MAX) ?? null,
      installationId: numberAt(payload, 'installation.id') ?? null,
      payload,
    });
  };
}

function isName(text: string): boolean {
  return text !== '' && text.length <= NAME_CHARS_MAX;
}
