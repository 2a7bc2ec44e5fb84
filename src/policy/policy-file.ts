import { MaestroError } from '../base/errors.ts';
import { isJsonObject, type JsonObject } from '../base/json.ts';
import { Findings, type Span } from '../pipeline/finding.ts';
import { parseSource, withoutByteOrderMark } from '../pipeline/parse.ts';
import { jsonOf, type SourceNode } from '../pipeline/source.ts';
import type { PolicyManifest } from './bundle.ts';
import { type DataFault, faultsOfShape } from './data-faults.ts';
import { LOCK, readLocks, touchedLocks } from './locks.ts';
import { faultsOfMeaning } from './meaning-faults.ts';
import { mergePatch } from './merge-patch.ts';

const FINDINGS_SHOWN_MAX = 20;

export interface PolicyFileOptions {
  /** How messages name the file. */
  readonly path?: string;
  /** What the file patches; absent: the bundle's defaults. */
  readonly base?: JsonObject;
  /** Paths such as `environments.prod` that the file may not touch. */
  readonly locked?: readonly string[];
  /** The file of whoever runs the server: it may say `lock`. */
  readonly isOperators?: boolean;
}

export interface PolicyFile {
  /** The whole data document. */
  readonly data: JsonObject;
  /** What the file changes of the base; null where it changes nothing. */
  readonly patch: JsonObject | null;
  /** Paths that the files which are patched over this one may not touch. */
  readonly locked: readonly string[];
}

/**
 * The data document that a policy file asks for: a JSON merge patch (RFC 7396) over its base, checked as a whole against
 * the bundle's schema.
 * @throws MaestroError POLICY_INVALID, with one line `path:line:column: message` per finding: a broken policy is never
 *   ignored
 */
export function parsePolicyFile(text: string, manifest: PolicyManifest, options: PolicyFileOptions = {}): PolicyFile {
  const base = options.base ?? manifest.defaults;
  const source = withoutByteOrderMark(text);
  if (holdsNothing(source)) return { data: base, patch: null, locked: [] };
  const findings = new Findings(options.path ?? '.maestro/policy.yaml', source);
  const root = parseSource(source, findings);
  const file = root === undefined || findings.hasErrors ? undefined : check(root, manifest, options, findings);
  if (file === undefined || findings.hasErrors) throw invalid(findings);
  return file;
}

/** Blank lines and comments alone change nothing. */
function holdsNothing(text: string): boolean {
  return text.split('\n').every((line) => /^\s*(?:#|$)/.test(line));
}

function check(
  root: SourceNode,
  manifest: PolicyManifest,
  { base = manifest.defaults, locked = [], isOperators = false }: PolicyFileOptions,
  findings: Findings,
): PolicyFile | undefined {
  const whole = jsonOf(root);
  if (!isJsonObject(whole)) {
    findings.error('schema-type', root, 'expected a mapping, for example `tags: { my-tag: {} }`');
    return undefined;
  }
  const { [LOCK]: lock, ...rest } = whole;
  const patch = isOperators ? rest : whole;
  const data = mergePatch(base, patch) as JsonObject;
  const ownLocks = readLocks(isOperators ? lock : undefined, manifest);
  const faults = [
    ...faultsOfShape(data, manifest),
    ...faultsOfMeaning(patch, data, manifest),
    ...ownLocks.faults,
    ...touchedLocks(patch, locked),
  ];
  for (const fault of faults) report(findings, root, fault);
  return { data, patch, locked: ownLocks.locked };
}

function report(findings: Findings, root: SourceNode, { path, message }: DataFault): void {
  findings.error('schema-value', placeOf(root, path), message);
}

function invalid(findings: Findings): MaestroError {
  const all = findings.sorted();
  const shown = all.slice(0, FINDINGS_SHOWN_MAX);
  const lines = shown.map(({ file, line, column, message }) => `${file}:${line}:${column}: ${message}`);
  if (all.length > shown.length) lines.push(`and ${all.length - shown.length} more`);
  return new MaestroError('POLICY_INVALID', lines.join('\n'));
}

/** The deepest key on the way to the fault that the file itself holds; what is below comes from the base. */
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
