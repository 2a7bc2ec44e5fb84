import type { JobIdentity } from '../auth/job-identity.ts';
import type { JsonObject } from '../base/json.ts';
import type { PersonCaller } from '../protocol/person-call.ts';
import type { BoundWorker } from '../protocol/worker-session.ts';

/** One request as its handler sees it: checked against the route's schemas. */
export interface Call<Body = unknown> {
  readonly body: Body;
  /** Parts of the path, by the name in braces. */
  readonly path: Readonly<Record<string, string>>;
  readonly query: Readonly<Record<string, string>>;
  /** The body of a route that takes a stream. */
  stream(): AsyncIterable<Uint8Array>;
  /** Fires when the caller has gone away. */
  readonly signal: AbortSignal;
}

export interface WorkerCall<Body = unknown> extends Call<Body> {
  readonly worker: BoundWorker;
}

export interface JobCall<Body = unknown> extends Call<Body> {
  readonly identity: JobIdentity;
}

export interface PersonCall<Body = unknown> extends Call<Body> {
  readonly person: PersonCaller;
}

/** What the document says of a route and what a request is held against: the same schemas. */
interface RouteShape {
  readonly method: 'GET' | 'POST' | 'PUT';
  /** As OpenAPI writes it: `/api/v1/steps/{stepId}/logs`. */
  readonly path: string;
  readonly summary: string;
  /** JSON body: absent where there is none. */
  readonly body?: { readonly schema: JsonObject; readonly bytesMax: number; readonly isGzipAllowed?: true };
  readonly streamBytesMax?: number;
  /** Waits for news: let go when the caller, or the server, goes. */
  readonly isHeld?: true;
  /** Calls of one session, or person, that are answered at once; absent: as many as a busy worker makes. */
  readonly atOnceMax?: number;
  /** The same of all sessions together; absent: no limit. */
  readonly atOnceOfAllMax?: number;
  /** A worker that cannot make it loses what it holds: what else it calls and sends does not keep it waiting. */
  readonly isVital?: true;
  /** Costs nothing, and must be answered whatever else is asked: the calls of an address do not count. */
  readonly isUnlimited?: true;
  /** Patterns of the parts of the path. */
  readonly pathPatterns?: Readonly<Record<string, string>>;
  /** Fields of the query: all are required. */
  readonly query?: Readonly<Record<string, JsonObject>>;
  /** Of a JSON answer; `stream` for bytes, `text` for `{ text }`. */
  readonly answer: JsonObject | 'stream' | 'text';
}

/** What a handler answers: JSON, or bytes where the route says `stream`. */
type Answer = object | AsyncIterable<Uint8Array>;

export interface WorkerRoute extends RouteShape {
  readonly caller: 'worker';
  handle(call: WorkerCall<never>): Promise<Answer>;
}

/** Of a job that shows its identity token as `Authorization: Bearer`. */
export interface JobRoute extends RouteShape {
  readonly caller: 'job';
  handle(call: JobCall<never>): Promise<Answer>;
}

/** Of a person who shows a GitHub token of theirs as `Authorization: Bearer`. */
export interface PersonRoute extends RouteShape {
  readonly caller: 'person';
  handle(call: PersonCall<never>): Promise<Answer>;
}

export interface OpenRoute extends RouteShape {
  readonly caller: 'anyone';
  handle(call: Call<never>): Promise<Answer>;
}

export type Route = WorkerRoute | JobRoute | PersonRoute | OpenRoute;
