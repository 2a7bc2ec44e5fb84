import { MaestroError } from '../../base/errors.ts';
import type { Json } from '../../base/json.ts';
import { type Finding, Findings, type Span } from '../../pipeline/finding.ts';
import { parseSource, withoutByteOrderMark } from '../../pipeline/parse.ts';
import { jsonOf, type SourceNode } from '../../pipeline/source.ts';
import { type PolicyCase, readCases } from './policy-case.ts';

const FINDINGS_SHOWN_MAX = 20;
const NOTHING = 'expected one key, `cases`, with a list of cases';

/**
 * The cases of `.maestro/policy-cases.yaml`: `cases`, a list.
 * @param path how messages name the file
 * @throws MaestroError POLICY_INVALID, with one line `path:line:column: message` per mistake
 */
export function parseCaseFile(text: string, path: string): readonly PolicyCase[] {
  const source = withoutByteOrderMark(text);
  const findings = new Findings(path, source);
  const root = parseSource(source, findings);
  const cases = root === undefined || findings.hasErrors ? [] : casesIn(root, findings);
  if (findings.hasErrors) throw new MaestroError('POLICY_INVALID', linesOf(findings.sorted()).join('\n'));
  return cases;
}

function casesIn(root: SourceNode, findings: Findings): readonly PolicyCase[] {
  const list = root.kind === 'map' && root.entries.size === 1 ? root.entries.get('cases')?.value : undefined;
  if (list === undefined) {
    findings.error('schema-type', root, NOTHING);
    return [];
  }
  const value: Json = jsonOf(list);
  return readCases(value, (at, message) => findings.error('schema-value', placeOf(list, at), message));
}

/** The deepest key on the way that the file holds. */
function placeOf(node: SourceNode, path: readonly string[], place: Span = node): Span {
  const [part, ...rest] = path;
  if (part === undefined || node.kind === 'scalar') return place;
  const item = node.kind === 'list' ? node.items[Number(part)] : undefined;
  if (item) return placeOf(item, rest);
  const entry = node.kind === 'map' ? node.entries.get(part) : undefined;
  return entry ? placeOf(entry.value, rest, entry.key) : place;
}

function linesOf(all: readonly Finding[]): readonly string[] {
  const lines = all.slice(0, FINDINGS_SHOWN_MAX).map(({ file, line, column, code, message }) => {
    return `${file}:${line}:${column}: ${code === 'yaml-empty' ? NOTHING : message}`;
  });
  return all.length > FINDINGS_SHOWN_MAX ? [...lines, `and ${all.length - FINDINGS_SHOWN_MAX} more`] : lines;
}
