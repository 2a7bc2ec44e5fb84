import { createHmac } from 'node:crypto';
import type { JsonObject } from '../../base/json.ts';
import { defineStep, type StepContext } from '../define.ts';
import { judge, sendOrFail } from '../http/http.ts';
import { NOTIFY_HEAD } from './notify-head.ts';

const TIMEOUT_MS = 15_000;
/** As GitHub signs its webhooks: `sha256=` and the hex HMAC of the body's bytes. */
export const SIGNATURE_HEADER = 'x-maestro-signature-256';

interface NotifyInput {
  readonly url: string;
  readonly message: string;
  readonly format?: 'webhook' | 'slack';
  readonly title?: string;
  readonly data?: JsonObject;
  readonly secret?: string;
}

export const notifyStep = defineStep<NotifyInput>({
  ...NOTIFY_HEAD,
  run: async (context, input) => {
    const body = JSON.stringify(input.format === 'slack' ? slackMessage(input) : webhookMessage(context, input));
    const signature: Record<string, string> =
      input.secret === undefined ? {} : { [SIGNATURE_HEADER]: signBody(body, input.secret) };
    const response = await sendOrFail({
      url: input.url,
      method: 'POST',
      headers: {
        'user-agent': 'maestro',
        'content-type': 'application/json',
        'idempotency-key': context.idempotencyKey,
        ...signature,
      },
      body,
      timeoutMs: TIMEOUT_MS,
      egress: context.step.egress,
      secrets: Object.values(context.secrets),
      signal: context.signal,
    });
    if (!('status' in response)) return response;
    const answer = judge(response, undefined);
    // The receiver's answer is of no interest to later steps.
    return answer.kind === 'retry-later' ? answer : { ...answer, result: { status: response.status } };
  },
});

export function signBody(body: string, secret: string): string {
  return `sha256=${createHmac('sha256', secret).update(body).digest('hex')}`;
}

function webhookMessage(
  { runId, step, attempt, idempotencyKey, contexts }: StepContext,
  { message, title, data }: NotifyInput,
): JsonObject {
  const pipeline = (contexts.run as JsonObject | undefined)?.pipeline ?? null;
  return {
    type: 'maestro.notify',
    id: idempotencyKey,
    runId,
    pipeline,
    step: step.id,
    attempt,
    title: title ?? null,
    message,
    data: data ?? {},
  };
}

/** @source https://docs.slack.dev/messaging/formatting-message-text — `&`, `<` and `>` are the only characters to escape */
function slackMessage({ message, title, data }: NotifyInput): JsonObject {
  const fields = Object.entries(data ?? {})
    .slice(0, 10)
    .map(([name, value]) => ({
      type: 'mrkdwn',
      text: `*${escapeSlack(name)}*\n${escapeSlack(typeof value === 'string' ? value : JSON.stringify(value)).slice(0, 1900)}`,
    }));
  return {
    text: escapeSlack(title === undefined ? message : `${title}: ${message}`),
    blocks: [
      ...(title === undefined ? [] : [{ type: 'header', text: { type: 'plain_text', text: title } }]),
      { type: 'section', text: { type: 'mrkdwn', text: escapeSlack(message).slice(0, 3000) } },
      ...(fields.length === 0 ? [] : [{ type: 'section', fields }]),
    ],
  };
}

function escapeSlack(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}
