import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import type { JsonSchema } from './schema-type.ts';
import { type Fields, shape } from './shape.ts';

interface Document {
  readonly definitions: Readonly<Record<string, JsonSchema>>;
}

let loaded: Document | null = null;

/** GitHub's schemas of webhook payloads, read at first use. */
export function webhookSchemas(): Document {
  if (loaded === null) {
    const path = createRequire(import.meta.url).resolve('@octokit/webhooks-schemas/schema.json');
    loaded = JSON.parse(readFileSync(path, 'utf8')) as Document;
    amend(loaded);
  }
  return loaded;
}

/**
 * The schemas name the events that an installation may hear of, and what it may do; the lists are older than protection rules and
 * attestations.
 */
function amend({ definitions }: Document): void {
  const { events, permissions } = definitions['installation']?.properties ?? {};
  if (Array.isArray(events?.items?.enum)) events.items.enum.push('deployment_protection_rule');
  if (permissions?.properties) Object.assign(permissions.properties, { attestations: { enum: ['read', 'write'] } });
}

/** The name of the schema of an event: `push$event`, `check_run$created`. */
export function webhookSchemaName(event: string, payload: Fields): string {
  return typeof payload['action'] === 'string' ? `${event}$${payload['action']}` : `${event}$event`;
}

/** A payload with every field that GitHub's has, and without those that it has not. */
export function shapeWebhook(event: string, payload: Fields): Fields {
  const { definitions } = webhookSchemas();
  const schema = definitions[webhookSchemaName(event, payload)];
  if (schema === undefined) return payload;
  return shape(schema, payload, (ref) => definitions[ref.slice('#/definitions/'.length)] ?? {}) as Fields;
}
