import type { JsonObject } from '../../base/json.ts';
import { type Finding, tellFinding } from './finding.ts';
import type { Severity } from './severity.ts';

const LEVELS: Readonly<Record<Severity, string>> = { critical: 'error', high: 'error', medium: 'warning', low: 'note' };
/** CVSS scores that stand for a severity, in GitHub's convention. */
const SCORES: Readonly<Record<Severity, string>> = { critical: '9.5', high: '8.0', medium: '5.5', low: '2.0' };

/** A SARIF 2.1.0 log of findings. The worker makes remarks on lines of it, which GitHub then shows. */
export function writeSarif(tool: string, findings: readonly Finding[]): JsonObject {
  const rules = new Map(findings.map((one) => [one.id, one]));
  return {
    $schema: 'https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json',
    version: '2.1.0',
    runs: [
      {
        tool: {
          driver: {
            name: tool,
            rules: [...rules.values()].map(({ id, title, severity }) => ({
              id,
              shortDescription: { text: title },
              properties: { 'security-severity': SCORES[severity] },
            })),
          },
        },
        results: findings.map(resultOf),
      },
    ],
  };
}

function resultOf(finding: Finding): JsonObject {
  const { id, severity, title, path, line } = finding;
  return {
    ruleId: id,
    level: LEVELS[severity],
    message: { text: title === id ? tellFinding(finding) : `${tellFinding(finding)}: ${title}` },
    ...(path
      ? {
          locations: [
            {
              physicalLocation: {
                artifactLocation: { uri: encodeURI(path) },
                ...(line ? { region: { startLine: line } } : {}),
              },
            },
          ],
        }
      : {}),
  };
}
