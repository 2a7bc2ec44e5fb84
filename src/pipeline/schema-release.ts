import type { JsonObject } from '../base/json.ts';
import { RELEASE_ARTIFACTS_MAX, RELEASE_NOTES_CHARS_MAX, RELEASE_TITLE_CHARS_MAX } from './limits.ts';

/** `$defs/release` of the pipeline schema: what becomes of the release of a tag when the run has ended; no settings at all is a map too. */
export const RELEASE_SCHEMA: JsonObject = {
  type: ['object', 'null'],
  description: 'the page of the release: { title, notes, prerelease, assets, draft }, or nothing',
  properties: {
    title: { type: 'string', minLength: 1, maxLength: RELEASE_TITLE_CHARS_MAX },
    notes: { type: 'string', maxLength: RELEASE_NOTES_CHARS_MAX },
    prerelease: { type: 'boolean' },
    assets: {
      type: 'array',
      maxItems: RELEASE_ARTIFACTS_MAX,
      uniqueItems: true,
      items: { type: 'string', minLength: 1 },
    },
    draft: { type: 'boolean' },
  },
  additionalProperties: false,
};
