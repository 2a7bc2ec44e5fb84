import { isJsonObject, type Json, type JsonObject } from '../../base/json.ts';
import { BUILD_TYPE } from './build-provenance.ts';
import type { StatementKind } from './predicate-types.ts';

/**
 * Why a predicate is not what its type promises; undefined where it is.
 *
 * Formats of others may grow, so this holds them to what a reader relies on and lets the rest pass. Whether a whole document
 * conforms, its own tools say where it is made.
 */
export function predicateFault(kind: StatementKind, predicate: JsonObject): string | undefined {
  return FAULTS[kind](predicate);
}

type Fault = (predicate: JsonObject) => string | undefined;

const FAULTS: Readonly<Record<StatementKind, Fault>> = {
  provenance: provenanceFault,
  signature: (predicate) => (Object.keys(predicate).length === 0 ? undefined : 'expected an empty predicate'),
  sbom: sbomFault,
  vulnerabilities: vulnerabilitiesFault,
  vex: vexFault,
  'test-result': testResultFault,
  'gate-result': gateResultFault,
  'verification-summary': summaryFault,
};

const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?(Z|[+-]\d\d:\d\d)$/;

function provenanceFault({ buildDefinition, runDetails }: JsonObject): string | undefined {
  const { buildType, externalParameters, resolvedDependencies } = object(buildDefinition);
  if (buildType !== BUILD_TYPE) return `expected the buildType ${BUILD_TYPE}`;
  const { pipeline } = object(externalParameters);
  if (!isJsonObject(pipeline) || !isText(pipeline['path'])) return 'expected externalParameters.pipeline';
  if (!Array.isArray(resolvedDependencies)) return 'expected resolvedDependencies';
  const { builder, metadata } = object(runDetails);
  if (!isText(object(builder)['id'])) return 'expected runDetails.builder.id';
  return isText(object(metadata)['invocationId']) ? undefined : 'expected runDetails.metadata.invocationId';
}

function sbomFault({ bomFormat, specVersion, components }: JsonObject): string | undefined {
  if (bomFormat !== 'CycloneDX') return 'expected a CycloneDX document (bomFormat)';
  if (typeof specVersion !== 'string' || !/^1\.\d$/.test(specVersion))
    return 'expected the specVersion of CycloneDX 1.x';
  return components === undefined || Array.isArray(components) ? undefined : 'expected components to be a list';
}

function vulnerabilitiesFault({ scanner, metadata }: JsonObject): string | undefined {
  const { uri, result } = object(scanner);
  if (!isText(uri)) return 'expected scanner.uri';
  if (!everyObject(result, ({ id, severity }) => isText(id) && Array.isArray(severity)))
    return 'expected scanner.result to be a list of findings with id and severity';
  const { scanStartedOn, scanFinishedOn } = object(metadata);
  return isTime(scanStartedOn) && isTime(scanFinishedOn) ? undefined : 'expected when the scan started and finished';
}

const VEX_STATUSES: readonly Json[] = ['not_affected', 'affected', 'fixed', 'under_investigation'];

function vexFault(document: JsonObject): string | undefined {
  const context = document['@context'];
  if (typeof context !== 'string' || !context.startsWith('https://openvex.dev/ns'))
    return 'expected an OpenVEX document (@context)';
  if (!isText(document['@id']) || !isText(document['author'])) return 'expected @id and author';
  if (!isTime(document['timestamp'])) return 'expected a timestamp';
  const isStatement = ({ vulnerability, status }: JsonObject): boolean =>
    (isJsonObject(vulnerability) || isText(vulnerability)) && VEX_STATUSES.includes(status ?? null);
  return everyObject(document['statements'], isStatement)
    ? undefined
    : 'expected statements of a vulnerability and its status';
}

const TEST_RESULTS: readonly Json[] = ['PASSED', 'WARNED', 'FAILED'];

function testResultFault({ result, configuration }: JsonObject): string | undefined {
  if (!TEST_RESULTS.includes(result ?? null)) return 'expected the result PASSED, WARNED or FAILED';
  return everyObject(configuration, () => true) ? undefined : 'expected the configuration as a list of resources';
}

function gateResultFault({ verifier, timeCreated, properties }: JsonObject): string | undefined {
  const { id, policies } = object(verifier);
  if (!isText(id) || !Array.isArray(policies)) return 'expected a verifier with id and policies';
  if (!isTime(timeCreated)) return 'expected timeCreated';
  return Array.isArray(properties) && properties.every((one) => isText(one as Json))
    ? undefined
    : 'expected properties';
}

function summaryFault(predicate: JsonObject): string | undefined {
  const { verifier, timeVerified, resourceUri, policy, verificationResult, verifiedLevels } = predicate;
  if (!isText(object(verifier)['id'])) return 'expected verifier.id';
  if (!isTime(timeVerified)) return 'expected timeVerified';
  if (!isText(resourceUri) || !isText(object(policy)['uri'])) return 'expected resourceUri and policy';
  if (verificationResult !== 'PASSED' && verificationResult !== 'FAILED') return 'expected PASSED or FAILED';
  return Array.isArray(verifiedLevels) ? undefined : 'expected verifiedLevels';
}

const NOTHING: JsonObject = {};

function object(value: Json | undefined): JsonObject {
  return isJsonObject(value) ? value : NOTHING;
}

function isText(value: Json | undefined): value is string {
  return typeof value === 'string' && value !== '';
}

function isTime(value: Json | undefined): value is string {
  return typeof value === 'string' && TIME.test(value);
}

function everyObject(value: Json | undefined, holds: (one: JsonObject) => boolean): boolean {
  return Array.isArray(value) && (value as readonly Json[]).every((one) => isJsonObject(one) && holds(one));
}
