import type { Json, JsonObject } from '../base/json.ts';
import { object, text, whole } from '../protocol/wire/schema.ts';
import type { Route } from './route.ts';

const PROBLEM = object({
  type: text(256),
  title: text(256),
  status: whole(400, 599),
  code: text(64),
  detail: text(65_536),
  nextStep: text(1024),
});

const SECURITY: Readonly<Record<Route['caller'], Json>> = {
  worker: [{ session: [] }],
  job: [{ identity: [] }],
  person: [{ github: [] }],
  anyone: [],
};

/** The routes as OpenAPI 3.1, from the same schemas that requests are held against. */
export function openApiDocument(routes: readonly Route[], version: string): JsonObject {
  const paths: Record<string, Record<string, Json>> = {};
  for (const route of routes) (paths[route.path] ??= {})[route.method.toLowerCase()] = operation(route);
  return {
    openapi: '3.1.0',
    info: {
      title: 'Maestro',
      version,
      description: 'The worker protocol, answers of people to gates, and the evidence register.',
      license: { name: 'Apache-2.0' },
    },
    paths,
    components: {
      securitySchemes: {
        session: { type: 'http', scheme: 'bearer', description: 'Token of a worker’s session.' },
        identity: {
          type: 'http',
          scheme: 'bearer',
          bearerFormat: 'JWT',
          description: 'Identity token of a job of GitHub Actions, made for the public URL of this server.',
        },
        github: {
          type: 'http',
          scheme: 'bearer',
          description: 'Token of a person at GitHub. It is shown to GitHub, to learn whose it is, and not kept.',
        },
      },
      schemas: { Problem: PROBLEM },
    },
  };
}

function operation(route: Route): JsonObject {
  const { summary, path, body, answer, caller } = route;
  return {
    operationId: `${route.method.toLowerCase()}${path
      .replace('/api/v1', '')
      .replaceAll(/[^A-Za-z]+(\w)/g, (_, letter: string) => letter.toUpperCase())
      .replaceAll(/\W/g, '')}`,
    summary,
    security: SECURITY[caller],
    parameters: parameters(route),
    ...(body || route.streamBytesMax !== undefined
      ? {
          requestBody: {
            required: true,
            content: body
              ? { 'application/json': { schema: body.schema } }
              : { 'application/octet-stream': { schema: { type: 'string', format: 'binary' } } },
          },
        }
      : {}),
    responses: {
      '200': {
        description: 'Done.',
        content: contentOf(answer),
      },
      default: {
        description: 'What went wrong, as RFC 9457 has it.',
        content: { 'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } } },
      },
    },
  };
}

function contentOf(answer: Route['answer']): JsonObject {
  if (answer === 'stream') return { 'application/octet-stream': { schema: { type: 'string', format: 'binary' } } };
  if (answer === 'text') return { 'text/plain': { schema: { type: 'string' } } };
  return { 'application/json': { schema: answer } };
}

function parameters({ path, pathPatterns, query }: Route): readonly Json[] {
  const inPath = [...path.matchAll(/\{(\w+)\}/g)].map(
    ([, name = '']): Json => ({
      name,
      in: 'path',
      required: true,
      schema: { type: 'string', ...(pathPatterns?.[name] ? { pattern: `^${pathPatterns[name]}$` } : {}) },
    }),
  );
  const inQuery = Object.entries(query ?? {}).map(
    ([name, schema]): Json => ({ name, in: 'query', required: true, schema }),
  );
  return [...inPath, ...inQuery];
}
