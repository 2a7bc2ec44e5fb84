import { CONTENTS_DEPENDENCIES, CONTENTS_PROPERTIES, OWN_ARTIFACT } from '../attest/contents-schema.ts';
import type { WorkStepHead } from '../define.ts';
import { SETTINGS_SCHEMA } from './own-settings.ts';

/** In the order in which they are looked for: those that know several ecosystems first. */
export const SCANNER_NAMES = ['osv-scanner', 'grype', 'trivy', 'npm-audit', 'pip-audit'] as const;
export type ScannerName = (typeof SCANNER_NAMES)[number];

const PATH = { type: 'string', minLength: 1, maxLength: 4096 };
const PATHS = { anyOf: [PATH, { type: 'array', items: PATH, minItems: 1, maxItems: 100 }] };
const COUNT = { type: 'integer', minimum: 0, maximum: 1_000_000 };

export const ARTIFACT = 'scan';

export const SCAN_HEAD = {
  name: 'security.scan',
  kind: 'work',
  description:
    'Looks for known weaknesses, fails where there are more than it may pass with, and has what it found stated of what was scanned.',
  isIdempotent: true,
  keeps: [ARTIFACT, OWN_ARTIFACT],
  input: {
    type: 'object',
    additionalProperties: false,
    properties: {
      scanner: {
        enum: ['auto', ...SCANNER_NAMES, 'none'],
        description: 'auto: the first on PATH that knows the project; none: only what `sarif` tells. Default: auto',
      },
      settings: SETTINGS_SCHEMA,
      path: { ...PATH, description: 'Folder of the project. Default: the working directory' },
      sarif: { ...PATHS, description: 'SARIF 2.1.0 logs of other scanners, whose results count too' },
      vex: { ...PATHS, description: 'CycloneDX VEX files: what they say is not affected, or resolved, does not count' },
      registry: { type: 'string', pattern: '^https?://', maxLength: 1024, description: 'Whom `npm audit` asks' },
      threshold: {
        enum: ['low', 'medium', 'high', 'critical'],
        description: 'Fails at any finding of this severity or worse. Default: high, where `max` is absent',
      },
      max: {
        type: 'object',
        additionalProperties: false,
        properties: { critical: COUNT, high: COUNT, medium: COUNT, low: COUNT },
        description: 'The most findings of a severity with which it passes',
      },
      output: {
        ...PATH,
        pattern: '^[^/*?!{}()\\[\\]\\\\][^*?!{}()\\[\\]\\\\]*$',
        description: 'Folder of scan.json, scan.sarif, scan.vulns.json and scan.openvex.json. Default: scan',
      },
      // What was scanned: what was found, and what is known of it, is stated of them, signed.
      ...CONTENTS_PROPERTIES,
    },
    dependentRequired: CONTENTS_DEPENDENCIES,
  },
  output: {
    type: 'object',
    required: ['scanner', 'counts', 'findings', 'suppressed', 'path'],
    properties: {
      scanner: { type: 'string', description: 'Which one ran; `none` where only SARIF was read' },
      counts: { type: 'object', description: 'Findings that count, by severity' },
      findings: { type: 'integer' },
      suppressed: { type: 'integer', description: 'Findings that a VEX file takes away' },
      path: { type: 'string', description: 'The folder of the reports' },
    },
  },
} as const satisfies WorkStepHead;
