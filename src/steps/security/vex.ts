import { digestJson, hexOf } from '../../base/digest.ts';
import { MaestroError } from '../../base/errors.ts';
import type { JsonObject } from '../../base/json.ts';
import { type Finding, isObject, objectsIn, shortText } from './finding.ts';
import { covers, plainPurl, purlAt } from './purl.ts';

/** What somebody says of a weakness: that it does not count for some packages. */
export interface VexStatement {
  readonly id: string;
  readonly aliases: readonly string[];
  readonly status: 'not_affected' | 'fixed';
  /** Package URLs in their plain form. */
  readonly products: readonly string[];
  /** CycloneDX's word. */
  readonly justification?: string;
  readonly detail?: string;
}

/** States in which a weakness does not count. All others (exploitable, in_triage) leave it as it is. */
const STATUSES: Readonly<Record<string, VexStatement['status']>> = {
  not_affected: 'not_affected',
  false_positive: 'not_affected',
  resolved: 'fixed',
  resolved_with_pedigree: 'fixed',
};

/**
 * The statements of a CycloneDX VEX that take a weakness away. One that names no package takes nothing away.
 *
 * @throws MaestroError INPUT_INVALID for another document
 * @source https://cyclonedx.org/capabilities/vex/
 */
export function readVex(document: JsonObject, path: string): readonly VexStatement[] {
  if (document.bomFormat !== 'CycloneDX' || !Array.isArray(document.vulnerabilities))
    throw new MaestroError('INPUT_INVALID', `expected a CycloneDX document with "vulnerabilities" in ${path}`);
  const purls = purlsByReference(document);
  return objectsIn(document.vulnerabilities).flatMap((weakness): readonly VexStatement[] => {
    const analysis = isObject(weakness.analysis) ? weakness.analysis : {};
    const status = typeof analysis.state === 'string' ? STATUSES[analysis.state] : undefined;
    const products = objectsIn(weakness.affects).flatMap((affected) => productsOf(affected, purls));
    const id = shortText(weakness.id);
    if (status === undefined || products.length === 0 || id === '') return [];
    const [justification, detail] = [shortText(analysis.justification), shortText(analysis.detail)];
    return [
      {
        id,
        aliases: objectsIn(weakness.references)
          .map((one) => shortText(one.id))
          .filter((alias) => alias !== ''),
        status,
        products,
        ...(justification ? { justification } : {}),
        ...(detail ? { detail } : {}),
      },
    ];
  });
}

/** Findings that count, and those that a statement takes away. */
export function applyVex(
  findings: readonly Finding[],
  statements: readonly VexStatement[],
): { readonly counted: readonly Finding[]; readonly suppressed: readonly Finding[] } {
  const isAway = (finding: Finding): boolean => statements.some((one) => isAbout(one, finding));
  return { counted: findings.filter((one) => !isAway(one)), suppressed: findings.filter(isAway) };
}

function isAbout({ id, aliases, products }: VexStatement, finding: Finding): boolean {
  const { purl } = finding;
  if (purl === undefined || !products.some((product) => covers(product, purl))) return false;
  const names = new Set([id, ...aliases]);
  return [finding.id, ...finding.aliases].some((name) => names.has(name));
}

/** CycloneDX's justifications that OpenVEX has as well; the others are told in words. */
const JUSTIFICATIONS: Readonly<Record<string, string>> = {
  code_not_present: 'vulnerable_code_not_present',
  code_not_reachable: 'vulnerable_code_not_in_execute_path',
  protected_by_mitigating_control: 'inline_mitigations_already_exist',
  protected_at_runtime: 'inline_mitigations_already_exist',
  protected_at_perimeter: 'inline_mitigations_already_exist',
  protected_by_compiler: 'inline_mitigations_already_exist',
};

/**
 * The statements as an OpenVEX document, for readers of that.
 * @source https://github.com/openvex/spec/blob/main/OPENVEX-SPEC.md, version 0.2.0
 */
export function writeOpenVex(statements: readonly VexStatement[], timestamp: string): JsonObject {
  const all: readonly JsonObject[] = statements.map(({ id, aliases, status, products, justification, detail }) => {
    const known = justification === undefined ? undefined : JUSTIFICATIONS[justification];
    const impact = [known ? undefined : justification, detail].filter((part) => part !== undefined).join(': ');
    return {
      vulnerability: { name: id, ...(aliases.length > 0 ? { aliases } : {}) },
      products: products.map((purl) => ({ '@id': purl })),
      status,
      ...(status === 'not_affected' && known ? { justification: known } : {}),
      // A product that is not affected has to say why.
      ...(impact || (status === 'not_affected' && !known)
        ? { impact_statement: impact || 'stated without a reason' }
        : {}),
    };
  });
  return {
    '@context': 'https://openvex.dev/ns/v0.2.0',
    '@id': `https://openvex.dev/docs/public/vex-${hexOf(digestJson([...all]))}`,
    author: 'Maestro, from the VEX documents of the repository',
    timestamp,
    version: 1,
    statements: [...all],
  };
}

/** What `affects` may name: components of the document, by their reference. */
function purlsByReference(document: JsonObject): ReadonlyMap<string, string> {
  const main =
    isObject(document.metadata) && isObject(document.metadata.component) ? [document.metadata.component] : [];
  const known = [...main, ...objectsIn(document.components)];
  return new Map(
    known.flatMap((component): [string, string][] => {
      const [reference, purl] = [component['bom-ref'], component.purl];
      return typeof reference === 'string' && typeof purl === 'string' ? [[reference, purl]] : [];
    }),
  );
}

/**
 * The package that is meant; where versions are named, only those that are named one by one as unaffected. Nothing is said of
 * a range, whose order of versions is its ecosystem's, nor by an entry without a status: that one means affected.
 * @source https://cyclonedx.org/docs/1.6/json/#vulnerabilities_items_affects_items_versions
 */
function productsOf({ ref, versions }: JsonObject, purls: ReadonlyMap<string, string>): readonly string[] {
  const product = productOf(ref, purls);
  if (product === undefined) return [];
  if (versions === undefined) return [product];
  return objectsIn(versions).flatMap(({ version, range, status }) =>
    status === 'unaffected' && range === undefined && typeof version === 'string' && version !== ''
      ? (purlAt(product, version) ?? [])
      : [],
  );
}

/** A reference within the document, a package URL, or a BOM-Link (`urn:cdx:…#reference`) that ends in one. */
function productOf(reference: unknown, purls: ReadonlyMap<string, string>): string | undefined {
  if (typeof reference !== 'string') return undefined;
  const [, fragment] = /^urn:cdx:[^#]*#(.+)$/.exec(reference) ?? [];
  return plainPurl(purls.get(reference) ?? fragmentText(fragment) ?? reference);
}

function fragmentText(fragment: string | undefined): string | undefined {
  // A purl holds escapes of its own: only one that is escaped as a whole is decoded.
  if (fragment === undefined || fragment.startsWith('pkg:')) return fragment;
  try {
    return decodeURIComponent(fragment);
  } catch {
    return undefined;
  }
}
