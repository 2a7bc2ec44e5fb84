import type { HttpBindings } from '@hono/node-server';
import { type Context, Hono } from 'hono';
import { isMaestroError, MaestroError } from '../base/errors.ts';
import { openApiDocument } from './document.ts';
import { type Caller, Gate } from './gate.ts';
import type { HttpApiTools } from './http-api-tools.ts';
import { problemResponse } from './problem.ts';
import { readCall } from './read-call.ts';
import type { Call, Route } from './route.ts';
import { answerRoutes } from './routes/answers.ts';
import { documentRoute } from './routes/document.ts';
import { evidenceRoutes } from './routes/evidence.ts';
import { healthRoutes } from './routes/health.ts';
import { identityRoutes } from './routes/identity.ts';
import { leaseRoutes } from './routes/leases.ts';
import { registrationRoutes } from './routes/registration.ts';
import { releaseRoutes } from './routes/releases.ts';
import { runRoutes } from './routes/runs.ts';
import { stepRoutes } from './routes/steps.ts';
import { trustedKeysRoutes } from './routes/trusted-keys.ts';
import { workerRoutes } from './routes/workers.ts';
import { streamAnswer } from './stream-answer.ts';

interface Bindings {
  Bindings: Partial<HttpBindings>;
}
export type HttpApi = Hono<Bindings>;

/** The HTTP door to workers and people: routes, checked by the schemas that its document shows. */
export function openHttpApi(tools: HttpApiTools): HttpApi {
  const app: HttpApi = new Hono();
  const gate = new Gate(tools);
  const routes: readonly Route[] = [
    ...registrationRoutes(tools),
    ...workerRoutes(tools),
    ...leaseRoutes(tools),
    ...stepRoutes(tools),
    ...runRoutes(tools),
    ...answerRoutes(),
    ...releaseRoutes(),
    ...healthRoutes(tools),
    ...identityRoutes(tools),
    ...trustedKeysRoutes(tools),
    ...evidenceRoutes(tools),
  ];
  for (const route of [...routes, documentRoute(openApiDocument(routes, tools.version))])
    app.on(route.method, honoPath(route), (context) => answer(tools, () => handle(tools, gate, route, context)));
  app.all('/api/*', (context) =>
    answer(tools, async () => {
      gate.turnAway(context.req.raw, socketAddress(context));
      throw new MaestroError('ROUTE_NOT_FOUND', `there is no ${context.req.method} ${context.req.path}`);
    }),
  );
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

async function answer(tools: HttpApiTools, body: () => Promise<Response>): Promise<Response> {
  const requestId = tools.newId();
  try {
    const response = await body();
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

async function handle(tools: HttpApiTools, gate: Gate, route: Route, context: Context<Bindings>): Promise<Response> {
  const caller = await gate.admit(route, context.req.raw, socketAddress(context));
  const leave = gate.enter(route, caller);
  let isStreaming = false;
  try {
    // Answered at once and empty, a held call would come back in a hurry.
    if (route.isHeld && tools.closing.aborted) throw new MaestroError('UNAVAILABLE', 'this server is about to go');
    const { call, release } = await readCall(gate, route, caller, context, tools.closing);
    try {
      const value = await asked(route, caller, call);
      if (route.answer === 'text') return textAnswer(value as { readonly text: string });
      if (route.answer !== 'stream') return jsonAnswer(gate, route, caller, value);
      isStreaming = true;
      return streamAnswer(value as AsyncIterable<Uint8Array>, leave);
    } finally {
      release();
    }
  } finally {
    if (!isStreaming) leave();
  }
}

/** What a session is told counts as what it sends: both are made and read in this process. */
function jsonAnswer(gate: Gate, route: Route, caller: Caller, value: object): Response {
  const text = JSON.stringify(value);
  gate.spend(route, caller, text.length);
  return new Response(text, { headers: { 'content-type': 'application/json' } });
}

function textAnswer({ text }: { readonly text: string }): Response {
  return new Response(text, { headers: { 'content-type': 'text/plain; charset=utf-8' } });
}

function asked(route: Route, caller: Caller, call: Call<never>): Promise<object> {
  if (route.caller === 'worker' && caller.type === 'worker') return route.handle({ ...call, worker: caller.worker });
  if (route.caller === 'job' && caller.type === 'job') return route.handle({ ...call, identity: caller.identity });
  if (route.caller === 'person' && caller.type === 'person') return route.handle({ ...call, person: caller.person });
  if (route.caller === 'anyone') return route.handle(call);
  throw new TypeError(`a ${caller.type} was let in to ${route.path}`);
}

/** Empty for a request that came by no socket. */
function socketAddress({ env }: { readonly env?: Partial<HttpBindings> }): string {
  return env?.incoming?.socket.remoteAddress ?? '';
}
