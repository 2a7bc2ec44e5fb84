import type { ErrorObject } from 'ajv/dist/2020.js';
import { isJsonObject, type JsonObject } from '../base/json.ts';
import { didYouMean } from '../pipeline/suggest.ts';
import type { PolicyManifest } from './bundle.ts';
import { validatorOf } from './data-schema.ts';

/** What is wrong in a data document, and where. */
export interface DataFault {
  readonly path: readonly string[];
  readonly message: string;
}

/** Where the data is not of the packs' schema. */
export function faultsOfShape(data: JsonObject, manifest: PolicyManifest): readonly DataFault[] {
  const validate = validatorOf(manifest);
  if (validate(data)) return [];
  return (validate.errors ?? []).filter(isTelling).map((error) => {
    const path = pathOf(error);
    return { path, message: `${messageFor(error, path)}${owner(path, manifest)}` };
  });
}

/** `propertyNames` and `if` only repeat the finding about the value itself. */
function isTelling({ keyword }: ErrorObject): boolean {
  return keyword !== 'propertyNames' && keyword !== 'if';
}

function messageFor(error: ErrorObject, path: readonly string[]): string {
  const name = path.join('.');
  const schema = (error.parentSchema ?? {}) as JsonObject;
  switch (error.keyword) {
    case 'additionalProperties':
      return `${name} is not a setting${didYouMean(path.at(-1) ?? '', settingsIn(schema))}`;
    case 'enum': {
      const allowed = (error.params['allowedValues'] as readonly unknown[]).map(String);
      return `${name} must be one of ${allowed.join(', ')}${didYouMean(String(error.data), allowed)}`;
    }
    case 'required':
      return path.length === 1 ? `${name} may not be removed; leave it out to take the default` : `${name} is missing`;
    case 'dependentRequired':
      return `${name} needs ${String(error.params['deps'])} beside it`;
    case 'false schema':
      return `${name} may not stand beside weekly`;
    case 'pattern':
      return `${name} ${typeof schema.description === 'string' ? `must be ${schema.description}` : error.message}`;
    default:
      return `${name} ${error.message ?? 'is invalid'}`;
  }
}

function settingsIn({ properties }: JsonObject): readonly string[] {
  return isJsonObject(properties) ? Object.keys(properties) : [];
}

/** Where in the data the error lies, down to the key that is wrong. */
function pathOf(error: ErrorObject): readonly string[] {
  const parts = error.instancePath.split('/').slice(1);
  const path = parts.map((part) => part.replaceAll('~1', '/').replaceAll('~0', '~'));
  const { additionalProperty, missingProperty, property } = error.params;
  const key: unknown = additionalProperty ?? property ?? missingProperty ?? error.propertyName;
  return typeof key === 'string' ? [...path, key] : path;
}

/** Every setting belongs to one pack, which the guide describes. */
export function owner([key]: readonly string[], { packs }: PolicyManifest): string {
  const pack = packs.find(({ keys }) => key !== undefined && keys.includes(key));
  return pack ? ` (pack ${pack.name})` : '';
}
