import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { Ajv, type ValidateFunction } from 'ajv';
import addFormats from 'ajv-formats';
import type { JsonSchema } from './schema-type.ts';
import { shape } from './shape.ts';

/** One endpoint of GitHub's REST API, as GitHub describes it. */
export interface Operation {
  /** `checks/create` */
  readonly id: string;
  readonly method: string;
  /** `/repos/{owner}/{repo}/check-runs` */
  readonly path: string;
}

export interface Parameter {
  readonly name: string;
  readonly in: 'path' | 'query' | 'header';
  readonly required?: boolean;
  readonly schema: JsonSchema;
}

interface Described {
  readonly operationId: string;
  readonly parameters?: readonly (Parameter | { readonly $ref: string })[];
  readonly requestBody?: {
    readonly required?: boolean;
    readonly content?: Readonly<Record<string, { readonly schema?: JsonSchema }>>;
  };
  readonly responses: Readonly<Record<string, Answer | { readonly $ref: string }>>;
}

interface Answer {
  readonly content?: Readonly<Record<string, { readonly schema?: JsonSchema }>>;
}

interface Entry extends Operation {
  readonly segments: readonly string[];
  readonly described: Described;
}

export interface Match {
  readonly operation: Operation;
  readonly params: Readonly<Record<string, string>>;
}

type Document = Readonly<Record<string, unknown>> & {
  readonly paths: Readonly<Record<string, Readonly<Record<string, Described>>>>;
};

const METHODS = new Set(['get', 'put', 'post', 'patch', 'delete']);

/** GitHub's own description of its REST API. Validators are compiled at first use: all of them would take minutes. */
export class OpenApi {
  private readonly document: Document;
  private readonly entries = new Map<string, Entry[]>();
  private readonly byId = new Map<string, Entry>();
  private readonly ajv = openAjv();
  private readonly compiled = new Map<string, ValidateFunction | null>();

  constructor() {
    const require = createRequire(import.meta.url);
    const path = require.resolve('@octokit/openapi/generated/api.github.com.json');
    this.document = JSON.parse(readFileSync(path, 'utf8')) as Document;
    amend(this.document);
    for (const [path, methods] of Object.entries(this.document.paths)) {
      for (const [method, described] of Object.entries(methods)) {
        if (METHODS.has(method)) this.add({ path, method: method.toUpperCase(), described });
      }
    }
  }

  private add({ path, method, described }: { path: string; method: string; described: Described }): void {
    const entry = { id: described.operationId, method, path, described, segments: path.split('/').slice(1) };
    const key = `${method} ${entry.segments.length}`;
    this.entries.set(key, [...(this.entries.get(key) ?? []), entry]);
    this.byId.set(entry.id, entry);
  }

  /**
   * The operation that a request means, or null. A fixed segment beats a parameter. Parameters that may hold slashes
   * (`{path}` of contents, `{ref}`) take the rest of the path.
   */
  find(method: string, path: string): Match | null {
    const given = path
      .replace(/\/contents$/, '/contents/')
      .split('/')
      .slice(1);
    for (let length = given.length; length > 0; length -= 1) {
      const fits = (this.entries.get(`${method} ${length}`) ?? []).flatMap((entry) => {
        const params = matched(entry, given);
        return params === null ? [] : [{ entry, params }];
      });
      const best = fits.toSorted((a, b) => compareSegments(a.entry.segments, b.entry.segments))[0];
      if (best !== undefined) return { operation: best.entry, params: best.params };
    }
    return null;
  }

  operation(id: string): Operation | undefined {
    return this.byId.get(id);
  }

  parameters(operation: Operation): readonly Parameter[] {
    return (this.entry(operation).described.parameters ?? []).map((item) =>
      '$ref' in item ? (this.at(item.$ref) as Parameter) : item,
    );
  }

  /** What is wrong with a body, or null. */
  faultOfBody(operation: Operation, body: unknown): string | null {
    const { requestBody } = this.entry(operation).described;
    const schema = requestBody?.content?.['application/json']?.schema;
    if (schema === undefined) return null;
    if (body === undefined) return requestBody?.required === true ? 'a JSON body is required' : null;
    return this.fault(`${operation.id} body`, schema, body);
  }

  faultOfQuery(operation: Operation, query: Readonly<Record<string, string>>): string | null {
    for (const parameter of this.parameters(operation)) {
      if (parameter.in !== 'query') continue;
      const given = query[parameter.name];
      if (given === undefined) {
        if (parameter.required === true) return `query ${parameter.name} is required`;
        continue;
      }
      const fault = this.fault(
        `${operation.id} query ${parameter.name}`,
        parameter.schema,
        typed(parameter.schema, given),
      );
      if (fault !== null) return `query ${parameter.name}: ${fault}`;
    }
    return null;
  }

  /** An answer with every field that GitHub's answer has, see `shape`. */
  shaped(operation: Operation, status: number, value: unknown): unknown {
    const schema = this.answerSchema(operation, status);
    return schema === null ? value : shape(schema, value, (ref) => this.at(ref) as JsonSchema);
  }

  /** What is wrong with an answer, or null. GitHub does not describe all errors: those are not judged. */
  faultOfAnswer(operation: Operation, status: number, value: unknown): string | null {
    if (this.answer(operation, status) === null) {
      return status < 400 ? `status ${status} is not one of this operation` : null;
    }
    const schema = this.answerSchema(operation, status);
    if (schema === null) return null;
    return this.fault(`${operation.id} ${status}`, schema, value);
  }

  private answerSchema(operation: Operation, status: number): JsonSchema | null {
    return this.answer(operation, status)?.content?.['application/json']?.schema ?? null;
  }

  private answer(operation: Operation, status: number): Answer | null {
    const answer = this.entry(operation).described.responses[String(status)];
    if (answer === undefined) return null;
    return '$ref' in answer ? (this.at(answer.$ref) as Answer) : answer;
  }

  private fault(key: string, schema: JsonSchema, value: unknown): string | null {
    let validate = this.compiled.get(key);
    if (validate === undefined) {
      validate = this.ajv.compile(this.standalone(schema));
      this.compiled.set(key, validate);
    }
    if (validate === null || validate(value)) return null;
    return this.ajv.errorsText(validate.errors?.slice(0, 5), { dataVar: '' });
  }

  /** A schema with the components it reaches, so that a validator costs what it needs and not the whole description. */
  private standalone(schema: JsonSchema): object {
    const components: Record<string, unknown> = {};
    const take = (node: unknown): unknown => {
      if (Array.isArray(node)) return node.map(take);
      if (typeof node !== 'object' || node === null) return node;
      const copy = Object.fromEntries(
        Object.entries(node)
          .filter(
            ([key, item]) =>
              !(key === 'example' || key === 'examples' || (key === 'description' && typeof item === 'string')),
          )
          .map(([key, item]) => {
            if (key !== '$ref' || typeof item !== 'string') return [key, take(item)];
            const name = item.slice('#/components/schemas/'.length);
            if (components[name] === undefined) {
              components[name] = {};
              components[name] = take(this.at(item));
            }
            return [key, `#/definitions/${name}`];
          }),
      );
      return withNull(copy);
    };
    const top = take(schema);
    return { allOf: [top], definitions: components };
  }

  private at(ref: string): unknown {
    let node: unknown = this.document;
    for (const part of ref.slice(2).split('/')) {
      node = (node as Record<string, unknown>)[part.replaceAll('~1', '/').replaceAll('~0', '~')];
    }
    return node;
  }

  private entry({ id }: Operation): Entry {
    const entry = this.byId.get(id);
    if (entry === undefined) throw new Error(`the description has no operation ${id}`);
    return entry;
  }
}

/**
 * What GitHub does and its description does not know: an asset in state `starter`, which a broken upload leaves behind,
 * a deployment that waits for a protection rule (its webhooks say so), and a comment on a whole file, which has no line.
 */
function amend(document: Document): void {
  const { schemas } = document['components'] as { readonly schemas: Record<string, JsonSchema> };
  for (const [name, more] of [
    ['release-asset', 'starter'],
    ['deployment-status', 'waiting'],
  ] as const) {
    const states = schemas[name]?.properties?.['state']?.enum;
    if (Array.isArray(states)) states.push(more);
  }
  const { line, original_line: original } = schemas['pull-request-review-comment']?.properties ?? {};
  for (const property of [line, original]) if (property !== undefined) Object.assign(property, { nullable: true });
}

function openAjv(): Ajv {
  const ajv = new Ajv({ strict: false, allErrors: false, discriminator: false, validateFormats: true });
  addFormats.default(ajv);
  ajv.addFormat('repo.nwo', true); // GitHub's own, described nowhere
  return ajv;
}

/** `nullable` is a word of OpenAPI 3.0, which JSON Schema says by type; GitHub also writes it where no type is. */
function withNull({ nullable, ...schema }: Record<string, unknown>): Record<string, unknown> {
  if (nullable !== true) return schema;
  return { anyOf: [{ type: 'null' }, schema] };
}

function matched({ segments }: Entry, given: readonly string[]): Record<string, string> | null {
  const params: Record<string, string> = {};
  for (const [index, segment] of segments.entries()) {
    const value = given[index] ?? '';
    const isLast = index === segments.length - 1;
    if (!segment.startsWith('{')) {
      if (segment !== value || (isLast && given.length > segments.length)) return null;
      continue;
    }
    const name = segment.slice(1, -1);
    if (isLast && given.length > segments.length) {
      if (!['path', 'ref', 'branch', 'basehead'].includes(name)) return null;
      params[name] = given.slice(index).map(decodeURIComponent).join('/');
      continue;
    }
    if (value === '' && name !== 'path') return null; // contents of the root
    params[name] = decodeURIComponent(value);
  }
  return params;
}

/** Fixed segments first, from the left. */
function compareSegments(a: readonly string[], b: readonly string[]): number {
  for (const [index, segment] of a.entries()) {
    const difference = Number(segment.startsWith('{')) - Number(b[index]?.startsWith('{') ?? false);
    if (difference !== 0) return difference;
  }
  return 0;
}

function typed(schema: JsonSchema, text: string): unknown {
  if (schema.type === 'integer' || schema.type === 'number') return Number(text);
  if (schema.type === 'boolean') return text === 'true' ? true : text === 'false' ? false : text;
  if (schema.type === 'array') return text.split(',');
  if (schema.oneOf !== undefined)
    return /^\d+$/.test(text) && schema.oneOf.some(({ type }) => type === 'integer') ? Number(text) : text;
  return text;
}
