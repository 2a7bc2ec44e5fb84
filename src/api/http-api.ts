import type { HttpBindings } from '@hono/node-server';
import { type Context, Hono } from 'hono';
import { sessionTokenHash } from '../auth/session-token.ts';
import { isMaestroError, MaestroError } from '../base/errors.ts';
import type { JsonObject } from '../base/json.ts';
import { object } from '../protocol/wire/schema.ts';
import type { BoundWorker } from '../protocol/worker-session.ts';
import { readJson, streamBody } from './body.ts';
import { openApiDocument } from './document.ts';
import type { HttpApiTools } from './http-api-tools.ts';
import { ADDRESS_RATE, RATES_KEPT, SESSION_RATE } from './limits.ts';
import { problemResponse } from './problem.ts';
import { RateLimit } from './rate-limit.ts';
import type { Call, Route } from './route.ts';
import { healthRoutes } from './routes/health.ts';
import { leaseRoutes } from './routes/leases.ts';
import { registrationRoutes } from './routes/registration.ts';
import { runRoutes } from './routes/runs.ts';
import { stepRoutes } from './routes/steps.ts';
import { workerRoutes } from './routes/workers.ts';
import { assertValid } from './validate.ts';

interface Bindings {
  Bindings: Partial<HttpBindings>;
}
export type HttpApi = Hono<Bindings>;

interface Limits {
  readonly addresses: RateLimit;
  readonly sessions: RateLimit;
}

/** The HTTP door to workers: routes, checked by the schemas that its document shows. */
export function openHttpApi(tools: HttpApiTools): HttpApi {
  const app: HttpApi = new Hono();
  const limits: Limits = {
    addresses: new RateLimit(ADDRESS_RATE, tools.clock, RATES_KEPT),
    sessions: new RateLimit(SESSION_RATE, tools.clock, RATES_KEPT),
  };
  const routes: readonly Route[] = [
    ...registrationRoutes(tools),
    ...workerRoutes(tools),
    ...leaseRoutes(tools),
    ...stepRoutes(tools),
    ...runRoutes(tools),
    ...healthRoutes(tools),
  ];
  for (const route of routes) app.on(route.method, honoPath(route), (context) => answer(tools, limits, route, context));
  const document = openApiDocument(routes, tools.version);
  app.get('/api/v1/openapi.json', (context) => context.json(document));
  app.all('/api/*', (context) => {
    const error = new MaestroError('ROUTE_NOT_FOUND', `there is no ${context.req.method} ${context.req.path}`);
    return problemResponse(error, tools.newId());
  });
  return app;
}

/** `{stepId}` as hono writes it, with its pattern, lest `1.2:complete` counts as a step's id. */
function honoPath({ path, pathPatterns }: Route): string {
  const segments = path.split('/').map((segment) => {
    const match = /^\{(\w+)\}(.*)$/.exec(segment);
    if (!match) return segment;
    const [, name = '', suffix = ''] = match;
    return `:${name}{${pathPatterns?.[name] ?? '[^/:]+'}${suffix}}`;
  });
  return segments.join('/');
}

async function answer(
  tools: HttpApiTools,
  limits: Limits,
  route: Route,
  context: Context<Bindings>,
): Promise<Response> {
  const requestId = tools.newId();
  try {
    const response = await handle(tools, limits, route, context);
    response.headers.set('x-request-id', requestId);
    response.headers.set('cache-control', 'no-store');
    return sentElsewhere(tools, response);
  } catch (error) {
    if (!isMaestroError(error)) tools.onError(error, requestId);
    return sentElsewhere(tools, problemResponse(error, requestId));
  }
}

/** The last answer on its connection, where the server goes: the next call finds the one that stays. */
function sentElsewhere(tools: HttpApiTools, response: Response): Response {
  if (tools.closing.aborted) response.headers.set('connection', 'close');
  return response;
}

/** Who asks, and how often, is decided before a byte of the body is read. */
async function handle(
  tools: HttpApiTools,
  limits: Limits,
  route: Route,
  context: Context<Bindings>,
): Promise<Response> {
  const request = context.req.raw;
  const socketAddress = context.env.incoming?.socket.remoteAddress ?? '';
  if (route.caller === 'job') limits.addresses.take(tools.addressOf?.(request, socketAddress) ?? socketAddress);
  const worker = route.caller === 'worker' ? await authenticate(tools, request) : undefined;
  if (worker) limits.sessions.take(String(worker.workerId));
  // Answered at once and empty, a held call would come back in a hurry.
  if (route.isHeld && tools.closing.aborted) throw new MaestroError('UNAVAILABLE', 'this server is about to go');
  const call = await readCall(route, context, tools.closing);
  const value = await (route.caller === 'worker'
    ? route.handle({ ...call, worker: worker as BoundWorker })
    : route.handle(call));
  if (route.answer !== 'stream') return Response.json(value);
  return new Response(ReadableStream.from(value as AsyncIterable<Uint8Array>), {
    headers: { 'content-type': 'application/octet-stream' },
  });
}

async function authenticate(tools: HttpApiTools, request: Request): Promise<BoundWorker> {
  const token = /^Bearer (\S+)$/i.exec(request.headers.get('authorization') ?? '')?.[1];
  const hash = token === undefined ? undefined : sessionTokenHash(token);
  const worker = hash && (await tools.sessions.find(hash, tools.clock.now()));
  if (worker) return worker;
  throw new MaestroError('UNAUTHENTICATED', 'expected the token of a worker’s session that has not ended');
}

async function readCall(route: Route, context: Context<Bindings>, closing: AbortSignal): Promise<Call<never>> {
  const request = context.req.raw;
  const path = Object.fromEntries(
    Object.entries(context.req.param() as Record<string, string>).map(([name, value]) => [name, withoutVerb(value)]),
  );
  const query = context.req.query();
  if (route.query) assertValid(querySchema(route.query), query, 'query');
  const { body, streamBytesMax = 0 } = route;
  const value = body ? await readJson(request, body.bytesMax, body.isGzipAllowed === true) : undefined;
  if (body) assertValid(body.schema, value, 'body');
  return {
    body: value as never,
    path,
    query,
    stream: () => streamBody(request, streamBytesMax),
    signal: route.isHeld ? AbortSignal.any([request.signal, closing]) : request.signal,
  };
}

/** `12.3:complete` -> `12.3`. Digests keep their colon. */
function withoutVerb(value: string): string {
  return value.replace(/^([0-9.]+):[a-z]+$/, '$1');
}

const querySchemas = new WeakMap<object, JsonObject>();

function querySchema(fields: Readonly<Record<string, JsonObject>>): JsonObject {
  let schema = querySchemas.get(fields);
  if (!schema) querySchemas.set(fields, (schema = object(fields)));
  return schema;
}
