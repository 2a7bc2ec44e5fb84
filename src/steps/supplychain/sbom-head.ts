import { CONTENTS_DEPENDENCIES, CONTENTS_PROPERTIES, OWN_ARTIFACT } from '../attest/contents-schema.ts';
import type { WorkStepHead } from '../define.ts';

export const OUTPUT_DEFAULT = 'sbom.cdx.json';

/** Under this name the release gate looks for it. */
export const ARTIFACT = 'sbom';

export const SBOM_HEAD = {
  name: 'supplychain.sbom',
  kind: 'work',
  description:
    'Writes a software bill of materials (CycloneDX 1.6, JSON), keeps it as the artifact `sbom`, and has it stated of what it is about.',
  isIdempotent: true,
  keeps: [ARTIFACT, OWN_ARTIFACT],
  input: {
    type: 'object',
    additionalProperties: false,
    properties: {
      path: {
        type: 'string',
        minLength: 1,
        maxLength: 4096,
        description: 'Folder of the project below the working directory. Default: the working directory',
      },
      ecosystem: {
        enum: ['auto', 'npm', 'other'],
        description:
          'npm: by cyclonedx-npm, which Maestro brings; other: by cdxgen. Default: npm where it has a lock file',
      },
      output: {
        type: 'string',
        minLength: 1,
        maxLength: 1024,
        pattern: '^[^/*?!{}()\\[\\]\\\\][^*?!{}()\\[\\]\\\\]*$',
        description: `File below the working directory. Default: ${OUTPUT_DEFAULT}`,
      },
      omit: {
        type: 'array',
        uniqueItems: true,
        items: { enum: ['dev', 'optional', 'peer'] },
        description: 'Kinds of dependencies that are left out (npm only)',
      },
      component: {
        type: 'object',
        additionalProperties: false,
        required: ['name', 'version'],
        properties: {
          name: { type: 'string', minLength: 1, maxLength: 300 },
          version: { type: 'string', minLength: 1, maxLength: 300 },
        },
        description: 'What the document describes, where that is not what the project calls itself',
      },
      // What the document is about: it is stated of them, signed.
      ...CONTENTS_PROPERTIES,
    },
    dependentRequired: CONTENTS_DEPENDENCIES,
  },
  output: {
    type: 'object',
    required: ['path', 'digest', 'components', 'format'],
    properties: {
      path: { type: 'string', description: 'The file, below the working directory' },
      digest: { type: 'string', description: 'sha256:… of the file' },
      components: { type: 'integer', description: 'Components, those within others included' },
      format: { const: 'CycloneDX 1.6 JSON' },
    },
  },
} as const satisfies WorkStepHead;
