/** Types of package URLs by the ecosystem's name in OSV. @source https://ossf.github.io/osv-schema/#defined-ecosystems */
const TYPES: Readonly<Record<string, string>> = {
  npm: 'npm',
  pypi: 'pypi',
  go: 'golang',
  maven: 'maven',
  'crates.io': 'cargo',
  rubygems: 'gem',
  packagist: 'composer',
  nuget: 'nuget',
  hex: 'hex',
  pub: 'pub',
};

/** A package URL, or undefined for an ecosystem that has no type here. */
export function purlOf(ecosystem: string, name: string, version: string | undefined): string | undefined {
  const type = TYPES[(ecosystem.split(':')[0] as string).toLowerCase()];
  if (type === undefined || name === '') return undefined;
  return plainPurl(`pkg:${type}/${name.replace(':', '/')}${version ? `@${version}` : ''}`);
}

/**
 * A package URL in the one form in which they are compared: decoded, without qualifiers and subpath, Python's names in their
 * normal form. Undefined for a text that is none.
 */
export function plainPurl(text: string): string | undefined {
  const [, type, rest] = /^pkg:\/{0,2}([a-z][a-z\d.+-]*)\/+([^?#]+)/i.exec(text) ?? [];
  if (type === undefined || rest === undefined) return undefined;
  const decoded = decode(rest);
  if (decoded === undefined) return undefined;
  const at = decoded.lastIndexOf('@');
  const [name, version] = at > 0 ? [decoded.slice(0, at), decoded.slice(at)] : [decoded, ''];
  const kind = type.toLowerCase();
  const plain = kind === 'pypi' ? name.toLowerCase().replaceAll(/[-_.]+/g, '-') : name;
  return `pkg:${kind}/${plain}${version}`;
}

/** Whether what is said of `stated` holds for `found`: one without a version is about every version. Both are plain. */
export function covers(stated: string, found: string): boolean {
  return (
    stated === found || (versionAt(stated) < 0 && versionAt(found) > 0 && found.slice(0, versionAt(found)) === stated)
  );
}

/** A package at one version, plain as it came; undefined where it is at another one already. */
export function purlAt(purl: string, version: string): string | undefined {
  const at = versionAt(purl);
  if (at < 0) return `${purl}@${version}`;
  return purl.slice(at + 1) === version ? purl : undefined;
}

/** The scope of an npm name begins with `@` too. */
function versionAt(purl: string): number {
  const at = purl.lastIndexOf('@');
  return at > purl.lastIndexOf('/') + 1 ? at : -1;
}

function decode(text: string): string | undefined {
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined;
  }
}
