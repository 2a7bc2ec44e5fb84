import type { JsonObject } from '../../base/json.ts';
import type { Finding } from './finding.ts';

/** Of whom the findings of a scan are, where only SARIF logs were read. */
const SARIF_URI = 'https://docs.oasis-open.org/sarif/sarif/v2.1.0/';
/** The words of `Severity`: what a scanner's own scale says of a finding is not known here any more. */
const SEVERITY_METHOD = 'maestro.severity/v1';

export interface ScanTimes {
  /** RFC 3339. */
  readonly startedOn: string;
  readonly finishedOn: string;
}

/**
 * What a scan found, whatever VEX says of it, as the predicate of a statement.
 * @param scannerUri undefined where no scanner ran
 * @source https://github.com/in-toto/attestation/blob/main/spec/predicates/vuln.md, version 0.2
 */
export function writeVulns(
  scannerUri: string | undefined,
  findings: readonly Finding[],
  { startedOn, finishedOn }: ScanTimes,
): JsonObject {
  return {
    scanner: { uri: scannerUri ?? SARIF_URI, result: findings.map(resultOf) },
    metadata: { scanStartedOn: startedOn, scanFinishedOn: finishedOn },
  };
}

function resultOf({ id, severity, source, purl, fixedIn }: Finding): JsonObject {
  const notes = { source, ...(purl ? { purl } : {}), ...(fixedIn ? { fixedIn } : {}) };
  return {
    id,
    severity: [{ method: SEVERITY_METHOD, score: severity }],
    annotations: Object.entries(notes).map(([name, value]) => ({ [name]: value })),
  };
}
