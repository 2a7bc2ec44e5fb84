import type { IncomingMessage, ServerResponse } from 'node:http';
import { ApiError, notFound } from './api-error.ts';
import { authenticate } from './authenticate.ts';
import { found } from './call.ts';
import { gatesOf } from './gates.ts';
import type { Account, CheckRun, Repository } from './model.ts';
import { requestAction, rerequestRun, rerequestSuite } from './routes/checks.ts';
import { setDraft } from './routes/pulls.ts';
import type { World } from './world.ts';

const BUTTONS = /^\/_sandbox\/repos\/([^/]+)\/([^/]+)\/check-runs\/(\d+)\/actions$/;
const GATES = /^\/_sandbox\/repos\/([^/]+)\/([^/]+)\/gates$/;

/** What GitHub's web site can do and its REST API cannot, for the sandbox's page: `/_sandbox/…`. True if it answered. */
export async function serveControl(
  world: World,
  request: IncomingMessage,
  response: ServerResponse,
  path: string,
): Promise<boolean> {
  try {
    if (path === '/_sandbox/users') answer(response, 200, usersOf(world));
    else if (path === '/_sandbox/events') follow(world, request, response);
    else if (path.startsWith('/_sandbox/job-logs/')) sendLog(world, response, Number(path.split('/')[3]));
    else if (request.method === 'GET' && BUTTONS.test(path)) answer(response, 200, buttonsOf(world, path));
    else if (request.method === 'GET' && GATES.test(path)) answer(response, 200, await gatesAt(world, request, path));
    else if (request.method === 'POST') await act(world, request, response, path);
    else return false;
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    answer(response, error.status, { message: error.message });
  }
  return true;
}

/** Clicks, by the person whose token it is. */
async function act(world: World, request: IncomingMessage, response: ServerResponse, path: string): Promise<void> {
  const credential = await authenticate(world, request.headers);
  if (credential.kind !== 'user') throw new ApiError(401, 'Requires authentication');
  const person = credential.account;
  const body = await bodyOf(request);
  const { kind, among, click } = clickOf(world, person, path, textOf(body['identifier']));
  if (kind === 'check-runs') clickOnRun(world, among, click);
  else if (kind === 'check-suites') await clickOnSuite(world, among, click);
  else if (kind === 'pulls') await clickOnPull(world, among, click);
  else throw notFound();
  answer(response, 201, {});
}

/** `/_sandbox/repos/OWNER/NAME/check-runs/7/rerequest`; ids are unique, so checks also go without their repository. */
function clickOf(
  world: World,
  person: Account,
  path: string,
  named: string,
): { readonly kind: string; readonly among: readonly Repository[]; readonly click: Click } {
  const words = path.split('/').slice(2).map(decodeURIComponent);
  const isFull = words[0] === 'repos';
  const [, owner = '', repo = ''] = words;
  const [kind = '', id = '', verb = '', identifier = named] = isFull ? words.slice(3) : words;
  const among = isFull ? [world.repository(owner, repo)] : [...world.repositories.values()];
  return { kind, among, click: { number: Number(id), verb, person, identifier } };
}

/** What the buttons of a check say: GitHub shows them and tells no caller. */
function buttonsOf(world: World, path: string): readonly object[] {
  const [, owner = '', name = '', id = ''] = BUTTONS.exec(path) ?? [];
  return checkRun([world.repository(decodeURIComponent(owner), decodeURIComponent(name))], Number(id)).run.actions;
}

/** What protection rules said, for whoever may see the repository. */
async function gatesAt(world: World, request: IncomingMessage, path: string): Promise<readonly object[]> {
  const [, owner = '', name = ''] = GATES.exec(path) ?? [];
  const repository = world.repository(decodeURIComponent(owner), decodeURIComponent(name));
  if (!world.canRead(await authenticate(world, request.headers), repository)) throw notFound();
  return gatesOf(repository);
}

interface Click {
  readonly number: number;
  readonly verb: string;
  readonly person: Account;
  readonly identifier: string;
}

async function clickOnSuite(
  world: World,
  among: readonly Repository[],
  { number, verb, person }: Click,
): Promise<void> {
  const repository = found(among.find(({ checkSuites }) => checkSuites.has(number)));
  if (verb !== 'rerequest') throw notFound();
  needWrite(world, repository, person);
  await rerequestSuite(world, repository, found(repository.checkSuites.get(number)), person);
}

async function clickOnPull(world: World, among: readonly Repository[], { number, verb, person }: Click): Promise<void> {
  const [repository] = among;
  // Numbers of pull requests are not unique: the repository must be in the path.
  if (repository === undefined || among.length > 1 || (verb !== 'ready' && verb !== 'draft')) throw notFound();
  const isAuthor = repository.pulls.get(number)?.issue.author.id === person.id;
  if (!isAuthor) needWrite(world, repository, person);
  await setDraft({ world, repository, actor: person }, number, verb === 'draft');
}

function clickOnRun(world: World, among: readonly Repository[], { number, verb, person, identifier }: Click): void {
  const { repository, run } = checkRun(among, number);
  needWrite(world, repository, person);
  if (verb === 'rerequest') rerequestRun(world, repository, run, person);
  else if (verb === 'actions' || verb === 'requested-action') requestAction(world, repository, run, identifier, person);
  else throw notFound();
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

function checkRun(
  repositories: readonly Repository[],
  id: number,
): { readonly repository: Repository; readonly run: CheckRun } {
  for (const repository of repositories) {
    const run = repository.checkRuns.get(id);
    if (run !== undefined) return { repository, run };
  }
  throw notFound();
}

function needWrite(world: World, repository: Repository, person: Account): void {
  if (!world.hasRole(person, repository, 'write')) throw new ApiError(403, 'Must have write rights to Repository.');
}

function usersOf(world: World): readonly object[] {
  return [...world.accounts.values()].flatMap(({ id, login, token }) =>
    token === null ? [] : [{ id, login, token, name: login }],
  );
}

/** Server-sent events: one per change, with the name of the repository. */
function follow(world: World, request: IncomingMessage, response: ServerResponse): void {
  response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-cache' });
  response.write(': open\n\n');
  const listener = (topic: string): void => {
    response.write(`data: ${JSON.stringify({ repository: topic })}\n\n`);
  };
  world.listeners.add(listener);
  request.once('close', () => world.listeners.delete(listener));
}

function sendLog(world: World, response: ServerResponse, id: number): void {
  for (const repository of world.repositories.values()) {
    for (const run of repository.workflowRuns.values()) {
      const job = run.jobs.find((candidate) => candidate.id === id);
      if (job === undefined) continue;
      response.writeHead(200, { 'content-type': 'text/plain; charset=utf-8' });
      response.end(job.log.map((line) => `${line}\n`).join(''));
      return;
    }
  }
  throw notFound();
}

async function bodyOf(request: IncomingMessage): Promise<Readonly<Record<string, unknown>>> {
  const chunks: Buffer[] = [];
  for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk);
  const text = Buffer.concat(chunks).toString();
  try {
    return text === '' ? {} : (JSON.parse(text) as Record<string, unknown>);
  } catch {
    throw new ApiError(400, 'Problems parsing JSON');
  }
}

function answer(response: ServerResponse, status: number, body: object): void {
  response.writeHead(status, { 'content-type': 'application/json' });
  response.end(JSON.stringify(body));
}
