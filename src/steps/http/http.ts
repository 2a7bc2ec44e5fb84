import { parseDuration } from '../../base/duration.ts';
import { isMaestroError, MaestroError } from '../../base/errors.ts';
import type { Json, JsonObject } from '../../base/json.ts';
import { defineStep, type StepAnswer, type StepContext } from '../define.ts';
import { HTTP_HEAD } from './http-head.ts';
import { type HttpRequest, type HttpResponse, sendHttp } from './send.ts';

const TIMEOUT_DEFAULT = '30s';
const READING_METHODS = new Set(['GET', 'HEAD', 'OPTIONS']);

interface HttpInput {
  readonly url: string;
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  readonly json?: Json;
  readonly expect?: { readonly status?: number | readonly number[] };
  readonly timeout?: string;
}

export const httpStep = defineStep<HttpInput>({
  ...HTTP_HEAD,
  run: async (context, input) => {
    const request = requestOf(context, input);
    context.log(`${request.method} ${request.url}`);
    const answer = await sendOrFail(request);
    if (!('status' in answer)) return answer;
    context.log(`${answer.status} (${Buffer.byteLength(answer.body)} bytes)`);
    return judge(answer, input.expect?.status);
  },
});

/** The answer, or the failure that its absence amounts to: what may pass is `infra`, so that it can be retried. */
export async function sendOrFail(request: HttpRequest): Promise<HttpResponse | StepAnswer> {
  try {
    return await sendHttp(request);
  } catch (error) {
    if (isMaestroError(error, 'NETWORK_FAILED'))
      return { kind: 'failed', errorClass: 'infra', errorCode: error.code, message: error.message };
    if (isMaestroError(error, 'STEP_TIMED_OUT'))
      return { kind: 'failed', errorClass: 'timeout', errorCode: error.code, message: error.message };
    throw error;
  }
}

/** Success for an expected status; otherwise a failure of the class that says whether another try may help. */
export function judge(response: HttpResponse, expected: number | readonly number[] | undefined): StepAnswer {
  const { status } = response;
  const result = resultOf(response);
  if (isExpected(status, expected)) return { kind: 'succeeded', result };
  const host = new URL(response.url).host;
  if (status === 429) {
    const after = response.headers['retry-after'];
    const wait = after ? `: it asks to wait for ${/^\d+$/.test(after) ? `${after} s` : after}` : '';
    return {
      kind: 'failed',
      errorClass: 'rate-limit',
      message: `${host} answered 429, too many requests${wait}`,
      result,
    };
  }
  return {
    kind: 'failed',
    errorClass: status >= 500 ? 'infra' : 'step',
    message: `${host} answered ${status}, which is not expected`,
    result,
  };
}

function requestOf(context: StepContext, input: HttpInput): HttpRequest {
  const method = input.method ?? 'GET';
  const body = input.json === undefined ? input.body : JSON.stringify(input.json);
  if (body !== undefined && (method === 'GET' || method === 'HEAD'))
    throw new MaestroError('INPUT_INVALID', `expected no body in a ${method} request`);
  const timeoutMs = parseDuration(input.timeout ?? TIMEOUT_DEFAULT);
  if (timeoutMs === undefined) throw new MaestroError('INPUT_INVALID', 'expected a timeout such as 30s');
  const key: Record<string, string> = READING_METHODS.has(method) ? {} : { 'idempotency-key': context.idempotencyKey };
  const type: Record<string, string> = input.json === undefined ? {} : { 'content-type': 'application/json' };
  const given = Object.fromEntries(
    Object.entries(input.headers ?? {}).map(([name, value]) => [name.toLowerCase(), value]),
  );
  return {
    url: input.url,
    method,
    headers: { 'user-agent': 'maestro', ...key, ...type, ...given },
    ...(body === undefined ? {} : { body }),
    timeoutMs,
    egress: context.step.egress,
    secrets: Object.values(context.secrets),
    signal: context.signal,
  };
}

function isExpected(status: number, expected: number | readonly number[] | undefined): boolean {
  if (expected === undefined) return status >= 200 && status < 300;
  return typeof expected === 'number' ? status === expected : expected.includes(status);
}

function resultOf({ status, url, headers, body }: HttpResponse): JsonObject {
  const isJson = /[/+]json\b/.test(headers['content-type'] ?? '');
  return { status, url, headers, body, ...(isJson ? { json: parsed(body) } : {}) };
}

function parsed(body: string): Json {
  try {
    return JSON.parse(body) as Json;
  } catch {
    return null;
  }
}
