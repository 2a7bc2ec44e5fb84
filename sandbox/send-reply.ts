import type { ServerResponse } from 'node:http';
import { ApiError } from './api-error.ts';
import type { Reply } from './call.ts';
import type { ApiRule } from './misbehaviour.ts';

/** Answers a call that was carried out: as it should be, or broken in the way that was asked for. */
export function sendReply(
  response: ServerResponse,
  reply: Reply,
  limits: Readonly<Record<string, string>>,
  fault: ApiRule['answer'] | null,
): void {
  if (fault?.type === 'lost-answer') {
    response.destroy();
    return;
  }
  const { status, body } = reply;
  const bytes = body === undefined ? null : Buffer.isBuffer(body) ? body : Buffer.from(JSON.stringify(body));
  response.writeHead(status, headersOf(reply, bytes, limits));
  if (fault?.type === 'hang') response.flushHeaders();
  else if (fault?.type === 'cut-body' && status < 300 && bytes !== null) cut(response, bytes, fault.bytes);
  else response.end(bytes ?? undefined);
}

/** The length that was announced is that of the whole: whoever counts sees that something is missing. */
function cut(response: ServerResponse, bytes: Buffer, length: number): void {
  response.write(bytes.subarray(0, Math.min(length, bytes.length - 1)), () => response.destroy());
}

function headersOf(
  { body, headers = {} }: Reply,
  bytes: Buffer | null,
  limits: Readonly<Record<string, string>>,
): Readonly<Record<string, string>> {
  const type = Buffer.isBuffer(body) ? 'application/octet-stream' : 'application/json; charset=utf-8';
  return {
    ...(bytes === null ? {} : { 'content-type': type, 'content-length': String(bytes.length) }),
    'x-github-request-id': crypto.randomUUID(),
    'x-github-media-type': 'github.v3; format=json',
    'access-control-allow-origin': '*',
    ...limits,
    ...headers,
  };
}

export function errorReply(error: unknown): Reply {
  if (error instanceof ApiError) {
    const { status, message, headers, errors } = error;
    const body = { message, documentation_url: 'https://docs.github.com/rest', status: String(status) };
    return { status, headers, body: errors === null ? body : { ...body, errors } };
  }
  const message = error instanceof Error ? (error.stack ?? error.message) : String(error);
  return { status: 500, body: { message: `the sandbox broke: ${message}` } };
}
