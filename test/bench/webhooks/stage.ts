import { type ChildProcess, fork } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { type ServerProcess, startServer } from '../../../app/demo/server-process.ts';
import type { BenchDatabase } from '../engine.ts';
import { cpuSecondsOfTree } from '../machine.ts';
import { dropScratch, makeScratch } from '../scratch-database.ts';
import type { Load, Target } from './deliveries.ts';
import type { LoadReport } from './generator.ts';
import type { SandboxCounts, Scene, SceneOptions } from './scene.ts';
import { openWarmMachine, type WarmMachine } from './warm-machine.ts';

export interface StageOptions {
  readonly database: BenchDatabase['kind'];
  readonly repositories: number;
  readonly commits: number;
  /** Jobs hand over to a worker that is there already; otherwise they start the real action. */
  readonly isWarm: boolean;
  /** Folder for a CPU profile of the server. */
  readonly profile: string | undefined;
}

/** So far. */
export interface CpuSeconds {
  readonly server: number;
  /** With the jobs that it ran. */
  readonly sandbox: number;
  readonly worker: number;
}

/** The real server, a GitHub and a load, each in a process of its own. */
export interface Stage {
  readonly database: BenchDatabase;
  readonly server: ServerProcess;
  readonly targets: readonly Target[];
  readonly machine: WarmMachine;
  readonly stateFolder: string;
  /** Sends a load; resolves when everything was answered. */
  send(load: Pick<Load, 'kind' | 'name' | 'perSecond' | 'count' | 'used'>): Promise<LoadReport>;
  counts(): Promise<SandboxCounts>;
  cpuSeconds(): CpuSeconds;
  close(): Promise<void>;
}

const WEBHOOKS = '/api/github/webhooks';

export async function openStage(options: StageOptions): Promise<Stage> {
  const folder = mkdtempSync(join(tmpdir(), 'maestro-webhooks-'));
  const database = await makeScratch(options.database, 'webhooks');
  const serverUrl = `http://127.0.0.1:${await freePort()}`;
  const webhookSecret = randomBytes(32).toString('hex');
  const machine = await openWarmMachine(serverUrl);
  const child = fork(join(import.meta.dirname, 'sandbox-process.ts'), { stdio: 'inherit' });
  const scene = await ask<Scene>(child, 'open', {
    serverUrl,
    webhookSecret,
    repositories: options.repositories,
    commits: options.commits,
    handOverPort: options.isWarm ? machine.port : null,
  });
  const stateFolder = join(folder, 'state');
  const server = await startServer({
    url: serverUrl,
    logFile: join(folder, 'server.log'),
    env: {
      ...serverSetting(scene, serverUrl, webhookSecret),
      MAESTRO_HOME: stateFolder,
      MAESTRO_SIGNING_KEY: join(folder, 'key', 'signing-key.pem'),
      ...(database.kind === 'postgres' ? { DATABASE_URL: database.url } : {}),
      ...(options.profile === undefined ? {} : { NODE_OPTIONS: `--cpu-prof --cpu-prof-dir=${options.profile}` }),
    },
  });
  const installations = await ask<readonly number[]>(child, 'install');
  const targets = scene.repositories.map((one, n) => ({ ...one, installationId: installations[n] ?? 0 }));
  return {
    database,
    server,
    targets,
    machine,
    stateFolder,
    send: (load) => generate({ ...load, url: `${serverUrl}${WEBHOOKS}`, secret: webhookSecret, targets }),
    counts: () => ask<SandboxCounts>(child, 'counts'),
    cpuSeconds: () => ({
      server: cpuSecondsOfTree(server.pid() ?? 0) ?? 0,
      sandbox: cpuSecondsOfTree(child.pid ?? 0) ?? 0,
      worker: process.cpuUsage().user / 1e6 + process.cpuUsage().system / 1e6,
    }),
    close: async () => {
      await server.stop();
      await machine.close();
      const gone = once(child, 'exit');
      child.disconnect();
      await gone;
      await dropScratch(database);
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

function serverSetting(
  { url, appId, privateKey }: Scene,
  serverUrl: string,
  webhookSecret: string,
): Record<string, string> {
  return {
    MAESTRO_URL: serverUrl,
    PORT: new URL(serverUrl).port,
    HOST: '127.0.0.1',
    GITHUB_URL: url,
    APP_ID: String(appId),
    PRIVATE_KEY: privateKey,
    WEBHOOK_SECRET: webhookSecret,
    LOG_LEVEL: 'warn',
  };
}

async function generate(load: Load): Promise<LoadReport> {
  const child = fork(join(import.meta.dirname, 'generator.ts'), { stdio: 'inherit' });
  return ask<LoadReport>(child, load);
}

/** One question at a time: the next message is the answer. */
async function ask<T>(child: ChildProcess, call: string | Load, options?: SceneOptions): Promise<T> {
  const answer = once(child, 'message');
  const gone = once(child, 'exit').then(() => Promise.reject(new Error('a process of the stage has ended')));
  gone.catch(() => {});
  child.send(typeof call === 'string' ? { call, options } : call);
  const [message] = (await Promise.race([answer, gone])) as [{ readonly error?: string; readonly value?: T }];
  if (message.error !== undefined) throw new Error(message.error);
  return typeof call === 'string' ? (message.value as T) : (message as T);
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}
