import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Probot } from 'probot';
import { addressKey, forwardedAddress } from '../../src/api/address.ts';
import { RateLimit } from '../../src/api/rate-limit.ts';
import type { Clock } from '../../src/base/clock.ts';
import { messageOf } from '../../src/base/errors.ts';
import { type BodyLimits, openBodyReader } from './webhook-body.ts';

export const WEBHOOK_PATH = '/api/github/webhooks';
const LIMITS: BodyLimits = {
  /** GitHub sends nothing larger. */
  bytesMax: 25 * 1_048_576,
  heldBytesMax: 256 * 1_048_576,
  /** GitHub itself gives up after ten seconds. */
  msMax: 30_000,
};
/** Deliveries of one address that are not GitHub's: it may send so many, and then waits. Those that are cost it nothing. */
const REFUSED_RATE = { perSecond: 5, burst: 200 };
const ADDRESSES_KEPT = 50_000;
/** Anybody can have GitHub send us what is not signed for us: an address that brought a true delivery is not turned away. */
const TRUSTED_MS = 3_600_000;
const NAME = /^[a-z0-9_]{1,64}$/;
const DELIVERY_ID = /^[\w-]{1,64}$/;
const SIGNATURE = /^sha256=[0-9a-f]{64}$/;

export interface DoorSettings {
  readonly clock: Clock;
  /** The last address of `X-Forwarded-For` counts as the sender's: a proxy of ours wrote it. */
  readonly isBehindProxy: boolean;
  readonly limits?: BodyLimits;
}

/** Why a webhook was not taken, for the log; never its body. */
export type OnRefused = (reason: string, status: number) => void;

/**
 * Answers `POST /api/github/webhooks`: 202 when the delivery is in the inbox, 4xx for what GitHub would not send. A failure
 * of ours is a 500, which GitHub records as a failed delivery, so that the sweeper asks for it again.
 */
export function webhookDoor(
  probot: Probot,
  onRefused: OnRefused,
  { clock, isBehindProxy, limits = LIMITS }: DoorSettings,
): (request: IncomingMessage, response: ServerResponse) => Promise<void> {
  const readBody = openBodyReader(limits);
  const refusals = new RateLimit(REFUSED_RATE, clock, ADDRESSES_KEPT);
  const trusted = new Map<string, number>();
  return async (request, response) => {
    const sender = senderOf(request, isBehindProxy);
    const answer = (status: number, reason: string): void => {
      if (status >= 400) onRefused(reason, status);
      if (NOT_OF_GITHUB.has(status)) refusals.spend(sender, 1);
      const headers = {
        'content-type': 'text/plain; charset=utf-8',
        ...(UNREAD.has(status) ? { connection: 'close' } : {}),
      };
      response.writeHead(status, headers).end(`${reason}\n`);
    };
    const waitS = refusals.waitS(sender);
    if (waitS > 0 && (trusted.get(sender) ?? 0) < clock.now()) return turnAway(response, waitS);
    if (request.method !== 'POST') return answer(405, 'expected POST');
    const [name, id, signature] = ['x-github-event', 'x-github-delivery', 'x-hub-signature-256'].map((header) =>
      String(request.headers[header] ?? ''),
    ) as [string, string, string];
    if (!NAME.test(name) || !DELIVERY_ID.test(id)) return answer(400, 'expected X-GitHub-Event and X-GitHub-Delivery');
    if (!SIGNATURE.test(signature))
      return answer(401, 'expected X-Hub-Signature-256: sha256= and 64 hexadecimal digits');
    const body = await readBody(request);
    if (body.type === 'gone') {
      refusals.spend(sender, 1);
      return onRefused('the sender went away, or was too slow, before the body was whole', 400);
    }
    if (body.type === 'too-large') return answer(413, `expected at most ${limits.bytesMax} bytes`);
    if (body.type === 'no-room') return answer(503, 'too much arrives at once: it will be asked for again');
    try {
      await take(body.text);
    } finally {
      body.release();
    }

    async function take(text: string): Promise<void> {
      if (!(await probot.webhooks.verify(text, signature).catch(() => false)))
        return answer(401, 'the signature is not that of this body under the webhook secret');
      remember(trusted, sender, clock.now() + TRUSTED_MS);
      const payload = parseObject(text);
      if (payload === undefined)
        return answer(400, 'expected a JSON object; set the content type of the webhook to application/json');
      try {
        await probot.webhooks.receive({ id, name: name as 'push', payload: payload as never });
        answer(202, 'accepted');
      } catch (error) {
        answer(500, 'the delivery could not be stored: it will be asked for again');
        onRefused(messageOf(error), 500);
      }
    }
  };
}

function remember(trusted: Map<string, number>, sender: string, untilMs: number): void {
  trusted.delete(sender);
  trusted.set(sender, untilMs);
  if (trusted.size > ADDRESSES_KEPT) trusted.delete(trusted.keys().next().value as string);
}

/** Not told to anybody: what came before was, and this may come as fast as the network brings it. */
function turnAway(response: ServerResponse, waitS: number): void {
  const headers = { 'content-type': 'text/plain; charset=utf-8', 'retry-after': String(waitS), connection: 'close' };
  response.writeHead(429, headers).end(`too much from this address was not GitHub's: try again in ${waitS} s\n`);
}

/** What GitHub does not get: its deliveries are signed, and no larger than they may be. */
const NOT_OF_GITHUB: ReadonlySet<number> = new Set([400, 401, 405, 413]);
/** Answers that leave a body unread on the connection. */
const UNREAD: ReadonlySet<number> = new Set([413, 503]);

function senderOf({ headers, socket }: IncomingMessage, isBehindProxy: boolean): string {
  const forwardedFor = isBehindProxy ? headers['x-forwarded-for'] : undefined;
  return addressKey(forwardedAddress(forwardedFor?.toString(), socket.remoteAddress ?? ''));
}

function parseObject(text: string): object | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? value : undefined;
  } catch {
    return undefined;
  }
}
