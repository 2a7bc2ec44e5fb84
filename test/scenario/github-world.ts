import { createHmac, randomBytes, randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { vi } from 'vitest';
import { readAppManifest } from '../../app/app-manifest.ts';
import { createPerson, type Person, type RepositoryName } from '../../app/demo/person.ts';
import { type ServerProcess, startServer } from '../../app/demo/server-process.ts';
import { HOUSE } from '../../app/house.ts';
import { openSandbox, type Sandbox, type SandboxOptions } from '../../sandbox/sandbox.ts';
import { repositoryWorkflow, WORKFLOW_PATH } from '../../src/cli/repository-workflow.ts';

const ACTION = 'maestro-conductor/maestro';
export const ACTION_USE = `${ACTION}@0123456789abcdef0123456789abcdef01234567`;
const POLL_MS = 100;
/** A job whose run waits at a gate holds its machine for half a minute, and the machines of CI are slow. */
const WAIT_MS_MAX = 60_000;
// Longer than a wait, so that the test says what was missing.
vi.setConfig({ testTimeout: 3 * WAIT_MS_MAX, hookTimeout: 3 * WAIT_MS_MAX });
const COMPLAINTS_MAX = 5;
const LEVEL_WARN = 40;

export interface WorldOptions extends Pick<SandboxOptions, 'isEnterprise' | 'nowMs' | 'runners'> {
  /** Of the repository `acme/app`, beside the workflow. */
  readonly files: Readonly<Record<string, string>>;
  /** More of the server's environment. */
  readonly env?: Readonly<Record<string, string>>;
  /** Of what stands in front of the server; otherwise it has an address of its own. */
  readonly url?: string;
}

/** What a person sees of a check run of ours. */
interface SeenCheck {
  readonly id: number;
  readonly name: string;
  readonly externalId: string;
  readonly status: string;
  readonly conclusion: string | null;
  readonly title: string;
  readonly summary: string;
}

/** The sandbox, people in it, the real server as a process of its own, and what a test wants to know of them. */
export interface GitHubWorld {
  readonly sandbox: Sandbox;
  readonly server: ServerProcess;
  readonly repository: RepositoryName;
  readonly repositoryId: number;
  readonly installationId: number;
  readonly appId: number;
  readonly folder: string;
  /** Of the server, for another one beside it. */
  readonly env: Readonly<Record<string, string>>;
  /** Writes, maintains, is a stranger. */
  readonly ada: Person;
  readonly grace: Person;
  readonly mallory: Person;
  /** Pushes a branch and opens a pull request of it. */
  propose(branch: string, files: Readonly<Record<string, string>>): Promise<{ sha: string; pull: number }>;
  /** Our checks of a commit, the newest of each name. */
  checks(sha: string): Promise<readonly SeenCheck[]>;
  check(sha: string, name: string, conclusion: string): Promise<SeenCheck>;
  /** Comments that the App wrote. */
  answers(pull: number): Promise<readonly string[]>;
  /** Comments, and waits for the App's answer to it. */
  ask(person: Person, pull: number, text: string): Promise<string>;
  /** Presses a button of a check, or `rerequest`. */
  press(person: Person, checkId: number, button: string): Promise<void>;
  /** A webhook that the sandbox has no reason to send, signed. Answers the status. */
  deliver(event: string, payload: object, id?: string): Promise<number>;
  close(): Promise<void>;
}

export async function openGitHubWorld(options: WorldOptions): Promise<GitHubWorld> {
  const folder = mkdtempSync(join(tmpdir(), 'maestro-github-'));
  const { files, env: more = {}, url = `http://127.0.0.1:${await freePort()}`, ...sandboxOptions } = options;
  const sandbox = await openSandbox({
    // Jobs whose run waits for people stay a while.
    runners: [{ labels: ['ubuntu-latest'], count: 8 }],
    actionSources: { [ACTION]: HOUSE },
    hostEnvironment: process.env,
    ...sandboxOptions,
  });
  const [ada, grace, mallory] = ['ada', 'grace', 'mallory'].map((login) => createPerson(sandbox, login)) as [
    Person,
    Person,
    Person,
  ];
  const repository = { owner: 'acme', repo: 'app' };
  sandbox.createOrganization(repository.owner);
  const { id: repositoryId } = await sandbox.createRepository({
    owner: repository.owner,
    name: repository.repo,
    files: { 'README.md': 'An app.\n', [WORKFLOW_PATH]: repositoryWorkflow(url, ACTION_USE), ...files },
    collaborators: { ada: 'write', grace: 'maintain' },
  });
  const { appId, secret, env } = registered(sandbox, url, folder);
  const server = await startServer({ url, env: { ...env, ...more }, logFile: join(folder, 'server.log') });
  const installationId = sandbox.install(appId, repository.owner, [repository.repo]);
  const place = { sandbox, repository, ada, folder };
  return {
    ...place,
    server,
    repositoryId,
    installationId,
    appId,
    grace,
    mallory,
    env: { ...env, ...more },
    propose: async (branch, changes) => {
      const sha = await ada.push(repository, branch, { message: `feat: ${branch}`, files: changes });
      return { sha, pull: await ada.openPull(repository, branch, branch) };
    },
    checks: (sha) => checksOf(place, sha),
    check: (sha, name, conclusion) => checkOf(place, sha, name, conclusion),
    answers: (pull) => answersOf(place, pull),
    ask: (person, pull, text) => ask(place, person, pull, text),
    press: (person, checkId, button) => press(place, person, checkId, button),
    deliver: (event, payload, id = randomUUID()) =>
      deliver(`${url}/api/github/webhooks`, secret, { event, payload, id }),
    close: async () => {
      await server.stop();
      const violations = sandbox.violations();
      await sandbox.close();
      rmSync(folder, { recursive: true, force: true });
      if (violations.length > 0) throw new Error(`GitHub would refuse: ${JSON.stringify(violations.slice(0, 3))}`);
    },
  };
}

/** Answers what `read` finds, once it finds something; throws with what is there instead. */
export async function eventually<T>(
  what: string,
  read: () => Promise<T | undefined | false> | T | undefined | false,
  describe: () => unknown = () => '',
  waitMs = WAIT_MS_MAX,
): Promise<T> {
  const deadline = performance.now() + waitMs;
  for (;;) {
    const found = await read();
    if (found !== undefined && found !== false) return found;
    if (performance.now() > deadline)
      throw new Error(`waited ${waitMs / 1000} s for ${what}; there is ${JSON.stringify(await describe())}`);
    await pause(POLL_MS);
  }
}

type Place = Pick<GitHubWorld, 'sandbox' | 'repository' | 'ada' | 'folder'>;

function registered(
  sandbox: Sandbox,
  url: string,
  folder: string,
): { readonly appId: number; readonly secret: string; readonly env: Readonly<Record<string, string>> } {
  const manifest = readAppManifest();
  const secret = randomBytes(32).toString('hex');
  const { appId, privateKey } = sandbox.registerApp({
    name: manifest.name,
    permissions: manifest.default_permissions,
    events: manifest.default_events,
    webhookUrl: `${url}/api/github/webhooks`,
    webhookSecret: secret,
  });
  const env = {
    MAESTRO_URL: url,
    PORT: new URL(url).port,
    HOST: '127.0.0.1',
    GITHUB_URL: sandbox.url,
    APP_ID: String(appId),
    PRIVATE_KEY: privateKey,
    WEBHOOK_SECRET: secret,
    MAESTRO_HOME: join(folder, 'state'),
    MAESTRO_SIGNING_KEY: join(folder, 'key', 'signing-key.pem'),
  };
  return { appId, secret, env };
}

async function checksOf({ ada, repository }: Place, sha: string): Promise<readonly SeenCheck[]> {
  const { data } = await ada.octokit.rest.checks.listForRef({ ...repository, ref: sha, per_page: 100 });
  return data.check_runs
    .filter(({ name }) => name.startsWith('maestro / '))
    .map(({ id, name, external_id: externalId, status, conclusion, output: { title, summary } }) => ({
      id,
      name,
      externalId: externalId ?? '',
      status,
      conclusion,
      title: title ?? '',
      summary: summary ?? '',
    }));
}

function checkOf(place: Place, sha: string, name: string, conclusion: string): Promise<SeenCheck> {
  return eventually(
    `"${name}" of ${sha.slice(0, 7)} to be ${conclusion}`,
    async () => (await checksOf(place, sha)).find((check) => check.name === name && check.conclusion === conclusion),
    async () => ({
      checks: (await checksOf(place, sha)).map(
        (check) => `${check.name}: ${check.conclusion ?? check.status}, ${check.title}`,
      ),
      jobs: place.sandbox
        .jobs()
        .map(({ id, status, conclusion, log }) => ({ id, status, conclusion, log: log.slice(-3) })),
      server: complaintsOf(place),
    }),
  );
}

/** What the server was not happy with. */
function complaintsOf({ folder }: Place): readonly string[] {
  const lines = readFileSync(join(folder, 'server.log'), 'utf8')
    .split('\n')
    .filter((line) => line.startsWith('{'));
  const entries = lines.map((line) => JSON.parse(line) as { readonly level: number });
  return entries
    .flatMap((entry) => (entry.level < LEVEL_WARN ? [] : JSON.stringify(entry).slice(0, 600)))
    .slice(-COMPLAINTS_MAX);
}

async function answersOf({ ada, repository }: Place, pull: number): Promise<readonly string[]> {
  const { data } = await ada.octokit.rest.issues.listComments({ ...repository, issue_number: pull, per_page: 100 });
  return data.filter(({ user }) => user?.type === 'Bot').map(({ body }) => body ?? '');
}

async function ask(place: Place, person: Person, pull: number, text: string): Promise<string> {
  const id = await person.comment(place.repository, pull, text);
  const answers = (): Promise<readonly string[]> => answersOf(place, pull);
  return eventually(
    `an answer to ${text}`,
    async () => (await answers()).find((body) => body.includes(`maestro:answer issue-comment/${id} `)),
    answers,
  );
}

async function press({ sandbox, repository }: Place, person: Person, checkId: number, button: string): Promise<void> {
  const users = await (await fetch(`${sandbox.url}/_sandbox/users`)).json();
  const { token } = (users as { login: string; token: string }[]).find(({ login }) => login === person.login) ?? {};
  const verb = button === 'rerequest' ? 'rerequest' : 'actions';
  const path = `/_sandbox/repos/${repository.owner}/${repository.repo}/check-runs/${checkId}/${verb}`;
  const response = await fetch(`${sandbox.url}${path}`, {
    method: 'POST',
    headers: { authorization: `token ${token}`, 'content-type': 'application/json' },
    body: JSON.stringify({ identifier: button }),
  });
  if (!response.ok) throw new Error(`the button ${button}: ${response.status} ${await response.text()}`);
}

async function deliver(
  url: string,
  secret: string,
  { event, payload, id }: { readonly event: string; readonly payload: object; readonly id: string },
): Promise<number> {
  const body = JSON.stringify(payload);
  const headers = {
    'content-type': 'application/json',
    'x-github-event': event,
    'x-github-delivery': id,
    'x-hub-signature-256': `sha256=${createHmac('sha256', secret).update(body).digest('hex')}`,
  };
  return (await fetch(url, { method: 'POST', headers, body })).status;
}

export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}
