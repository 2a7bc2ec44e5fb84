import { Ajv } from 'ajv';
import addFormats from 'ajv-formats';
import type { HookDelivery } from '../../../sandbox/sandbox.ts';
import { webhookSchemaName, webhookSchemas } from '../../../sandbox/webhook-schema.ts';

let ajv: Ajv | null = null;

/** What is wrong with the payloads of webhooks, by GitHub's own schemas. */
export function payloadFaults(deliveries: readonly Pick<HookDelivery, 'event' | 'payload'>[]): readonly string[] {
  ajv ??= openAjv();
  const judge = ajv;
  return deliveries.flatMap(({ event, payload }) => {
    const name = webhookSchemaName(event, payload);
    const validate = judge.getSchema(`webhooks#/definitions/${name}`);
    return validate?.(payload) === true ? [] : [`${name}: ${judge.errorsText(validate?.errors)}`];
  });
}

function openAjv(): Ajv {
  const opened = new Ajv({ strict: false });
  addFormats.default(opened);
  opened.addSchema({ ...webhookSchemas(), $id: 'webhooks' });
  return opened;
}
