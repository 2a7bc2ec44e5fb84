import { ERROR_CODES, type ErrorCode } from '../base/error-codes.ts';
import { MaestroError, messageOf } from '../base/errors.ts';
import { isJsonObject, type JsonObject } from '../base/json.ts';
import { isSafeUrl } from '../base/safe-url.ts';
import type { AnsweredCall } from '../protocol/person-call.ts';
import type { CommandContext } from './context.ts';
import { EXIT, type ExitCode } from './exit-codes.ts';
import { safeText } from './terminal-text.ts';

/** In this order: a token on the command line would show in `ps`, and stay in the shell's history. */
const TOKEN_VARIABLES = ['MAESTRO_TOKEN', 'GITHUB_TOKEN', 'GH_TOKEN'];
const MS_MAX = 30_000;
const ANSWER_CHARS_MAX = 65_536;
const RUN_ID = /^[0-9a-z]{1,64}$/;
const DONE = { approve: 'approved', deny: 'denied', revoke: 'took back the approval of' };

export interface ServerAnswer {
  readonly run: string;
  readonly gate?: string | null;
  readonly decision: AnsweredCall['decision'];
  readonly reason: string;
  readonly planDigest: string | undefined;
}

/**
 * Answers a gate of a server's run, as the person whose GitHub token the environment holds.
 * @throws USAGE, CONFIG_INVALID without a token, NETWORK_FAILED, and what the server says
 */
export async function answerAtServer(server: string, answer: ServerAnswer, context: CommandContext): Promise<ExitCode> {
  const url = routeOf(server, answer);
  const answered = await post(context, url, tokenOf(context), bodyOf(answer));
  if (context.output.isJson) context.output.json(answered);
  else context.output.line(lineOf(answered));
  return EXIT.ok;
}

function routeOf(server: string, { run, decision }: ServerAnswer): URL {
  if (!isSafeUrl(server))
    throw new MaestroError('USAGE', 'expected --server with an https:// URL (http:// only for this machine itself)');
  if (!RUN_ID.test(run) || run === 'latest')
    throw new MaestroError('USAGE', 'expected the whole id of a run of the server, as its check shows it');
  return new URL(`/api/v1/runs/${run}:${decision}`, server);
}

function tokenOf(context: CommandContext): string {
  const token = TOKEN_VARIABLES.map((name) => context.environment(name)).find(
    (value) => value !== undefined && value !== '',
  );
  if (token === undefined)
    throw new MaestroError('CONFIG_INVALID', `expected a GitHub token in one of ${TOKEN_VARIABLES.join(', ')}`);
  if (!/^[\x21-\x7e]+$/.test(token))
    throw new MaestroError('CONFIG_INVALID', 'the GitHub token holds characters that no token has');
  return token;
}

function bodyOf({ gate, reason, planDigest }: ServerAnswer): JsonObject {
  return {
    reason,
    ...(gate === undefined ? {} : { gate }),
    ...(planDigest === undefined ? {} : { planDigest }),
  };
}

async function post({ fetch }: CommandContext, url: URL, token: string, body: JsonObject): Promise<AnsweredCall> {
  const response = await fetch(url, {
    method: 'POST',
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
    body: JSON.stringify(body),
    // A server that sends elsewhere is not the one that was named: it gets no token.
    redirect: 'error',
    signal: AbortSignal.timeout(MS_MAX),
  }).catch((error: unknown) => {
    throw new MaestroError('NETWORK_FAILED', `${url.origin} does not answer: ${messageOf(error)}`, { cause: error });
  });
  const text = (await response.text()).slice(0, ANSWER_CHARS_MAX);
  const told = jsonOf(text);
  if (!response.ok) throw problemOf(response.status, told, url);
  if (typeof told.decision !== 'string' || !Object.hasOwn(DONE, told.decision))
    throw new MaestroError('NETWORK_FAILED', `${url.origin} answered something else: expected a Maestro server there`);
  return told as unknown as AnsweredCall;
}

/** What the server says went wrong, as its own errors are; anything else is no Maestro. */
function problemOf(status: number, { code, detail }: JsonObject, { origin }: URL): MaestroError {
  if (typeof code === 'string' && Object.hasOwn(ERROR_CODES, code))
    return new MaestroError(code as ErrorCode, typeof detail === 'string' ? detail : code);
  return new MaestroError('NETWORK_FAILED', `${origin} answered ${status}: expected a Maestro server there`);
}

function jsonOf(text: string): JsonObject {
  try {
    const value: unknown = JSON.parse(text);
    return isJsonObject(value) ? value : {};
  } catch {
    return {};
  }
}

function lineOf({ person, decision, gate, run, status, isWaiting }: AnsweredCall): string {
  const what = gate === null ? 'the run' : `gate ${gate}`;
  const then = isWaiting ? 'it waits for more' : `the run is ${status}`;
  return safeText(`${person} ${DONE[decision]} ${what} of ${run}; ${then}`);
}
