import { GATED_ARTIFACTS_MAX } from '../release.ts';
import { ANY_OBJECT, DIGEST, list, object, text } from './schema.ts';

const REASONS_MAX = 4096;
const STATEMENTS_MAX = 1024;
const SHA256 = text(64, { pattern: '^[0-9a-f]{64}$' });
const STATEMENTS = list(SHA256, STATEMENTS_MAX);

/** What the release gate says of a run. */
export const RELEASE_GATE = object({
  run: text(64),
  isPassed: { type: 'boolean' },
  reasons: list(object({ code: text(64), message: { type: 'string' } }), REASONS_MAX),
  artifacts: list(
    object({
      name: { type: 'string' },
      digest: DIGEST,
      sbom: STATEMENTS,
      provenance: STATEMENTS,
      riskAssessment: STATEMENTS,
      attestations: STATEMENTS,
    }),
    GATED_ARTIFACTS_MAX,
  ),
  statements: STATEMENTS,
});

export const RELEASE_MANIFEST = ANY_OBJECT;
