import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { globSync, mkdirSync, readFileSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { join, resolve } from 'node:path';
import process from 'node:process';
import { openSandbox, type Sandbox } from '../../sandbox/sandbox.ts';
import { repositoryWorkflow, WORKFLOW_PATH } from '../../src/cli/repository-workflow.ts';
import { readAppManifest } from '../app-manifest.ts';
import { HOUSE } from '../house.ts';
import type { MaestroSetting } from './maestro-command.ts';
import { startNpmRegistry } from './npm-registry.ts';
import { createPerson, type Person, type RepositoryName } from './person.ts';
import { type ServerProcess, startServer } from './server-process.ts';

const ACTION = 'maestro-conductor/maestro';
/** The sandbox has one state of the action: that of this folder. */
const ACTION_SHA = '0123456789abcdef0123456789abcdef01234567';
const ORDERS = resolve(import.meta.dirname, 'orders');

/** Where the demo plays: a GitHub on loopback with people, a repository and machines, and the real server. */
export interface Stage {
  readonly sandbox: Sandbox;
  readonly appId: number;
  readonly repository: RepositoryName;
  /** Wrote the change. */
  readonly ada: Person;
  /** Maintains the repository with her. */
  readonly grace: Person;
  /** Maintains it too. */
  readonly hugo: Person;
  /** A stranger. */
  readonly mallory: Person;
  readonly server: ServerProcess;
  /** How `maestro` is called on the server's state, once the server has stopped. */
  readonly setting: MaestroSetting;
  readonly output: string;
  readonly keyFile: string;
  close(): Promise<void>;
}

export interface StageOptions {
  /** Folder of everything that is left behind. Absolute. */
  readonly output: string;
  /** Postgres; the embedded database where it is absent. */
  readonly databaseUrl?: string;
}

/** The reader's own state, keys and database stay untouched: everything is told to use folders of the demo. */
export async function openStage({ output, databaseUrl }: StageOptions): Promise<Stage> {
  mkdirSync(output, { recursive: true });
  const sandbox = await openSandbox({
    runners: [{ labels: ['ubuntu-latest'], count: 2 }],
    actionSources: { [ACTION]: HOUSE },
    hostEnvironment: process.env,
  });
  const [ada, grace, hugo, mallory] = ['ada', 'grace', 'hugo', 'mallory'].map((login) =>
    createPerson(sandbox, login),
  ) as [Person, Person, Person, Person];
  const serverUrl = `http://127.0.0.1:${await freePort()}`;
  const registry = await startNpmRegistry();
  const repository = { owner: 'acme', repo: 'orders' };
  sandbox.createOrganization(repository.owner);
  await sandbox.createRepository({
    owner: repository.owner,
    name: repository.repo,
    files: {
      ...ordersFiles(),
      [WORKFLOW_PATH]: repositoryWorkflow(serverUrl, `${ACTION}@${ACTION_SHA}`),
      '.npmrc': `registry=${registry.url}\n`,
    },
    collaborators: { ada: 'write', grace: 'maintain', hugo: 'maintain' },
  });
  const { env, keyFile, appId } = serverSetting(sandbox, serverUrl, output, databaseUrl);
  const server = await startServer({ url: serverUrl, env, logFile: join(output, 'server.log') });
  const setting = { cwd: output, env: { ...process.env, ...env, NO_PROXY: '127.0.0.1' } };
  const close = async (): Promise<void> => {
    await server.stop();
    await sandbox.close();
    await registry.close();
  };
  return { sandbox, appId, repository, ada, grace, hugo, mallory, server, setting, output, keyFile, close };
}

/** Registers the App as `app.yml` describes it, and says so to the server in its own words. */
function serverSetting(
  sandbox: Sandbox,
  url: string,
  output: string,
  databaseUrl: string | undefined,
): { readonly env: Readonly<Record<string, string>>; readonly keyFile: string; readonly appId: number } {
  const manifest = readAppManifest();
  const webhookSecret = randomBytes(32).toString('hex');
  const app = sandbox.registerApp({
    name: manifest.name,
    permissions: manifest.default_permissions,
    events: manifest.default_events,
    webhookUrl: `${url}/api/github/webhooks`,
    webhookSecret,
  });
  const keyFile = join(output, 'key', 'signing-key.pem');
  const env = {
    MAESTRO_URL: url,
    PORT: new URL(url).port,
    HOST: '127.0.0.1',
    GITHUB_URL: sandbox.url,
    APP_ID: String(app.appId),
    PRIVATE_KEY: app.privateKey,
    WEBHOOK_SECRET: webhookSecret,
    MAESTRO_HOME: join(output, 'state'),
    MAESTRO_SIGNING_KEY: keyFile,
    ...(databaseUrl === undefined ? {} : { DATABASE_URL: databaseUrl }),
  };
  return { env, keyFile, appId: app.appId };
}

function ordersFiles(): Record<string, string> {
  const paths = globSync(['**/*', '.maestro/*', '.github/**/*'], { cwd: ORDERS, withFileTypes: true }).filter((entry) =>
    entry.isFile(),
  );
  return Object.fromEntries(
    paths.map((entry) => {
      const path = join(entry.parentPath, entry.name);
      return [path.slice(ORDERS.length + 1), readFileSync(path, 'utf8')];
    }),
  );
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}
