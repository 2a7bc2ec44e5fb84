import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Actions } from './actions/actions.ts';
import { ApiError } from './api-error.ts';
import { authenticate, authorize } from './authenticate.ts';
import { Call, type Reply } from './call.ts';
import { type RateLimiter, secondaryLimit } from './limits.ts';
import type { ApiRule, Misbehaviour } from './misbehaviour.ts';
import type { Credential } from './model.ts';
import { fullName } from './names.ts';
import type { Match, OpenApi, Operation } from './openapi.ts';
import { parseBody, readBody } from './request-body.ts';
import { ROUTES } from './routes/all.ts';
import { errorReply, sendReply } from './send-reply.ts';
import type { Fields } from './shape.ts';
import type { World } from './world.ts';

const API_VERSIONS = ['2022-11-28', '2026-03-10'];

/** One request to the REST API, as it was answered. */
export interface ApiCall {
  readonly method: string;
  readonly path: string;
  readonly operation: string | null;
  readonly status: number;
  readonly installationId: number | null;
  /** Login of a person or slug of an app; null for anonymous calls. */
  readonly caller: string | null;
  readonly at: string;
}

/** A request or an answer that GitHub's description does not allow. */
export interface Violation {
  readonly side: 'request' | 'response';
  readonly operation: string;
  readonly message: string;
}

export interface ApiParts {
  readonly world: World;
  readonly openApi: OpenApi;
  readonly limiter: RateLimiter;
  readonly misbehaviour: Misbehaviour;
  readonly actions: Actions;
  readonly isEnterprise: boolean;
}

/** The REST API: every request passes the same gates, in this order, before its operation's handler. */
export class Api {
  readonly calls: ApiCall[] = [];
  readonly violations: Violation[] = [];
  private readonly parts: ApiParts;
  private tail: Promise<unknown> = Promise.resolve();

  constructor(parts: ApiParts) {
    this.parts = parts;
  }

  /** `path` is without `/api/v3`. */
  async serve(request: IncomingMessage, response: ServerResponse, path: string, query: URLSearchParams): Promise<void> {
    const method = request.method ?? 'GET';
    const match = this.parts.openApi.find(method, path);
    const who = { credential: { kind: 'anonymous' } as Credential };
    let reply: Reply;
    let fault: ApiRule['answer'] | null = null;
    try {
      who.credential = await authenticate(this.parts.world, request.headers);
      const bytes = await readBody(request, match?.operation ?? null);
      fault = this.parts.misbehaviour.forCall(`${method} ${path}`);
      refuseInstead(fault);
      reply = await this.limited(request, match, { query, bytes, credential: who.credential });
    } catch (error) {
      reply = errorReply(error);
    }
    this.record(method, path, match, reply.status, who.credential);
    const { credential } = who;
    const headers = { ...this.parts.limiter.headers(callerName(credential)), ...scopesOf(credential) };
    sendReply(response, reply, headers, fault);
  }

  /** Changes to the world happen one after the other; reads do not wait. */
  async exclusive<T>(work: () => Promise<T>): Promise<T> {
    const turn = this.tail.then(work);
    this.tail = turn.catch(() => undefined);
    return await turn;
  }

  private async limited(
    request: IncomingMessage,
    match: Match | null,
    rest: { query: URLSearchParams; bytes: Buffer; credential: Credential },
  ): Promise<Reply> {
    const isWrite = !['GET', 'HEAD'].includes(request.method ?? 'GET') && rest.credential.kind !== 'app';
    const giveBack = this.parts.limiter.take(callerName(rest.credential), isWrite);
    try {
      if (match === null) throw new ApiError(404, 'Not Found');
      return await this.handled(request, match, rest);
    } finally {
      giveBack();
    }
  }

  private async handled(
    request: IncomingMessage,
    { operation, params }: Match,
    { query, bytes, credential }: { query: URLSearchParams; bytes: Buffer; credential: Credential },
  ): Promise<Reply> {
    const { world, openApi, actions, limiter, isEnterprise } = this.parts;
    const apiVersion = String(request.headers['x-github-api-version'] ?? API_VERSIONS[0]);
    if (!API_VERSIONS.includes(apiVersion)) throw new ApiError(400, `Unsupported API version: ${apiVersion}`);
    const moved = movedTo(world, request, params, credential);
    if (moved !== null) return moved;
    authorize(world, credential, operation, params);
    refuseArchived(world, operation, params);
    const isUpload = operation.id === 'repos/upload-release-asset';
    const body = isUpload ? undefined : parseBody(bytes);
    const words = Object.fromEntries(query);
    const fault = openApi.faultOfQuery(operation, words) ?? (isUpload ? null : openApi.faultOfBody(operation, body));
    if (fault !== null) {
      this.violations.push({ side: 'request', operation: operation.id, message: fault });
      throw new ApiError(422, `Invalid request.\n\n${fault}`);
    }
    const handler = ROUTES[operation.id];
    if (handler === undefined) {
      this.violations.push({
        side: 'request',
        operation: operation.id,
        message: 'the sandbox does not have this operation',
      });
      throw new ApiError(501, `the sandbox does not have ${operation.id}`);
    }
    const call = new Call({
      world,
      actions,
      limiter,
      operation,
      credential,
      params,
      query: words,
      body: (body ?? {}) as Fields,
      bytes,
      headers: request.headers,
      apiVersion,
      isEnterprise,
    });
    const work = async (): Promise<Reply> => await handler(call);
    const reply = request.method === 'GET' ? await work() : await this.exclusive(work);
    return this.checked(operation, reply);
  }

  private checked(operation: Operation, reply: Reply): Reply {
    if (Buffer.isBuffer(reply.body) || reply.status === 302) return reply;
    const { openApi } = this.parts;
    const body = reply.body === undefined ? undefined : openApi.shaped(operation, reply.status, reply.body);
    const fault = openApi.faultOfAnswer(operation, reply.status, body);
    if (fault !== null) {
      this.violations.push({ side: 'response', operation: operation.id, message: fault });
      throw new ApiError(500, `the sandbox's answer is not valid: ${operation.id}: ${fault}`);
    }
    return { ...reply, body };
  }

  private record(method: string, path: string, match: Match | null, status: number, credential: Credential): void {
    const installationId = credential.kind === 'installation' ? credential.installation.id : null;
    const operation = match?.operation.id ?? null;
    const caller = credential.kind === 'anonymous' ? null : callerName(credential);
    this.calls.push({ method, path, operation, status, installationId, caller, at: this.parts.world.now() });
  }
}

/** A repository that was renamed or transferred is found under its new name, by who follows. */
function movedTo(
  world: World,
  request: IncomingMessage,
  { owner = '', repo = '' }: Readonly<Record<string, string>>,
  credential: Credential,
): Reply | null {
  const repository = world.movedRepository(owner, repo);
  if (repository === null || !world.canRead(credential, repository)) return null;
  const url = new URL(request.url ?? '/', world.origin);
  const words = url.pathname.split('/');
  const at = words.indexOf('repos');
  url.pathname = [...words.slice(0, at + 1), fullName(repository), ...words.slice(at + 3)].join('/');
  const isRead = request.method === 'GET';
  return {
    status: isRead ? 301 : 307,
    headers: { location: url.href },
    body: { message: isRead ? 'Moved Permanently' : 'Temporary Redirect', url: url.href },
  };
}

function refuseArchived(
  world: World,
  { id, method }: Operation,
  { owner, repo }: Readonly<Record<string, string>>,
): void {
  if (method === 'GET' || owner === undefined || repo === undefined) return;
  const isOfTheWhole = ['repos/update', 'repos/delete', 'repos/transfer', 'repos/create-fork'].includes(id);
  if (!isOfTheWhole && world.repository(owner, repo).isArchived)
    throw new ApiError(403, 'Repository was archived so is read-only.');
}

/** Misbehaviour that stands for the answer: the call is not carried out. */
function refuseInstead(fault: ApiRule['answer'] | null): void {
  if (fault?.type === 'status') throw new ApiError(fault.status, 'the sandbox misbehaves');
  if (fault?.type === 'secondary-limit') throw secondaryLimit(fault.retryAfterSeconds);
  if (fault?.type !== 'rate-limit') return;
  throw new ApiError(429, 'API rate limit exceeded', { headers: { 'retry-after': String(fault.retryAfterSeconds) } });
}

/** What a classic token may do is told with every answer. */
function scopesOf(credential: Credential): Readonly<Record<string, string>> {
  if (credential.kind !== 'user' || credential.scopes === null) return {};
  return { 'x-oauth-scopes': credential.scopes.join(', ') };
}

function callerName(credential: Credential): string {
  switch (credential.kind) {
    case 'anonymous':
      return 'anonymous';
    case 'user':
      return credential.account.login;
    case 'app':
      return credential.app.slug;
    case 'installation':
      return `installation ID ${credential.installation.id}`;
    default:
      return credential satisfies never;
  }
}
