import type { WorkStepHead } from '../define.ts';
import { SETTINGS_SCHEMA } from './own-settings.ts';

export const OUTPUT_DEFAULT = 'scan/secrets.sarif';

export const ARTIFACT = 'secrets';

export const SECRETS_HEAD = {
  name: 'security.secrets',
  kind: 'work',
  description: 'Looks for secrets in the files of the checkout. It tells the place and the kind, never the secret.',
  isIdempotent: true,
  keeps: [ARTIFACT],
  input: {
    type: 'object',
    additionalProperties: false,
    properties: {
      scanner: {
        enum: ['secretlint', 'gitleaks'],
        description: 'secretlint comes with Maestro; gitleaks has to be on PATH. Default: secretlint',
      },
      settings: SETTINGS_SCHEMA,
      ignore: {
        type: 'string',
        minLength: 1,
        maxLength: 4096,
        description:
          'File of places that are no secrets: a glob a line, with the kind behind it where not all kinds are meant',
      },
      output: {
        type: 'string',
        minLength: 1,
        maxLength: 1024,
        pattern: '^[^/*?!{}()\\[\\]\\\\][^*?!{}()\\[\\]\\\\]*$',
        description: `SARIF log of what was found. Default: ${OUTPUT_DEFAULT}`,
      },
    },
  },
  output: {
    type: 'object',
    required: ['scanner', 'findings', 'ignored', 'files', 'skipped', 'path'],
    properties: {
      scanner: { type: 'string' },
      findings: { type: 'integer', description: 'Places with a secret' },
      ignored: { type: 'integer', description: 'Places that the ignore file names' },
      files: { type: 'integer', description: 'Files that were read; 0 for gitleaks, which does not say' },
      skipped: { type: 'integer', description: 'Files that are not text, or larger than 5 MiB' },
      path: { type: 'string' },
    },
  },
} as const satisfies WorkStepHead;
