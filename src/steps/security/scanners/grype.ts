import type { JsonObject } from '../../../base/json.ts';
import {
  type Finding,
  findingOf,
  isObject,
  notUnderstood,
  objectsIn,
  reported,
  shortText,
  textsIn,
} from '../finding.ts';
import { writeSettings } from '../own-settings.ts';
import { plainPurl } from '../purl.ts';
import { severityOfWord } from '../severity.ts';
import type { Scanner } from './scanner.ts';

/** @source https://github.com/anchore/grype: the model of its JSON output */
export const grype: Scanner = {
  name: 'grype',
  uri: 'https://github.com/anchore/grype',
  program: 'grype',
  how: 'see https://github.com/anchore/grype#installation',
  request: async ({ settingsFolder }) => {
    const argv = ['grype', 'dir:.', '--output', 'json', '--quiet'];
    if (settingsFolder === undefined) return { argv };
    // Instead of .grype.yaml, which names weaknesses and folders that do not count.
    return { argv: [...argv, '--config', await writeSettings(settingsFolder, 'grype.yaml', '{}\n')] };
  },
  doneWith: [0],
  read: (answer) => {
    const expected = 'an object with "matches" and its "descriptor"';
    if (!isObject(answer.descriptor) || answer.descriptor.name !== 'grype') throw notUnderstood('grype', expected);
    return reported(answer.matches, 'grype', expected).map(readMatch);
  },
};

function readMatch(match: JsonObject): Finding {
  const [weakness = {}, artifact = {}] = [match.vulnerability, match.artifact].map((part) =>
    isObject(part) ? part : {},
  );
  const id = shortText(weakness.id, 'unknown');
  const related = objectsIn(match.relatedVulnerabilities).map((one) => shortText(one.id));
  return findingOf({
    id,
    aliases: related.filter((alias) => alias !== '' && alias !== id),
    severity: severityOfWord(weakness.severity),
    title: shortText(weakness.description),
    source: 'grype',
    packageName: shortText(artifact.name),
    version: shortText(artifact.version),
    purl: plainPurl(shortText(artifact.purl)),
    fixedIn: isObject(weakness.fix) ? textsIn(weakness.fix.versions)[0] : undefined,
    path: shortText(objectsIn(artifact.locations)[0]?.path).replace(/^\/+/, ''),
  });
}
