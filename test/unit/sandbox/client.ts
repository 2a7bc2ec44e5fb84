import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { importPKCS8, SignJWT } from 'jose';
import { openSandbox, type Sandbox, type SandboxOptions } from '../../../sandbox/sandbox.ts';
import { payloadFaults } from './payload-faults.ts';

interface Answer {
  readonly status: number;
  // oxlint-disable-next-line typescript/no-explicit-any -- a test reads what it expects and fails where it is not there
  readonly body: any;
  readonly headers: Headers;
}

export interface Received {
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: string;
}

export const WEBHOOK_SECRET = 'a secret that only the test knows';

/** A sandbox with one repository, one app that is installed on it, and a server that receives the app's webhooks. */
export interface Stage {
  readonly sandbox: Sandbox;
  readonly appId: number;
  readonly installationId: number;
  readonly privateKey: string;
  readonly received: Received[];
  readonly ada: { readonly login: string; readonly id: number; readonly token: string };
  readonly stranger: { readonly login: string; readonly id: number; readonly token: string };
  call(
    token: string | null,
    method: string,
    path: string,
    body?: unknown,
    headers?: Record<string, string>,
  ): Promise<Answer>;
  jwt(changes?: { readonly expiresIn?: string }): Promise<string>;
  token(options?: object): Promise<string>;
  sha(ref?: string): Promise<string>;
  close(): Promise<void>;
}

const WORKFLOW = `name: Work
run-name: work \${{ inputs.subject }}
on:
  workflow_dispatch:
    inputs:
      subject: { required: true, type: string }
permissions: { contents: read, id-token: write }
jobs:
  work:
    runs-on: [self-hosted, tiny]
    steps:
      - run: echo "on \${{ inputs.subject }}"
`;

const PERMISSIONS = {
  actions: 'write',
  checks: 'write',
  contents: 'read',
  issues: 'write',
  pull_requests: 'write',
  statuses: 'write',
  deployments: 'write',
};
const EVENTS = [
  'push',
  'create',
  'delete',
  'pull_request',
  'issue_comment',
  'check_run',
  'check_suite',
  'workflow_run',
  'workflow_job',
  'release',
  'pull_request_review',
  'pull_request_review_comment',
  'repository',
  'merge_group',
  'deployment',
  'deployment_status',
  'status',
];

export async function openStage(
  options: SandboxOptions = {},
  files: Readonly<Record<string, string>> = {},
): Promise<Stage> {
  const received: Received[] = [];
  const receiver = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      received.push({ headers: request.headers, body: Buffer.concat(chunks).toString() });
      response.writeHead(202).end();
    });
  });
  await new Promise<void>((resolve) => {
    receiver.listen(0, '127.0.0.1', resolve);
  });
  const webhookUrl = `http://127.0.0.1:${(receiver.address() as AddressInfo).port}/`;
  const sandbox = await openSandbox({ hostEnvironment: process.env, ...options });
  sandbox.createOrganization('acme');
  const ada = sandbox.createUser('ada');
  const stranger = sandbox.createUser('mallory');
  await sandbox.createRepository({
    owner: 'acme',
    name: 'app',
    files: { 'README.md': '# App\n', '.github/workflows/work.yml': WORKFLOW, ...files },
    collaborators: { ada: 'maintain' },
  });
  const { appId, privateKey } = sandbox.registerApp({
    name: 'Maestro',
    permissions: PERMISSIONS,
    events: EVENTS,
    webhookUrl,
    webhookSecret: WEBHOOK_SECRET,
  });
  const installationId = sandbox.install(appId, 'acme', ['app']);
  const call: Stage['call'] = async (token, method, path, body, headers = {}) => {
    const response = await fetch(path.startsWith('http') ? path : `${sandbox.apiUrl}${path}`, {
      method,
      headers: { ...(token === null ? {} : { authorization: `Bearer ${token}` }), ...headers },
      ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    });
    const text = await response.text();
    const isJson = response.headers.get('content-type')?.includes('json') === true;
    return { status: response.status, body: isJson ? JSON.parse(text) : text, headers: response.headers };
  };
  const jwt: Stage['jwt'] = async ({ expiresIn = '5m' } = {}) =>
    await new SignJWT({})
      .setProtectedHeader({ alg: 'RS256' })
      .setIssuer(String(appId))
      .setIssuedAt()
      .setExpirationTime(expiresIn)
      .sign(await importPKCS8(privateKey, 'RS256'));
  return {
    sandbox,
    appId,
    installationId,
    privateKey,
    received,
    ada,
    stranger,
    call,
    jwt,
    token: async (wanted) =>
      (await call(await jwt(), 'POST', `/app/installations/${installationId}/access_tokens`, wanted)).body.token,
    sha: async (ref = 'heads/main') => (await call(ada.token, 'GET', `/repos/acme/app/git/ref/${ref}`)).body.object.sha,
    close: async () => {
      await sandbox.close();
      receiver.closeAllConnections();
      await new Promise((resolve) => {
        receiver.close(resolve);
      });
    },
  };
}

/** Ends a stage, and fails where the sandbox answered or sent what GitHub does not describe. */
export async function closeClean(stage: Stage): Promise<void> {
  await stage.sandbox.settled();
  const answers = stage.sandbox.violations().filter(({ side }) => side === 'response');
  const payloads = payloadFaults(stage.sandbox.deliveries());
  await stage.close();
  const faults = [...answers.map(({ operation, message }) => `${operation}: ${message}`), ...payloads];
  if (faults.length > 0) throw new Error(`what GitHub does not describe: ${faults.join('; ')}`);
}

/** A commit of ada's with one more file. Answers its SHA. */
export async function putFile(
  stage: Stage,
  {
    path,
    branch,
    text = 'x',
    token = stage.ada.token,
  }: {
    readonly path: string;
    readonly branch: string;
    readonly text?: string;
    readonly token?: string;
  },
): Promise<string> {
  const content = Buffer.from(text).toString('base64');
  const body = { message: `add ${path}`, content, branch };
  const { status, body: answer } = await stage.call(token, 'PUT', `/repos/acme/app/contents/${path}`, body);
  if (status !== 201) throw new Error(`no file ${path} on ${branch}: ${JSON.stringify(answer)}`);
  return answer.commit.sha;
}

export async function branchOff(stage: Stage, name: string): Promise<void> {
  const body = { ref: `refs/heads/${name}`, sha: await stage.sha() };
  await stage.call(stage.ada.token, 'POST', '/repos/acme/app/git/refs', body);
}

/** Pull request 1 of ada's: `topic`, which adds `topic.txt`, into main. Answers the head's SHA. */
export async function openTopic(stage: Stage, text = 'x'): Promise<string> {
  await branchOff(stage, 'topic');
  const sha = await putFile(stage, { path: 'topic.txt', branch: 'topic', text });
  const body = { title: 'Topic', head: 'topic', base: 'main' };
  const { status } = await stage.call(stage.ada.token, 'POST', '/repos/acme/app/pulls', body);
  if (status !== 201) throw new Error(`no pull request: ${status}`);
  return sha;
}

/** The events that were received since the last look, once all that is under way has come. */
export async function newEvents(stage: Stage): Promise<readonly string[]> {
  await stage.sandbox.settled();
  return eventsOf(stage.received.splice(0));
}

/** Events in the order in which they were received. */
export function eventsOf(received: readonly Received[]): readonly string[] {
  return received.map(({ headers, body }) => {
    const { action } = JSON.parse(body) as { action?: string };
    const event = String(headers['x-github-event']);
    return action === undefined ? event : `${event}.${action}`;
  });
}
