import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Probot } from 'probot';
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
const NAME = /^[a-z0-9_]{1,64}$/;
const DELIVERY_ID = /^[\w-]{1,64}$/;
const SIGNATURE = /^sha256=[0-9a-f]{64}$/;

/** Why a webhook was not taken, for the log; never its body. */
export type OnRefused = (reason: string, status: number) => void;

/**
 * Answers `POST /api/github/webhooks`: 202 when the delivery is in the inbox, 4xx for what GitHub would not send. A failure
 * of ours is a 500, which GitHub records as a failed delivery, so that the sweeper asks for it again.
 */
export function webhookDoor(
  probot: Probot,
  onRefused: OnRefused,
  limits: BodyLimits = LIMITS,
): (request: IncomingMessage, response: ServerResponse) => Promise<void> {
  const readBody = openBodyReader(limits);
  return async (request, response) => {
    const answer = (status: number, reason: string): void => {
      if (status >= 400) onRefused(reason, status);
      const headers = {
        'content-type': 'text/plain; charset=utf-8',
        ...(status === 413 || status === 503 ? { connection: 'close' } : {}),
      };
      response.writeHead(status, headers).end(`${reason}\n`);
    };
    if (request.method !== 'POST') return answer(405, 'expected POST');
    const [name, id, signature] = ['x-github-event', 'x-github-delivery', 'x-hub-signature-256'].map((header) =>
      String(request.headers[header] ?? ''),
    ) as [string, string, string];
    if (!NAME.test(name) || !DELIVERY_ID.test(id)) return answer(400, 'expected X-GitHub-Event and X-GitHub-Delivery');
    if (!SIGNATURE.test(signature))
      return answer(401, 'expected X-Hub-Signature-256: sha256= and 64 hexadecimal digits');
    const body = await readBody(request);
    if (body.type === 'gone') return onRefused('the sender went away, or was too slow, before the body was whole', 400);
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

function parseObject(text: string): object | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? value : undefined;
  } catch {
    return undefined;
  }
}
