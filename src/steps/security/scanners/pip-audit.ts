import { join } from 'node:path';
import type { JsonObject } from '../../../base/json.ts';
import { readRegularFile } from '../../output-file.ts';
import { type Finding, findingOf, notUnderstood, objectsIn, reported, shortText, textsIn } from '../finding.ts';
import { purlOf } from '../purl.ts';
import type { Scanner } from './scanner.ts';

const REQUIREMENTS = 'requirements.txt';
const PROJECT = 'pyproject.toml';
const FILE_BYTES_MAX = 67_108_864;

/** @source https://github.com/pypa/pip-audit#examples */
export const pipAudit: Scanner = {
  name: 'pip-audit',
  uri: 'https://github.com/pypa/pip-audit',
  program: 'pip-audit',
  how: 'pipx install pip-audit',
  request: async ({ folder }) => {
    const argv = ['pip-audit', '--format', 'json', '--progress-spinner', 'off'];
    if (await isThere(folder, REQUIREMENTS)) return { argv: [...argv, '--requirement', REQUIREMENTS] };
    return (await isThere(folder, PROJECT)) ? { argv: [...argv, '.'] } : undefined;
  },
  doneWith: [0, 1],
  read: async (answer, { folder }) => {
    const path = (await isThere(folder, REQUIREMENTS)) ? REQUIREMENTS : PROJECT;
    return reported(answer.dependencies, 'pip-audit', 'an object with "dependencies"').flatMap((one) => {
      if (typeof one.skip_reason === 'string')
        throw notUnderstood(
          'pip-audit',
          `an answer about ${shortText(one.name)}, which it skipped (${shortText(one.skip_reason)})`,
        );
      return objectsIn(one.vulns).map((weakness) => readWeakness(one, weakness, path));
    });
  },
};

/** It tells no severity, so each counts as high. */
function readWeakness(one: JsonObject, weakness: JsonObject, path: string): Finding {
  const [packageName, version] = [shortText(one.name), shortText(one.version)];
  return findingOf({
    id: shortText(weakness.id, 'unknown'),
    aliases: textsIn(weakness.aliases),
    severity: 'high',
    title: shortText(weakness.description),
    source: 'pip-audit',
    packageName,
    version,
    purl: purlOf('PyPI', packageName, version || undefined),
    fixedIn: textsIn(weakness.fix_versions)[0],
    path,
  });
}

async function isThere(folder: string, name: string): Promise<boolean> {
  return (await readRegularFile(join(folder, name), FILE_BYTES_MAX)) !== undefined;
}
