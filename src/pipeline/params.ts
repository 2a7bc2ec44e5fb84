import type { Json, JsonObject } from '../base/json.ts';
import { isJsonObject } from '../base/json.ts';
import type { ParamDefinition, ParamType } from './definition.ts';
import type { Findings, Span } from './finding.ts';
import { booleanOf, defined, show } from './settings.ts';
import { child, jsonOf, type SourceNode, textOf } from './source.ts';
import { didYouMean } from './suggest.ts';

/** Parameters as declared. A value that is not a map is short for a default, from which the type follows. */
export function defineParams(node: SourceNode | undefined, findings: Findings): readonly ParamDefinition[] {
  if (node?.kind !== 'map') return [];
  return [...node.entries].map(([name, { key, value }]) => {
    const param = value.kind === 'map' ? defineParam(name, key, value) : shortParam(name, key, jsonOf(value));
    const fault = param.default === undefined ? undefined : faultOf(param, param.default);
    const place = child(value, 'default') ?? value;
    if (fault) findings.error('param-default', place, `the default of "${name}" is wrong: ${fault}`);
    if (param.type === 'enum' && !param.enum)
      findings.error('param-default', key, `"${name}" is an enum: list its values in "enum"`);
    return param;
  });
}

function defineParam(name: string, span: Span, node: SourceNode): ParamDefinition {
  const fallback = child(node, 'default');
  const choices = child(node, 'enum');
  const value = fallback && jsonOf(fallback);
  const written = textOf(child(node, 'type')) as ParamType | undefined;
  return defined({
    name,
    type: written ?? (choices ? 'enum' : typeOfValue(value ?? '')),
    enum: choices?.kind === 'list' ? choices.items.map(jsonOf) : undefined,
    default: value,
    isRequired: booleanOf(child(node, 'required')) ?? false,
    description: textOf(child(node, 'description')),
    span: { start: span.start, end: span.end },
  });
}

function shortParam(name: string, span: Span, value: Json): ParamDefinition {
  const base = { name, type: typeOfValue(value ?? ''), isRequired: false, span: { start: span.start, end: span.end } };
  return value === null ? base : { ...base, default: value };
}

function typeOfValue(value: Json): ParamType {
  if (Array.isArray(value)) return 'array';
  const type = typeof value;
  return type === 'number' || type === 'boolean' || type === 'object' ? type : 'string';
}

/**
 * The values of a run, by name. `given` may hold texts for any type, as a command line gives them.
 *
 * Without `given` (linting) a required parameter gets a stand-in of its type.
 */
export function resolveParams(
  params: readonly ParamDefinition[],
  given: JsonObject | undefined,
  findings: Findings,
): JsonObject {
  if (given) reportUnknown(params, given, findings);
  const values: Record<string, Json> = {};
  for (const param of params) {
    const value = given && Object.hasOwn(given, param.name) ? coerce(param, given[param.name] ?? null) : param.default;
    if (value !== undefined) values[param.name] = checked(param, value, findings);
    else if (given && param.isRequired) reportMissing(param, findings);
    else values[param.name] = param.isRequired ? standIn(param) : null;
  }
  return values;
}

function reportUnknown(params: readonly ParamDefinition[], given: JsonObject, findings: Findings): void {
  const names = params.map(({ name }) => name);
  const known = names.length === 0 ? 'the pipeline has none' : `it has ${names.join(', ')}`;
  for (const name of Object.keys(given).filter((key) => !names.includes(key))) {
    const message = `unknown parameter "${name}"${didYouMean(name, names)}: ${known}`;
    findings.error('param-unknown', { start: 0, end: 0 }, message);
  }
}

function reportMissing(param: ParamDefinition, findings: Findings): void {
  findings.error('param-missing', param.span, `parameter "${param.name}" is required: expected ${expectation(param)}`);
}

/** A wrong default was reported where it stands. */
function checked(param: ParamDefinition, value: Json, findings: Findings): Json {
  const fault = value === param.default ? undefined : faultOf(param, value);
  if (fault) findings.error('param-type', param.span, `parameter "${param.name}": ${fault}`);
  return value;
}

/** A text from a command line as the parameter's type, where it can be read as one. */
function coerce(param: ParamDefinition, value: Json): Json {
  if (typeof value !== 'string') return value;
  if (param.type === 'string') return value;
  if (param.type === 'enum')
    return param.enum?.find((choice) => choice === value || JSON.stringify(choice) === value) ?? value;
  try {
    return JSON.parse(value) as Json;
  } catch {
    return value;
  }
}

function faultOf(param: ParamDefinition, value: Json): string | undefined {
  const isOfType = TYPE_CHECKS[param.type](value);
  const isChoice = !param.enum || param.enum.some((choice) => JSON.stringify(choice) === JSON.stringify(value));
  return isOfType && isChoice ? undefined : `expected ${expectation(param)}, got ${show(value)}`;
}

const TYPE_CHECKS: Readonly<Record<ParamType, (value: Json) => boolean>> = {
  string: (value) => typeof value === 'string',
  number: (value) => typeof value === 'number',
  boolean: (value) => typeof value === 'boolean',
  enum: () => true,
  array: (value) => Array.isArray(value),
  object: isJsonObject,
};

function expectation(param: ParamDefinition): string {
  if (param.enum) return `one of ${param.enum.map(show).join(', ')}`;
  return /^[aeo]/.test(param.type) ? `an ${param.type}` : `a ${param.type}`;
}

function standIn(param: ParamDefinition): Json {
  const [choice] = param.enum ?? [];
  if (choice !== undefined) return choice;
  return { string: param.name, enum: param.name, number: 1, boolean: false, array: [], object: {} }[param.type];
}
