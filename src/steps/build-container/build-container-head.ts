import type { WorkStepHead } from '../define.ts';
import { OUTPUT_DEFAULT } from '../oci/layout-folder.ts';

const PATH = { type: 'string', minLength: 1, maxLength: 4096 } as const;

export const BUILD_CONTAINER_HEAD = {
  name: 'build.container',
  kind: 'work',
  description: 'Builds a container image as an OCI layout; FROM scratch needs no builder on the machine.',
  isIdempotent: true,
  input: {
    type: 'object',
    additionalProperties: false,
    properties: {
      context: { ...PATH, default: '.', description: 'Folder whose files may be copied' },
      file: { ...PATH, description: 'Default: Containerfile of the context, else its Dockerfile' },
      tags: { type: 'array', maxItems: 50, uniqueItems: true, items: { type: 'string', minLength: 1, maxLength: 128 } },
      platforms: {
        type: 'array',
        minItems: 1,
        maxItems: 20,
        uniqueItems: true,
        items: { type: 'string', maxLength: 100 },
      },
      args: {
        type: 'object',
        maxProperties: 200,
        propertyNames: { pattern: '^[A-Za-z_][A-Za-z0-9_]*$' },
        additionalProperties: { type: 'string', maxLength: 65_536 },
      },
      builder: { enum: ['auto', 'buildah', 'podman', 'docker', 'scratch'], default: 'auto' },
      output: { ...PATH, default: OUTPUT_DEFAULT, description: 'Folder of the OCI layout that is made' },
      dockerfile: { ...PATH, description: 'Another name of file' },
      cache: { type: 'boolean', default: true, description: 'Whether a tool may use what it kept of earlier builds' },
      sbom: {
        type: 'boolean',
        default: false,
        description: 'A wish that the step supplychain.sbom fulfils: told as a remark',
      },
    },
    not: { required: ['file', 'dockerfile'] },
  },
  output: {
    type: 'object',
    required: ['digest', 'mediaType', 'path', 'platform', 'sizeBytes', 'builder'],
    properties: {
      digest: { type: 'string' },
      mediaType: { type: 'string' },
      path: { type: 'string' },
      platform: { type: 'string' },
      sizeBytes: { type: 'integer' },
      builder: { type: 'string' },
    },
  },
} as const satisfies WorkStepHead;
