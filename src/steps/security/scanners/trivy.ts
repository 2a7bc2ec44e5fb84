import type { JsonObject } from '../../../base/json.ts';
import { type Finding, findingOf, isObject, notUnderstood, objectsIn, reported, shortText } from '../finding.ts';
import { writeSettings } from '../own-settings.ts';
import { plainPurl } from '../purl.ts';
import { severityOfWord } from '../severity.ts';
import type { Scanner } from './scanner.ts';

const SCHEMA_VERSION = 2;

/** @source https://trivy.dev/latest/docs/configuration/reporting/#json */
export const trivy: Scanner = {
  name: 'trivy',
  uri: 'https://github.com/aquasecurity/trivy',
  program: 'trivy',
  how: 'see https://trivy.dev/latest/getting-started/installation/',
  request: async ({ settingsFolder }) => {
    const argv = ['trivy', 'filesystem', '--format', 'json', '--scanners', 'vuln', '--quiet', '--exit-code', '0'];
    if (settingsFolder === undefined) return { argv: [...argv, '.'] };
    // Instead of trivy.yaml and .trivyignore, which name weaknesses and folders that do not count.
    const config = await writeSettings(settingsFolder, 'trivy.yaml', '{}\n');
    const ignored = await writeSettings(settingsFolder, 'trivyignore', '');
    return { argv: [...argv, '--config', config, '--ignorefile', ignored, '.'] };
  },
  doneWith: [0],
  read: (answer) => {
    if (answer.SchemaVersion !== SCHEMA_VERSION)
      throw notUnderstood('trivy', `a report of SchemaVersion ${SCHEMA_VERSION}`);
    // Without one there was no file that it can read, so it has said nothing.
    return reported(answer.Results, 'trivy', 'at least one thing that was scanned in "Results"').flatMap((result) =>
      objectsIn(result.Vulnerabilities).map((weakness) => readWeakness(weakness, shortText(result.Target))),
    );
  },
};

function readWeakness(weakness: JsonObject, path: string): Finding {
  return findingOf({
    id: shortText(weakness.VulnerabilityID, 'unknown'),
    aliases: [],
    severity: severityOfWord(weakness.Severity),
    title: shortText(weakness.Title),
    source: 'trivy',
    packageName: shortText(weakness.PkgName),
    version: shortText(weakness.InstalledVersion),
    purl: plainPurl(isObject(weakness.PkgIdentifier) ? shortText(weakness.PkgIdentifier.PURL) : ''),
    fixedIn: shortText(weakness.FixedVersion),
    path,
  });
}
