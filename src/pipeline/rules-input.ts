import { Ajv2020, type ErrorObject, type ValidateFunction } from 'ajv/dist/2020.js';
import { messageOf } from '../base/errors.ts';
import type { Json, JsonObject } from '../base/json.ts';
import type { StepDefinition } from './definition.ts';
import type { Findings } from './finding.ts';
import type { ResolvedStep } from './resolve.ts';
import { child, nodeAt, type SourceNode } from './source.ts';
import { didYouMean } from './suggest.ts';
import { hasExpression } from './template.ts';
import { headOf, keyOf, pointerParts, shapeMessage } from './validate.ts';

/** Compiled once per process: making one takes longer than all the rest of compiling a small pipeline. */
const VALIDATORS = new WeakMap<JsonObject, ValidateFunction>();

/** Checks inputs against the schemas of the steps; each schema is compiled once. */
export class InputRules {
  readonly #findings: Findings;
  readonly #broken = new Set<JsonObject>();

  constructor(findings: Findings) {
    this.#findings = findings;
  }

  /** Values that templates make are not known yet: what a schema says of them is left to the run. */
  check(step: StepDefinition, resolved: ResolvedStep): void {
    const { inputSchema, capabilities } = resolved;
    for (const secret of capabilities?.secrets ?? []) {
      if (step.secrets.includes(secret)) continue;
      this.#findings.warning(
        'task-secret',
        step.usesSpan,
        `"${step.uses}" asks for the secret "${secret}": name it in the step's "secrets"`,
      );
    }
    const validate = inputSchema && this.#compile(inputSchema, step);
    if (!validate || validate(step.with)) return;
    const withNode = child(step.node, 'with');
    for (const error of validate.errors ?? []) {
      if (!concernsTemplate(step.with, error)) this.#report(step, withNode, error);
    }
  }

  #compile(schema: JsonObject, step: StepDefinition): ValidateFunction | undefined {
    const known = VALIDATORS.get(schema);
    if (known || this.#broken.has(schema)) return known;
    try {
      const validate = new Ajv2020({
        allErrors: true,
        verbose: true,
        strict: false,
        validateFormats: false,
        addUsedSchema: false,
        // Schemas of built-in steps are ours, and tested.
        validateSchema: isForeign(step),
      }).compile(schema);
      VALIDATORS.set(schema, validate);
      return validate;
    } catch (error) {
      this.#broken.add(schema);
      this.#findings.error(
        'task-invalid',
        step.usesSpan,
        `the input schema of "${step.uses}" is wrong: ${messageOf(error)}`,
      );
      return undefined;
    }
  }

  #report(step: StepDefinition, withNode: SourceNode | undefined, error: ErrorObject): void {
    const params = error.params as Record<string, unknown>;
    const path = pointerParts(error.instancePath);
    const node = withNode ? nodeAt(withNode, path) : undefined;
    const where = ['with', ...path].join('.');
    if (error.keyword === 'additionalProperties' || error.keyword === 'unevaluatedProperties') {
      const name = String(params['additionalProperty'] ?? params['unevaluatedProperty']);
      const known = Object.keys((error.parentSchema as { properties?: object } | undefined)?.properties ?? {});
      this.#findings.error(
        'with-invalid',
        node ? keyOf(node, name) : step.usesSpan,
        `${where}: unknown input "${name}"${didYouMean(name, known)}`,
      );
    } else if (error.keyword === 'required') {
      const place = node && error.instancePath !== '' ? headOf(node) : step.usesSpan;
      this.#findings.error(
        'with-invalid',
        place,
        `${where}: "${step.uses}" needs the input "${String(params['missingProperty'])}"`,
      );
    } else {
      this.#findings.error('with-invalid', node ?? step.usesSpan, `${where}: ${shapeMessage(error)}`);
    }
  }
}

/** Whether the value at an error holds a template at any depth, so that the error may not be one when the step runs. */
function concernsTemplate(input: JsonObject, error: ErrorObject): boolean {
  if (error.keyword === 'additionalProperties' || error.keyword === 'required') return false;
  let value: Json | undefined = input;
  for (const part of pointerParts(error.instancePath)) {
    value = (value as Readonly<Record<string, Json>> | undefined)?.[part];
  }
  return value !== undefined && holdsTemplate(value);
}

function holdsTemplate(value: Json): boolean {
  if (typeof value === 'string') return hasExpression(value);
  return typeof value === 'object' && value !== null && Object.values(value).some((part) => holdsTemplate(part));
}

/** A task of the repository or of a package brings its own schema. */
function isForeign(step: StepDefinition): boolean {
  return step.uses.startsWith('.') || step.uses.startsWith('pkg:');
}
