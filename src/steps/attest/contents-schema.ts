import type { JsonObject } from '../../base/json.ts';

/** The artifact under which files of the checkout are kept that are no artifact of a step before. */
export const OWN_ARTIFACT = 'attested';

/** `properties` of the JSON Schema of `ContentsInput`; beside it stands `CONTENTS_DEPENDENCIES`. */
export const CONTENTS_PROPERTIES: JsonObject = {
  artifact: {
    type: 'string',
    minLength: 1,
    description: 'Name of an artifact of a step before, or a glob over files in the working directory',
  },
  image: {
    type: 'string',
    pattern: '^sha256:[0-9a-f]{64}$',
    description: 'Digest of the manifest of an image, which is among the artifacts of the steps before',
  },
  name: { type: 'string', minLength: 1, maxLength: 512, description: 'Name of the image, such as ghcr.io/acme/app' },
};

/** `dependentRequired` of that schema. */
export const CONTENTS_DEPENDENCIES: JsonObject = { name: ['image'] };
