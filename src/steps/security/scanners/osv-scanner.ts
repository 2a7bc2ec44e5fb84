import { isAbsolute, relative } from 'node:path';
import type { JsonObject } from '../../../base/json.ts';
import { type Finding, findingOf, isObject, objectsIn, reported, shortText, textsIn } from '../finding.ts';
import { writeSettings } from '../own-settings.ts';
import { purlOf } from '../purl.ts';
import { type Severity, severityOfScore, severityOfWord } from '../severity.ts';
import type { Scanner, ScanPlace } from './scanner.ts';

/** @source https://google.github.io/osv-scanner/output/ and https://ossf.github.io/osv-schema/ */
export const osvScanner: Scanner = {
  name: 'osv-scanner',
  uri: 'https://github.com/google/osv-scanner',
  program: 'osv-scanner',
  how: 'see https://google.github.io/osv-scanner/installation/',
  request: async ({ settingsFolder }) => {
    const argv = ['osv-scanner', 'scan', '--format', 'json', '--recursive'];
    if (settingsFolder === undefined) return { argv: [...argv, '.'] };
    // Instead of each osv-scanner.toml beside a lock file, which names weaknesses that do not count.
    const config = await writeSettings(settingsFolder, 'osv-scanner.toml', '');
    // Else it would not look at a lock file that .gitignore names, though it is in the repository.
    return { argv: [...argv, '--config', config, '--no-ignore', '.'] };
  },
  // 128: it found no packages, so it has said nothing of them.
  doneWith: [0, 1],
  read: (answer, place) =>
    reported(answer.results, 'osv-scanner', 'an object with "results"').flatMap((result) => {
      const path = pathOf(result, place);
      const packages = reported(result.packages, 'osv-scanner', '"packages" in each result');
      return packages.flatMap((found) => findingsOf(found, path));
    }),
};

function findingsOf(found: JsonObject, path: string | undefined): readonly Finding[] {
  const known = isObject(found.package) ? found.package : {};
  const [packageName, version, ecosystem] = [known.name, known.version, known.ecosystem].map((text) => shortText(text));
  const records = new Map(objectsIn(found.vulnerabilities).map((record) => [shortText(record.id), record]));
  const purl = purlOf(ecosystem ?? '', packageName ?? '', version);
  return groupsOf(found, records).map(({ ids, score }) => {
    const [id = 'unknown', ...aliases] = ids;
    const record = ids.map((one) => records.get(one)).find((one) => one !== undefined) ?? {};
    return findingOf({
      id,
      aliases: [...new Set([...aliases, ...textsIn(record.aliases)])],
      severity: severityOf(id, score, record),
      title: shortText(record.summary),
      source: 'osv-scanner',
      packageName,
      version,
      purl,
      fixedIn: fixOf(record),
      path,
    });
  });
}

/** Records of several databases about the same weakness are one group. */
function groupsOf(
  found: JsonObject,
  records: ReadonlyMap<string, JsonObject>,
): readonly { readonly ids: readonly string[]; readonly score: unknown }[] {
  const groups = objectsIn(found.groups).map((group) => ({ ids: textsIn(group.ids), score: group.max_severity }));
  const grouped = new Set(groups.flatMap(({ ids }) => ids));
  const alone = [...records.keys()].filter((id) => !grouped.has(id)).map((id) => ({ ids: [id], score: undefined }));
  return [...groups.filter(({ ids }) => ids.length > 0), ...alone];
}

/** Malicious packages have no score, and are worse than any weakness. */
function severityOf(id: string, score: unknown, record: JsonObject): Severity {
  if (id.startsWith('MAL-')) return 'critical';
  if (typeof score === 'string' && score !== '') return severityOfScore(score);
  return severityOfWord(isObject(record.database_specific) ? record.database_specific.severity : undefined);
}

function fixOf(record: JsonObject): string | undefined {
  const events = objectsIn(record.affected).flatMap((one) =>
    objectsIn(one.ranges).flatMap((range) => objectsIn(range.events)),
  );
  const fixed = events.find((event) => typeof event.fixed === 'string')?.fixed;
  return fixed === undefined ? undefined : shortText(fixed);
}

function pathOf(result: JsonObject, { folder }: ScanPlace): string | undefined {
  const path = isObject(result.source) ? shortText(result.source.path) : '';
  if (path === '') return undefined;
  return isAbsolute(path) ? relative(folder, path) : path;
}
