import { canonicalJson } from '../../base/canonical-json.ts';
import { digestBytes, hexOf } from '../../base/digest.ts';
import { isJsonObject, type Json, type JsonObject } from '../../base/json.ts';

export interface ComponentName {
  readonly name: string;
  readonly version: string;
}

/**
 * The document as every machine writes it: without the time and the number of its making, with its lists in order, and with a
 * serial number that its content gives it. So equal projects have equal documents.
 *
 * @param epochSeconds the time to state (SOURCE_DATE_EPOCH of reproducible-builds.org); without it none is stated
 */
export function orderSbom(
  document: JsonObject,
  component: ComponentName | undefined,
  epochSeconds: number | undefined,
): { readonly text: string; readonly components: number } {
  // An annotation of a generator tells when it ran, in words.
  const { serialNumber: _number, annotations: _annotations, metadata, ...rest } = document;
  const content = ordered({
    ...rest,
    version: 1,
    metadata: metadataOf(isJsonObject(metadata) ? metadata : {}, component, epochSeconds),
  }) as JsonObject;
  const serialNumber = `urn:uuid:${uuidOf(canonicalJson(content))}`;
  return { text: `${canonicalJson({ ...content, serialNumber })}\n`, components: countOf(document.components) };
}

function metadataOf(
  { timestamp: _timestamp, component, ...metadata }: JsonObject,
  named: ComponentName | undefined,
  epochSeconds: number | undefined,
): JsonObject {
  const described = named ? describedAs(isJsonObject(component) ? component : {}, named) : component;
  return {
    ...metadata,
    ...(described === undefined ? {} : { component: described }),
    ...(epochSeconds === undefined
      ? {}
      : { timestamp: `${new Date(epochSeconds * 1000).toISOString().slice(0, 19)}Z` }),
  };
}

/** What identified the old name says nothing of the new one. References stay: the graph hangs on them. */
function describedAs(component: JsonObject, { name, version }: ComponentName): JsonObject {
  const { group: _group, purl: _purl, cpe: _cpe, swid: _swid, ...rest } = component;
  return { type: 'application', 'bom-ref': `${name}@${version}`, ...rest, name, version };
}

/** Lists whose order means nothing, by their name. All others stay: the order of `ancestors` or of a workflow's steps tells. */
const SETS: ReadonlySet<string> = new Set([
  'components',
  'dependencies',
  'dependsOn',
  'provides',
  'externalReferences',
  'hashes',
  'licenses',
  'properties',
  'services',
  'tools',
  'lifecycles',
]);

function ordered(value: Json, name = ''): Json {
  if (Array.isArray(value)) {
    const items = (value as readonly Json[]).map((item) => ordered(item));
    return SETS.has(name)
      ? items
          .map(keyed)
          .sort(byKey)
          .map(([, item]) => item)
      : items;
  }
  if (!isJsonObject(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, ordered(item, key)]));
}

function keyed(item: Json): readonly [key: string, item: Json] {
  const reference = isJsonObject(item) ? (item['bom-ref'] ?? item.ref) : undefined;
  return [typeof reference === 'string' ? reference : canonicalJson(item), item];
}

function byKey([a]: readonly [string, Json], [b]: readonly [string, Json]): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

function countOf(components: Json | undefined): number {
  if (!Array.isArray(components)) return 0;
  return (components as readonly Json[]).reduce<number>(
    (sum, one) => sum + 1 + (isJsonObject(one) ? countOf(one.components) : 0),
    0,
  );
}

/** A UUID of version 8, whose bits are its maker's own. @source RFC 9562, section 5.8 */
function uuidOf(content: string): string {
  const hex = hexOf(digestBytes(content));
  const variant = ((Number.parseInt(hex.charAt(16), 16) & 0x3) | 0x8).toString(16);
  const parts = [
    hex.slice(0, 8),
    hex.slice(8, 12),
    `8${hex.slice(13, 16)}`,
    variant + hex.slice(17, 20),
    hex.slice(20, 32),
  ];
  return parts.join('-');
}
