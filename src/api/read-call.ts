import type { Context } from 'hono';
import type { JsonObject } from '../base/json.ts';
import { object } from '../protocol/wire/schema.ts';
import { readJson, streamBody } from './body.ts';
import type { Caller, Gate } from './gate.ts';
import type { Call, Route } from './route.ts';
import { assertValid } from './validate.ts';

/** A call whose body takes memory until `release`. */
interface ReadCall {
  readonly call: Call<never>;
  readonly release: () => void;
}

/** The call as its handler sees it: path, query and body checked against the schemas of the route. */
export async function readCall(
  gate: Gate,
  route: Route,
  caller: Caller,
  { req }: Pick<Context, 'req'>,
  closing: AbortSignal,
): Promise<ReadCall> {
  const request = req.raw;
  const path = Object.fromEntries(
    Object.entries(req.param() as Record<string, string>).map(([name, value]) => [
      name,
      withoutVerb(route, name, value),
    ]),
  );
  const query = req.query();
  if (route.query) assertValid(querySchema(route.query), query, 'query');
  const { body, release } = await readBody(gate, route, caller, request);
  const { streamBytesMax = 0 } = route;
  const call = {
    body: body as never,
    path,
    query,
    stream: () => streamBody(request, streamBytesMax),
    signal: route.isHeld ? AbortSignal.any([request.signal, closing]) : request.signal,
  };
  return { call, release };
}

async function readBody(
  gate: Gate,
  route: Route,
  caller: Caller,
  request: Request,
): Promise<{ readonly body: unknown; readonly release: () => void }> {
  const { body } = route;
  if (!body) return { body: undefined, release: () => {} };
  const held = gate.hold(body.bytesMax, caller);
  try {
    const { value, sizeBytes } = await readJson(request, body.bytesMax, body.isGzipAllowed === true, held);
    gate.spend(route, caller, sizeBytes);
    assertValid(body.schema, value, 'body');
    return { body: value, release: held.release };
  } catch (error) {
    held.release();
    throw error;
  }
}

/** `12.3:complete` -> `12.3`, where the route says `{stepId}:complete`. */
function withoutVerb({ path }: Route, name: string, value: string): string {
  const after = path.slice(path.indexOf(`{${name}}`) + name.length + 2);
  const verb = /^:[a-z]+/.exec(after)?.[0];
  return verb !== undefined && value.endsWith(verb) ? value.slice(0, -verb.length) : value;
}

const querySchemas = new WeakMap<object, JsonObject>();

function querySchema(fields: Readonly<Record<string, JsonObject>>): JsonObject {
  let schema = querySchemas.get(fields);
  if (!schema) querySchemas.set(fields, (schema = object(fields)));
  return schema;
}
