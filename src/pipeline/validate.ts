import { Ajv2020, type ErrorObject, type ValidateFunction } from 'ajv/dist/2020.js';
import { isJsonObject, type Json } from '../base/json.ts';
import type { Findings, LintCode, Span } from './finding.ts';
import { PIPELINE_SCHEMA } from './schema.ts';
import { jsonOf, nodeAt, type SourceNode } from './source.ts';
import { didYouMean } from './suggest.ts';

let compiled: ValidateFunction | undefined;

/** Checks the shape of a whole file against the schema; every violation becomes a finding at its own place. */
export function validateShape(root: SourceNode, findings: Findings): void {
  // The schema is ours, and a test holds it to JSON Schema: checking it at each start would cost more than using it.
  const options = {
    allErrors: true,
    verbose: true,
    allowUnionTypes: true,
    strictRequired: false,
    validateSchema: false,
  };
  compiled ??= new Ajv2020(options).compile(PIPELINE_SCHEMA);
  if (compiled(jsonOf(root))) return;
  for (const error of compiled.errors ?? []) reportShape(root, error, findings);
}

/** JSON Pointer (RFC 6901) to its parts. */
export function pointerParts(pointer: string): readonly string[] {
  return pointer
    .split('/')
    .slice(1)
    .map((part) => part.replaceAll('~1', '/').replaceAll('~0', '~'));
}

/** What a schema violation means to a person, without its place. */
export function shapeMessage(error: ErrorObject): string {
  const params = error.params as Record<string, unknown>;
  const described = (error.parentSchema as { description?: string } | undefined)?.description;
  const got = showValue(error.data as Json);
  switch (error.keyword) {
    case 'type':
      return `expected ${described ?? [params['type']].flat().join(' or ')}, got ${got}`;
    case 'enum': {
      const allowed = params['allowedValues'] as readonly string[];
      return `expected ${allowed.join(', ')}, got ${got}${typeof error.data === 'string' ? didYouMean(error.data, allowed) : ''}`;
    }
    case 'pattern':
      return `expected ${described ?? `text that matches ${String(params['pattern'])}`}, got ${got}`;
    default:
      return `${error.message ?? 'is not valid'}, got ${got}`;
  }
}

function reportShape(root: SourceNode, error: ErrorObject, findings: Findings): void {
  const node = nodeAt(root, pointerParts(error.instancePath));
  const params = error.params as Record<string, unknown>;
  if (error.keyword === 'additionalProperties') return reportUnknownKey(node, error, findings);
  if (error.keyword === 'required') {
    return findings.error(
      'schema-key-missing',
      headOf(node),
      `the key "${String(params['missingProperty'])}" is missing`,
    );
  }
  if (error.keyword === 'propertyNames') return;
  if (error.propertyName !== undefined) {
    return findings.error(
      'schema-value',
      keyOf(node, error.propertyName),
      shapeMessage({ ...error, data: error.propertyName }),
    );
  }
  if (error.keyword === 'enum' && error.data === 'policy') {
    return findings.error(
      'retry-on-policy',
      node,
      'a denial by policy is never retried: remove "policy" from retry.on',
    );
  }
  if (error.keyword === 'maxItems' && STEP_LISTS.has(error.instancePath)) {
    return findings.error(
      'steps-limit',
      headOf(node),
      `expected at most ${String(params['limit'])} steps, got ${(error.data as Json[]).length}`,
    );
  }
  const code: LintCode = error.keyword === 'type' ? 'schema-type' : 'schema-value';
  findings.error(code, node, shapeMessage(error));
}

const STEP_LISTS: ReadonlySet<string> = new Set(['/steps', '/tasks']);

function reportUnknownKey(node: SourceNode, error: ErrorObject, findings: Findings): void {
  const name = String((error.params as Record<string, unknown>)['additionalProperty']);
  const known = Object.keys((error.parentSchema as { properties?: object } | undefined)?.properties ?? {});
  findings.error('schema-key-unknown', keyOf(node, name), `unknown key "${name}"${didYouMean(name, known)}`);
}

export function keyOf(node: SourceNode, name: string): Span {
  return (node.kind === 'map' ? node.entries.get(name)?.key : undefined) ?? node;
}

/** The first key of a map: a finding about a whole map must not underline all of its lines. */
export function headOf(node: SourceNode): Span {
  const first = node.kind === 'map' ? node.entries.values().next().value : undefined;
  return first?.key ?? { start: node.start, end: node.start };
}

function showValue(value: Json): string {
  if (Array.isArray(value)) return `a list of ${value.length}`;
  if (isJsonObject(value)) return 'a map';
  const text = JSON.stringify(value) ?? 'nothing';
  return text.length <= 60 ? text : `${text.slice(0, 57)}...`;
}
