import type { WorkStepHead } from '../define.ts';

const PATH = { type: 'string', minLength: 1, maxLength: 4096 } as const;

export const REGISTRY_PUSH_HEAD = {
  name: 'registry.push',
  kind: 'work',
  description: 'Publishes an image, and what is attached to it, in a registry.',
  isIdempotent: true,
  input: {
    type: 'object',
    required: ['image'],
    additionalProperties: false,
    properties: {
      image: {
        ...PATH,
        description: 'Folder of an OCI layout, as build.container leaves it; without `to`, where to publish it',
      },
      to: {
        type: 'string',
        minLength: 1,
        maxLength: 255,
        description: 'Such as registry.example.com/team/app; without it, `image` names it, with a tag',
      },
      tags: { type: 'array', maxItems: 50, uniqueItems: true, items: { type: 'string', minLength: 1, maxLength: 128 } },
      referrers: {
        type: 'array',
        maxItems: 100,
        items: {
          type: 'object',
          required: ['path'],
          additionalProperties: false,
          properties: {
            path: { ...PATH, description: 'A file; a sigstore bundle is attached so that cosign finds it' },
            artifactType: {
              type: 'string',
              minLength: 3,
              maxLength: 255,
              description: 'Media type, of what is no bundle',
            },
          },
        },
      },
      sbom: { ...PATH, description: 'CycloneDX as JSON, or a bundle that holds it' },
      provenance: { ...PATH, description: 'A bundle with the provenance of the image' },
      risk: { ...PATH, description: 'A bundle with the assessment of its risk' },
      username: { type: 'string', minLength: 1, maxLength: 255 },
      password: {
        type: 'string',
        minLength: 1,
        maxLength: 65_536,
        description: 'A secret, or a token of the registry',
      },
      mountFrom: { type: 'array', maxItems: 10, items: { type: 'string', minLength: 1, maxLength: 255 } },
    },
    dependentRequired: { username: ['password'], password: ['username'] },
  },
  output: {
    type: 'object',
    required: ['digest', 'mediaType', 'name', 'tags', 'referrers'],
    properties: {
      digest: { type: 'string' },
      mediaType: { type: 'string' },
      name: { type: 'string' },
      tags: { type: 'array' },
      referrers: { type: 'array' },
      sentBlobs: { type: 'integer' },
      sentBytes: { type: 'integer' },
      knownBlobs: { type: 'integer' },
    },
  },
} as const satisfies WorkStepHead;
