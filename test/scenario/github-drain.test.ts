import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type ServerProcess, startServer } from '../../app/demo/server-process.ts';
import type { BenchDatabase } from '../bench/engine.ts';
import { dropScratch, makeScratch } from '../bench/scratch-database.ts';
import { describeWith } from '../real-parts.ts';
import { eventually, freePort, type GitHubWorld, openGitHubWorld } from './github-world.ts';

const SLOW = `name: slow
kind: ci
purpose: build
on:
  pull_request: {}
defaults: { runner: ubuntu-latest, timeout: 2m }
steps:
  - id: first
    run: sleep 6; cat README.md
  - id: second
    needs: [first]
    run: echo second
`;
const CHECK = 'maestro / slow';
/** Of the server's own patience with what it holds. */
const DRAIN_MS_MAX = 9000;

const atWork = (world: GitHubWorld) =>
  eventually('a job at its step', () =>
    world.sandbox
      .jobs()
      .find(({ status, log }) => status === 'in_progress' && log.some((line) => line.startsWith('serving run'))),
  );

describe('a server that is replaced', () => {
  let world: GitHubWorld;
  beforeAll(async () => {
    world = await openGitHubWorld({ files: { '.maestro/slow.yaml': SLOW } });
  });
  afterAll(() => world.close());

  it('leaves amid a run when it is asked to, and the next one goes on', { timeout: 180_000 }, async () => {
    const { sha } = await world.propose('drained', { 'README.md': 'Drained.\n' });
    await atWork(world);
    const beganMs = performance.now();
    expect(await world.server.stop()).toBe(0);
    expect(performance.now() - beganMs).toBeLessThan(DRAIN_MS_MAX);
    await world.server.restart();
    await world.check(sha, CHECK, 'success');
    await world.sandbox.settled();
    expect(world.sandbox.jobs().map(({ conclusion }) => conclusion)).toEqual(['success']);
  });

  it('leaves at once where nothing is held', async () => {
    const beganMs = performance.now();
    expect(await world.server.stop()).toBe(0);
    expect(performance.now() - beganMs).toBeLessThan(3000);
    await world.server.restart();
  });
});

describeWith('postgres', 'two servers on one Postgres', () => {
  let database: BenchDatabase;
  let balancer: Balancer;
  let world: GitHubWorld;
  let second: ServerProcess;
  beforeAll(async () => {
    database = await makeScratch('postgres', 'scenario_github');
    const ports = [await freePort(), await freePort()] as const;
    balancer = await openBalancer(ports);
    world = await openGitHubWorld({
      url: balancer.url,
      files: { '.maestro/slow.yaml': SLOW },
      env: { PORT: String(ports[0]), ...(database.kind === 'postgres' ? { DATABASE_URL: database.url } : {}) },
    });
    second = await startServer({
      url: `http://127.0.0.1:${ports[1]}`,
      env: { ...world.env, PORT: String(ports[1]) },
      logFile: join(world.folder, 'second.log'),
    });
  });
  afterAll(async () => {
    await second?.stop();
    await world.close();
    balancer.close();
    await dropScratch(database);
  });

  it('finish a pull request when one of them is killed amid it', { timeout: 180_000 }, async () => {
    const { sha, pull } = await world.propose('killed', { 'README.md': 'Killed.\n' });
    await atWork(world);
    await world.server.kill();
    await world.check(sha, CHECK, 'success');
    expect(await world.ask(world.ada, pull, '/maestro status')).toContain('succeeded');
    const { data } = await world.ada.octokit.rest.checks.listForRef({ ...world.repository, ref: sha, filter: 'all' });
    expect(data.check_runs.filter(({ name }) => name === CHECK)).toHaveLength(1);
  });
});

describeWith('postgres', 'a server that only answers, and one that only acts', () => {
  let database: BenchDatabase;
  let world: GitHubWorld;
  let conductor: ServerProcess;
  beforeAll(async () => {
    database = await makeScratch('postgres', 'scenario_github_roles');
    const port = String(await freePort());
    world = await openGitHubWorld({
      files: { '.maestro/quick.yaml': SLOW.replace('name: slow', 'name: quick').replace('sleep 6; ', '') },
      env: { MAESTRO_ROLES: 'web', ...(database.kind === 'postgres' ? { DATABASE_URL: database.url } : {}) },
    });
    conductor = await startServer({
      url: `http://127.0.0.1:${port}`,
      env: { ...world.env, MAESTRO_ROLES: 'conductor', PORT: port },
      logFile: join(world.folder, 'conductor.log'),
    });
  });
  afterAll(async () => {
    await conductor?.stop();
    await world.close();
    await dropScratch(database);
  });

  it('make a run of a webhook together, and report it', { timeout: 180_000 }, async () => {
    const { sha, pull } = await world.propose('shared', { 'README.md': 'Shared.\n' });
    await world.check(sha, 'maestro / quick', 'success');
    expect(await world.ask(world.ada, pull, '/maestro status')).toContain('succeeded');
  });

  it('are watched alike, though only one of them takes webhooks and workers', async () => {
    const statuses = async (url: string): Promise<readonly number[]> => {
      const paths = ['/healthz', '/readyz', '/api/v1/openapi.json', '/api/github/webhooks'];
      return Promise.all(paths.map(async (path) => (await fetch(url + path)).status));
    };
    expect(await statuses(world.server.url)).toEqual([200, 200, 200, 405]);
    expect(await statuses(conductor.url)).toEqual([200, 200, 404, 404]);
  });
});

interface Balancer {
  readonly url: string;
  close(): void;
}

/** In front of several servers: each connection goes to the first that takes it. */
async function openBalancer(ports: readonly number[]): Promise<Balancer> {
  const sockets = new Set<Socket>();
  const join = (from: Socket, [port, ...others]: readonly number[]): void => {
    if (port === undefined) return void from.destroy();
    const to = connect({ host: '127.0.0.1', port });
    sockets.add(to);
    const onRefused = (): void => join(from, others);
    to.once('error', onRefused);
    to.once('connect', () => {
      to.off('error', onRefused);
      to.on('error', () => from.destroy());
      to.on('close', () => from.destroy());
      from.on('close', () => to.destroy());
      from.pipe(to).pipe(from);
    });
  };
  const server: Server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => socket.destroy());
    join(socket, ports);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  const close = (): void => {
    server.close();
    for (const socket of sockets) socket.destroy();
  };
  return { url: `http://127.0.0.1:${port}`, close };
}
