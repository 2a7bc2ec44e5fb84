import { type Bundle, bundleToJSON } from '@sigstore/bundle';
import { canonicalJson } from '../base/canonical-json.ts';
import type { Json } from '../base/json.ts';

/** A bundle in the one form in which ours are written: canonical JSON of what the format knows, and of nothing else. */
export function bundleText(bundle: Bundle): string {
  // Through JSON once, because the library leaves fields that are undefined.
  return canonicalJson(JSON.parse(JSON.stringify(bundleToJSON(bundle))) as Json);
}
