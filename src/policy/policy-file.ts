import { Ajv2020, type ErrorObject } from 'ajv/dist/2020.js';
import { MaestroError } from '../base/errors.ts';
import { isJsonObject, type JsonObject } from '../base/json.ts';
import { Findings, type Span } from '../pipeline/finding.ts';
import { parseSource, withoutByteOrderMark } from '../pipeline/parse.ts';
import { jsonOf, type SourceNode } from '../pipeline/source.ts';
import { didYouMean } from '../pipeline/suggest.ts';
import type { PolicyManifest } from './bundle.ts';
import { mergePatch } from './merge-patch.ts';

const FINDINGS_SHOWN_MAX = 20;

/**
 * The data document that a `.maestro/policy.yaml` asks for: a JSON merge patch (RFC 7396) over the bundle's defaults,
 * checked as a whole against the bundle's schema.
 * @param path how messages name the file
 * @throws MaestroError POLICY_INVALID, with one line `path:line:column: message` per finding: a broken policy is never
 *   ignored
 */
export function parsePolicyFile(text: string, manifest: PolicyManifest, path = '.maestro/policy.yaml'): JsonObject {
  const source = withoutByteOrderMark(text);
  if (holdsNothing(source)) return manifest.defaults;
  const findings = new Findings(path, source);
  const root = parseSource(source, findings);
  const data = root === undefined || findings.hasErrors ? undefined : checkedData(root, manifest, findings);
  if (data === undefined) throw invalid(findings);
  return data;
}

/** Blank lines and comments alone change nothing. */
function holdsNothing(text: string): boolean {
  return text.split('\n').every((line) => /^\s*(?:#|$)/.test(line));
}

function checkedData(root: SourceNode, manifest: PolicyManifest, findings: Findings): JsonObject | undefined {
  const patch = jsonOf(root);
  if (!isJsonObject(patch)) {
    findings.error('schema-type', root, 'expected a mapping, for example `tags: { my-tag: {} }`');
    return undefined;
  }
  const data = mergePatch(manifest.defaults, patch);
  const validate = new Ajv2020({ allErrors: true, strict: true }).compile<JsonObject>(manifest.dataSchema);
  if (validate(data)) return data;
  for (const error of (validate.errors ?? []).filter(isTelling)) {
    const path = keysOf(error);
    findings.error('schema-value', placeOf(root, path), messageFor(error, path.join('.'), manifest));
  }
  return undefined;
}

function invalid(findings: Findings): MaestroError {
  const all = findings.sorted();
  const shown = all.slice(0, FINDINGS_SHOWN_MAX);
  const lines = shown.map(({ file, line, column, message }) => `${file}:${line}:${column}: ${message}`);
  if (all.length > shown.length) lines.push(`and ${all.length - shown.length} more`);
  return new MaestroError('POLICY_INVALID', lines.join('\n'));
}

/** `propertyNames` only repeats the finding about the name itself. */
function isTelling(error: ErrorObject): boolean {
  return error.keyword !== 'propertyNames';
}

function messageFor(error: ErrorObject, path: string, manifest: PolicyManifest): string {
  switch (error.keyword) {
    case 'additionalProperties': {
      const name = String(error.params['additionalProperty']);
      const known = error.instancePath === '' ? Object.keys(manifest.defaults) : [];
      return `${path} is not a setting${didYouMean(name, known)}`;
    }
    case 'enum':
      return `${path} must be one of ${String(error.params['allowedValues'])}`;
    case 'required':
      return `${path} may not be removed; leave it out to take the default`;
    default:
      return `${path} ${error.message ?? 'is invalid'}`;
  }
}

/** Where in the data the error lies, down to the key that is wrong. */
function keysOf(error: ErrorObject): readonly string[] {
  const path = error.instancePath.split('/').slice(1);
  const keys = path.map((key) => key.replaceAll('~1', '/').replaceAll('~0', '~'));
  const key: unknown = error.params['additionalProperty'] ?? error.params['missingProperty'] ?? error.propertyName;
  return typeof key === 'string' ? [...keys, key] : keys;
}

/** The deepest key on the way to the error that the file itself holds; what is below comes from the defaults. */
function placeOf(node: SourceNode, path: readonly string[], place: Span = node): Span {
  const [part, ...rest] = path;
  if (part === undefined || node.kind === 'scalar') return place;
  if (node.kind === 'map') {
    const entry = node.entries.get(part);
    return entry ? placeOf(entry.value, rest, entry.key) : place;
  }
  const item = node.items[Number(part)];
  return item ? placeOf(item, rest) : place;
}
