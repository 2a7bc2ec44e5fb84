import { MaestroError } from '../../base/errors.ts';
import type { JsonObject } from '../../base/json.ts';
import { type Finding, findingOf, isObject, objectsIn, reported, shortText } from './finding.ts';
import { driverOf, isFailure, isSuppressed, SarifRules } from './sarif-rules.ts';
import { type Severity, severityOfScore } from './severity.ts';

const SARIF_VERSION = '2.1.0';
const LEVELS: Readonly<Record<string, Severity>> = { error: 'high', warning: 'medium', note: 'low' };

/**
 * Findings of a SARIF 2.1.0 log, as a scanner outside of this step wrote it. What it marks as suppressed, or as no failure, is
 * none.
 *
 * @throws MaestroError SCAN_FAILED for another document, and for a log of a scanner that says that it failed
 * @source https://docs.oasis-open.org/sarif/sarif/v2.1.0/
 */
export function readSarif(log: JsonObject, path: string): readonly Finding[] {
  // A log without a run is one of nothing that was done.
  if (log.version !== SARIF_VERSION || objectsIn(log.runs).length === 0)
    throw new MaestroError(
      'SCAN_FAILED',
      `expected a SARIF ${SARIF_VERSION} log of at least one run in ${path}, got another document`,
    );
  return objectsIn(log.runs).flatMap((run) => {
    if (objectsIn(run.invocations).some((one) => one.executionSuccessful === false))
      throw new MaestroError('SCAN_FAILED', `the scanner that wrote ${path} says that it failed`);
    const rules = new SarifRules(run);
    const source = shortText(driverOf(run).name, 'SARIF');
    // Absent, it says that no scan took place: SARIF 2.1.0, section 3.14.23.
    return reported(run.results, source, 'its "results"').flatMap((result) => readResult(result, rules, source));
  });
}

function readResult(result: JsonObject, rules: SarifRules, source: string): readonly Finding[] {
  const rule = rules.find(result);
  const id = idOf(result, rule);
  const severity = severityOf(result, rule, rules);
  if (!isFailure(result) || isSuppressed(result) || severity === undefined) return [];
  const title = isObject(result.message) ? shortText(result.message.text) : undefined;
  return [findingOf({ id, severity, title, source, ...placeOf(result) })];
}

function idOf(result: JsonObject, rule: JsonObject | undefined): string {
  const reference = isObject(result.rule) ? shortText(result.rule.id) : '';
  return shortText(result.ruleId) || reference || shortText(rule?.id, 'unknown');
}

/**
 * GitHub's own convention stands above the level. Undefined for a result that is no problem. What neither says itself how bad
 * it is nor names a rule that does may be anything: it counts as high.
 */
function severityOf(result: JsonObject, rule: JsonObject | undefined, rules: SarifRules): Severity | undefined {
  for (const one of [result, rule]) {
    const score = isObject(one?.properties) ? one.properties['security-severity'] : undefined;
    if (score !== undefined) return severityOfScore(score);
  }
  const level = result.level ?? rules.levelOf(result);
  if (level === 'none') return undefined;
  return (typeof level === 'string' ? LEVELS[level] : undefined) ?? 'high';
}

function placeOf(result: JsonObject): { readonly path?: string; readonly line?: number } {
  const [first] = objectsIn(result.locations);
  const place = isObject(first?.physicalLocation) ? first.physicalLocation : {};
  const path = isObject(place.artifactLocation) ? shortText(place.artifactLocation.uri) : '';
  const line = isObject(place.region) ? place.region.startLine : undefined;
  return { ...(path ? { path } : {}), ...(Number.isSafeInteger(line) ? { line: line as number } : {}) };
}
