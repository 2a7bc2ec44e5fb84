import { createHash } from 'node:crypto';
import { chmodSync, lstatSync, mkdirSync, rmSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import process from 'node:process';
import { setTimeout as pause } from 'node:timers/promises';
import { isMaestroError, MaestroError, messageOf } from '../src/base/errors.ts';
import { localPrincipal, type Principal } from '../src/base/principal.ts';
import { claimedPrincipal } from '../src/cli/principal.ts';
import type { Client, GateAnswer } from '../src/protocol/client.ts';
import { LEAVES_MAX } from '../src/protocol/evidence.ts';

/** A socket's path fits in `sun_path`: 104 bytes on macOS, 108 on Linux, the last one is NUL. */
const PATH_BYTES_MAX = 103;
const BODY_BYTES_MAX = 65_536;
/** A call may wait for a run; a connection that says nothing may not wait for us. */
const HEADERS_MS_MAX = 10_000;
const CONNECTIONS_MAX = 64;
const LIST_MAX = 1000;
const CLOSE_MS_MAX = 2000;
const LINGER_MS_MAX = 1000;
const QUIET_MS = 150;
const LOOK_EVERY_MS = 25;
const OTHERS = 0o077;

/** What another process of the same user may ask of the one that holds the embedded state. */
export interface ControlTools {
  readonly client: Client;
  /** The project whose checkout this process works in. */
  readonly root: string;
  /** Whose process this is: the one who may call it, and in whose name answers are given. */
  readonly userName: string;
  /** Resolves when the run has ended or waits; works the run where nobody does. */
  readonly attend: (run: string, signal: AbortSignal) => Promise<void>;
}

export interface ControlSocket {
  /** Ends what others wait for; they go on by themselves once the state is free. */
  close(): Promise<void>;
}

/** In the state folder, or, where that path is too long for a socket, in a private folder of the user's by its digest. */
export function controlSocketPath(stateFolder: string): string {
  const near = join(stateFolder, 'control.sock');
  if (Buffer.byteLength(near) <= PATH_BYTES_MAX) return near;
  const name = createHash('sha256').update(stateFolder).digest('hex').slice(0, 32);
  return join(tmpdir(), `maestro-${process.getuid?.() ?? 'user'}`, `${name}.sock`);
}

/** The path, or undefined where somebody else could have put a socket there: it is then neither made nor asked. */
export function safeControlSocketPath(stateFolder: string): string | undefined {
  const path = controlSocketPath(stateFolder);
  return dirname(path) === stateFolder || isPrivateFolder(dirname(path)) ? path : undefined;
}

function isPrivateFolder(path: string): boolean {
  try {
    mkdirSync(path, { recursive: true, mode: 0o700 });
    const found = lstatSync(path);
    return found.isDirectory() && found.uid === process.getuid?.() && (found.mode & OTHERS) === 0;
  } catch {
    return false;
  }
}

/**
 * Answers others on a socket that only this user can open. Whoever calls this holds the lock of the state, so a socket
 * that is already there was left by a process that is dead.
 */
export async function serveControl(path: string, tools: ControlTools): Promise<ControlSocket> {
  rmSync(path, { force: true });
  const closing = new AbortController();
  const atWork = new Set<Promise<void>>();
  let calledMs = Number.NEGATIVE_INFINITY;
  const server = createServer(
    { headersTimeout: HEADERS_MS_MAX, requestTimeout: HEADERS_MS_MAX },
    (request, response) => {
      calledMs = performance.now();
      const work = answer(request, response, tools, closing.signal).finally(() => atWork.delete(work));
      atWork.add(work);
    },
  );
  server.maxConnections = CONNECTIONS_MAX;
  await listen(server, path);
  server.unref();
  return {
    close: async () => {
      // Who watched the run to its end asks for a last look: cheaper here than where it must open the database first.
      const deadlineMs = performance.now() + LINGER_MS_MAX;
      const isAsked = (): boolean => atWork.size > 0 || performance.now() - calledMs < QUIET_MS;
      while (isAsked() && performance.now() < deadlineMs) await pause(LOOK_EVERY_MS);
      closing.abort();
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      // A caller that reads nothing must not keep us.
      await Promise.race([Promise.all(atWork), pause(CLOSE_MS_MAX, undefined, { ref: false })]);
      server.closeAllConnections();
      await closed;
    },
  };
}

async function listen(server: Server, path: string): Promise<void> {
  const ready = new Promise<void>((resolve, reject) => {
    server.once('listening', resolve);
    server.once('error', reject);
  });
  // The name is bound within the call: the socket never exists with wider rights.
  const before = process.umask(0o177);
  try {
    server.listen(path);
  } finally {
    process.umask(before);
  }
  await ready;
  chmodSync(path, 0o600);
}

async function answer(
  request: IncomingMessage,
  response: ServerResponse,
  tools: ControlTools,
  closing: AbortSignal,
): Promise<void> {
  const gone = new AbortController();
  response.once('close', () => gone.abort());
  const signal = AbortSignal.any([closing, gone.signal]);
  const say = (value: unknown): boolean => response.write(`${JSON.stringify(value)}\n`);
  try {
    const words = await readWords(request);
    response.writeHead(200, { 'content-type': 'application/x-ndjson' });
    for await (const value of callOf((request.url ?? '').slice(1))(tools, words, signal)) {
      if (!say({ value })) await drained(response, signal);
    }
    say(closing.aborted ? { handedOver: true } : { end: true });
  } catch (error) {
    say(errorDocument(error));
  }
  if (!response.destroyed) await new Promise<void>((resolve) => response.end(resolve).once('close', resolve));
}

/** The arguments: a JSON array of bounded size. */
async function readWords(request: IncomingMessage): Promise<readonly unknown[]> {
  const chunks: Buffer[] = [];
  let sizeBytes = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    sizeBytes += chunk.length;
    if (sizeBytes > BODY_BYTES_MAX) throw new MaestroError('USAGE', `expected at most ${BODY_BYTES_MAX} bytes`);
    chunks.push(chunk);
  }
  const words = parseWords(Buffer.concat(chunks).toString('utf8'));
  if (!Array.isArray(words)) throw new MaestroError('USAGE', 'expected an array of arguments');
  return words;
}

function parseWords(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new MaestroError('USAGE', 'expected an array of arguments as JSON', { cause: error });
  }
}

type Call = (tools: ControlTools, words: readonly unknown[], signal: AbortSignal) => AsyncIterable<unknown>;

/** A call that answers one value. */
function one(ask: (tools: ControlTools, words: readonly unknown[], signal: AbortSignal) => Promise<unknown>): Call {
  return async function* (tools, words, signal) {
    yield await ask(tools, words, signal);
  };
}

const CALLS: ReadonlyMap<string, Call> = new Map<string, Call>([
  ['hello', one(async ({ root }) => ({ root }))],
  ['attend', one(({ attend }, [run], signal) => attend(text(run), signal).then(() => null))],
  ['readRun', one(({ client }, [run]) => client.readRun(text(run)))],
  ['listRuns', one(({ client }, [limit]) => client.listRuns(count(limit, LIST_MAX)))],
  ['readPlan', one(({ client }, [run]) => client.readPlan(text(run)))],
  ['readTrigger', one(({ client }, [run]) => client.readTrigger(text(run)))],
  ['explain', one(({ client }, [run, step]) => client.explain(text(run), step === null ? undefined : text(step)))],
  ['readReceipt', one(({ client }, [run]) => client.readReceipt(text(run)))],
  [
    'readDisclosure',
    one(async ({ client }, [run, edition]) =>
      Buffer.from(await client.readDisclosure(text(run), edition === 'public' ? 'public' : 'full')).toString('base64'),
    ),
  ],
  ['evidence.checkpoint', one(({ client }) => client.evidence.checkpoint())],
  ['evidence.proofs', one(({ client }, [run]) => client.evidence.proofs(text(run)))],
  ['evidence.awaitProofs', one(({ client }, [run]) => client.evidence.awaitProofs(text(run)))],
  ['evidence.consistency', one(({ client }, [from, to]) => client.evidence.consistency(count(from), count(to)))],
  ['evidence.leaves', one(({ client }, [from, most]) => client.evidence.leaves(count(from), count(most, LEAVES_MAX)))],
  ['evidence.known', one(({ client }, [runs]) => client.evidence.known(texts(runs, LEAVES_MAX)))],
  ['evidence.unlogged', one(({ client }) => client.evidence.unlogged())],
  ['readAttestations', one(({ client }, [run]) => client.readAttestations(text(run)))],
  ['readReleaseGate', one(({ client }, [run]) => client.readReleaseGate(text(run)))],
  ['readManifest', one(({ client }, [run]) => client.readManifest(text(run)))],
  ['cancelRun', one(({ client }, [run, reason]) => client.cancelRun(text(run), text(reason)))],
  ['answerGate', one(({ client, userName }, [answer]) => client.answerGate(gateAnswer(answer, userName)))],
  ['followRun', ({ client }, [run, seq], signal) => client.followRun(text(run), count(seq), signal)],
  [
    'readLogs',
    ({ client }, [run, step, isFollowing], signal) =>
      client.readLogs(text(run), step === null ? undefined : text(step), isFollowing === true, signal),
  ],
]);

function callOf(method: string): Call {
  const call = CALLS.get(method);
  if (call) return call;
  throw new MaestroError('UNSUPPORTED', `there is no call '${method}'`);
}

function count(value: unknown, max = Number.MAX_SAFE_INTEGER): number {
  if (Number.isSafeInteger(value) && Number(value) >= 0 && Number(value) <= max) return Number(value);
  throw new MaestroError(
    'USAGE',
    `expected a whole number from 0 to ${max}, got ${typeof value} ${String(value).slice(0, 20)}`,
  );
}

function text(value: unknown): string {
  if (typeof value === 'string') return value;
  throw new MaestroError('USAGE', `expected a text, got ${typeof value}`);
}

function texts(value: unknown, max: number): readonly string[] {
  if (Array.isArray(value) && value.length <= max) return value.map(text);
  throw new MaestroError('USAGE', `expected at most ${max} texts`);
}

function gateAnswer(value: unknown, userName: string): GateAnswer {
  const given = (value ?? {}) as Record<string, unknown>;
  const { decision } = given;
  if (decision !== 'approve' && decision !== 'deny' && decision !== 'revoke')
    throw new MaestroError('USAGE', `expected the decision approve, deny or revoke, got ${typeof decision}`);
  return {
    runId: text(given.runId),
    ...(given.gate === undefined ? {} : { gate: text(given.gate) }),
    decision,
    reason: text(given.reason),
    principal: principal(given.principal, userName),
    isAuthor: false,
  };
}

/** The socket says which user calls, and nothing more: what `--actor` may claim, a call may, and no more than that. */
function principal(value: unknown, userName: string): Principal {
  const { provider = 'local', login = userName } = (value ?? {}) as Record<string, unknown>;
  if (provider === 'local' && login === userName) return localPrincipal(userName);
  return localPrincipal(claimedPrincipal(`${text(provider)}:${text(login)}`).id);
}

function drained(response: ServerResponse, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    response.once('drain', resolve);
    signal.addEventListener('abort', () => resolve(), { once: true });
  });
}

function errorDocument(error: unknown): { readonly error: { readonly code: string; readonly message: string } } {
  return { error: { code: isMaestroError(error) ? error.code : 'INTERNAL', message: messageOf(error) } };
}
