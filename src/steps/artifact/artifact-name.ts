import type { JsonObject } from '../../base/json.ts';

/** As it stands in receipts and on the release page: one line, no path. */
export const ARTIFACT_NAME: JsonObject = {
  type: 'string',
  minLength: 1,
  maxLength: 200,
  pattern: '^[^/\\\\\\p{Cc}]+$',
};
