import { Version } from '@cyclonedx/cyclonedx-library/Spec';
import { JsonStrictValidator } from '@cyclonedx/cyclonedx-library/Validation';
import { MaestroError } from '../../base/errors.ts';
import { isJsonObject, type Json, type JsonObject } from '../../base/json.ts';

/** Problems that are told. */
const PROBLEMS_MAX = 5;
/** Components within components. The schema has no limit, and readers recurse. */
const DEPTH_MAX = 100;

const validator = new JsonStrictValidator(Version.v1dot6);

/**
 * A CycloneDX 1.6 document: held to its schema, and to what that cannot say, that each `bom-ref` stands for one thing.
 *
 * @throws MaestroError SBOM_INVALID, which quotes no more of the document than places in it
 */
export async function checkSbom(text: string): Promise<JsonObject> {
  const document = parse(text);
  if (document.bomFormat !== 'CycloneDX')
    throw invalid('expected a CycloneDX document, got one whose bomFormat is another');
  if (document.specVersion !== '1.6')
    throw invalid(`expected specVersion 1.6, got ${JSON.stringify(document.specVersion ?? null).slice(0, 20)}`);
  const problems = await validator.validate(text);
  if (problems !== null) throw invalid(`expected a CycloneDX 1.6 document: ${tell(problems)}`);
  checkReferences(document);
  return document;
}

/** All `bom-ref` of the document, in the order in which they stand. */
function referencesOf(value: Json | undefined, depth = 0): readonly string[] {
  if (typeof value !== 'object' || value === null) return [];
  if (depth > DEPTH_MAX) throw invalid(`expected components at most ${DEPTH_MAX} levels deep`);
  const parts = Array.isArray(value) ? (value as readonly Json[]) : Object.values(value as JsonObject);
  const own = isJsonObject(value) && typeof value['bom-ref'] === 'string' ? [value['bom-ref']] : [];
  return [...own, ...parts.flatMap((part) => referencesOf(part, depth + 1))];
}

function checkReferences(document: JsonObject): void {
  const known = new Set<string>();
  for (const reference of referencesOf(withoutTools(document))) {
    if (known.has(reference)) throw invalid(`expected each bom-ref once, got another ${JSON.stringify(reference)}`);
    known.add(reference);
  }
}

/** An annotation repeats the tool that made it, with its reference. That is one thing, said twice. */
function withoutTools({ annotations: _annotations, ...document }: JsonObject): JsonObject {
  return document;
}

function parse(text: string): JsonObject {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new MaestroError('SBOM_INVALID', 'expected a CycloneDX document, got text that is not JSON', { cause });
  }
  if (!isJsonObject(value)) throw invalid('expected a CycloneDX document, got JSON that is no object');
  return value;
}

function tell(problems: unknown): string {
  const list = Array.isArray(problems) ? (problems as readonly unknown[]) : [problems];
  const lines = list.slice(0, PROBLEMS_MAX).map((problem) => {
    const { instancePath = '', message = 'is wrong' } = (problem ?? {}) as { instancePath?: string; message?: string };
    return `${instancePath || 'the document'} ${message}`;
  });
  return [...lines, ...(list.length > PROBLEMS_MAX ? [`and ${list.length - PROBLEMS_MAX} more`] : [])].join('; ');
}

function invalid(message: string): MaestroError {
  return new MaestroError('SBOM_INVALID', message);
}
