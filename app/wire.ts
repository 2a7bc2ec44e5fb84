import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { availableParallelism, hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { SYSTEM_CLOCK } from '../src/base/clock.ts';
import { MaestroError } from '../src/base/errors.ts';
import type { Compiler, LocalMaestro, OpenOptions } from '../src/cli/context.ts';
import { Engine } from '../src/engine/engine.ts';
import { previewPlan } from '../src/engine/preview.ts';
import { compilePipeline, lintPipeline } from '../src/pipeline/compile.ts';
import type { OwnRules } from '../src/policy/own/own-rules.ts';
import type { PlanPreview, StartRun } from '../src/protocol/client.ts';
import type { IssuerFact } from '../src/provenance/facts.ts';
import { startLocalRunner } from '../src/runners/local/local-runner.ts';
import { reclaimLocalWorkers } from '../src/runners/local/worker-name.ts';
import { BUILT_IN_STEPS } from '../src/steps/built-in.ts';
import { STEP_CATALOG } from '../src/steps/catalog.ts';
import { openSourceTree } from '../src/steps/source-tree.ts';
import { openFileBlobs } from '../src/store/blobs.ts';
import type { Config } from './config.ts';
import { safeControlSocketPath, serveControl } from './control-socket.ts';
import { type OpenedPolicy, openDefaultPolicy } from './default-policy.ts';
import { versionOfHouse } from './house.ts';
import { localClient } from './local-client.ts';
import { openDatabase } from './open-database.ts';
import { openDemandingSigner } from './open-signer.ts';
import { provableClient } from './provable-client.ts';
import { knownKeysOf } from './public-keys.ts';
import { openRegisterKey } from './register-key.ts';
import { openSharedState } from './shared-state.ts';
import { prepareStateFolder } from './state-folder.ts';

/** Says in receipts that steps ran beside the key that signs: no more than a person's word on their own machine. */
const LOCAL_BUILDER = 'https://maestro-conductor.dev/builders/local/v1';

/** Everything that a command needs: in this process, or through the one that holds the embedded state. */
export async function openLocal(config: Config, options: OpenOptions): Promise<LocalMaestro> {
  await prepareStateFolder(config.stateFolder);
  if (config.databaseUrl !== undefined) return openHere(config, options);
  const socketPath = safeControlSocketPath(config.stateFolder);
  if (socketPath === undefined) return openHere(config, options);
  return openSharedState({
    openHere: () => openAndShare(config, options, socketPath),
    socketPath,
    root: config.root,
    isInsideStep: config.isInsideStep,
  });
}

/** Holds the state, and answers for others who want to look or to answer meanwhile. */
async function openAndShare(config: Config, options: OpenOptions, socketPath: string): Promise<LocalMaestro> {
  const maestro = await openHere(config, options);
  const attended = new Set<string>();
  const attend = async (name: string, signal: AbortSignal): Promise<void> => {
    const { id } = await maestro.client.readRun(name);
    if (attended.has(id)) await maestro.wait(id, signal);
    else await maestro.drive(id, signal);
  };
  const tools = { client: maestro.client, root: config.root, userName: config.userName, attend };
  // On a file system without sockets the state is this process's alone, as it is for whoever comes too early.
  const control = await serveControl(socketPath, tools).catch(() => {});
  const close = async (): Promise<void> => {
    await control?.close();
    await maestro.close();
  };
  return {
    client: { ...maestro.client, close },
    drive: async (name, signal) => {
      attended.add((await maestro.client.readRun(name)).id);
      await maestro.drive(name, signal);
    },
    close,
  };
}

/** Of this process alone. */
interface OwnMaestro extends LocalMaestro {
  /** Waits like `drive`, while somebody else works the run. */
  wait(run: string, signal: AbortSignal): Promise<void>;
}

async function openHere(config: Config, options: OpenOptions): Promise<OwnMaestro> {
  const [{ policy, openPatched, readRules }, logSigner, signer] = await Promise.all([
    openPolicyOf(config),
    openRegisterKey(config),
    openDemandingSigner(config.signing),
  ]);
  const blobs = openFileBlobs(join(config.stateFolder, 'blobs'));
  const db = await openDatabase(config);
  const failures: unknown[] = [];
  const engine = await Engine.open({
    db,
    policy,
    openPatched,
    readRules,
    // On a database that several share, each project has a policy of its own.
    home: { tenant: 'local', name: config.root },
    signer,
    readTrustedKeys: () => knownKeysOf(config.signing, signer.publicKeyPem),
    logSigner,
    issuer: localIssuer(),
    blobs,
    secrets: { read: async ({ names }) => readSecrets(options.secrets ?? {}, names) },
    clock: SYSTEM_CLOCK,
    isShared: false,
    mayFoundRegister: config.databaseUrl === undefined || config.evidenceKeyFile !== undefined,
    random: Math.random,
    randomBytes,
    reclaimWorkers: reclaimLocalWorkers,
    onError: (error) => failures.push(error),
  }).catch(async (error: unknown) => {
    await Promise.all([db.close(), signer.close()]);
    throw error;
  });
  const close = async (): Promise<void> => {
    try {
      await engine.close();
    } finally {
      await Promise.all([db.close(), signer.close()]);
    }
  };
  return {
    client: provableClient(localClient(engine, blobs, close), () => signer.demandCounting()),
    drive: (name, signal) => drive(engine, config, name, signal),
    wait: async (name, signal) => {
      await engine.waitForRun(await engine.resolve(name), signal);
    },
    close,
  };
}

/** Answers `plan`: policy and language, no database. */
export async function openPreview(config: Config): Promise<(request: StartRun) => Promise<PlanPreview>> {
  const { policy } = await openPolicyOf(config);
  return async (request) => previewPlan(policy, request);
}

export async function openCompiler(config: Config): Promise<Compiler> {
  const files = openSourceTree(config.root);
  return {
    lint: ({ path, text }) => lintPipeline({ path, text, catalog: STEP_CATALOG, files }),
    compile: ({ path, text }, params) => {
      const { plan, findings } = compilePipeline({ path, text, params, catalog: STEP_CATALOG, files });
      return { plan, findings };
    },
  };
}

async function drive(engine: Engine, config: Config, name: string, signal: AbortSignal): Promise<void> {
  const run = await engine.resolve(name);
  const { id } = await engine.readRun(run);
  const runner = startLocalRunner({
    client: engine.leases,
    tools: {
      steps: BUILT_IN_STEPS,
      repositoryRoot: config.root,
      // Outside of the repository: tools that look upwards for a project must not find the user's.
      temporaryRoot: tmpdir(),
      hostEnv: process.env,
    },
    run: id,
    name: `${hostname()} ${process.pid}`,
    capacity: Math.max(2, availableParallelism()),
  });
  let isStopped = true;
  try {
    const end = await Promise.race([engine.waitForRun(run, signal), runner.ended.then(() => 'stopped' as const)]);
    isStopped = end === 'stopped';
  } finally {
    await (isStopped ? runner.abandon() : runner.drain());
  }
}

/** The project's policy, with rules of its organisation where they are given. */
export async function openPolicyOf(config: Config, rules?: OwnRules): Promise<OpenedPolicy> {
  const text = await readFile(join(config.root, '.maestro', 'policy.yaml'), 'utf8').catch(absent);
  return openDefaultPolicy({ ...(text !== undefined && { file: { text } }), ...(rules && { rules }) });
}

function absent(error: NodeJS.ErrnoException): undefined {
  if (error.code === 'ENOENT') return undefined;
  throw new MaestroError('FILE_NOT_READABLE', `expected to read ${error.path ?? 'a file'}: ${error.code ?? ''}`, {
    cause: error,
  });
}

function readSecrets(given: Readonly<Record<string, string>>, names: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    names.map((name) => {
      const value = given[name];
      if (value === undefined)
        throw new MaestroError(
          'SECRET_NOT_FOUND',
          `expected a value for the secret ${name}: run again with --secret ${name}`,
        );
      return [name, value];
    }),
  );
}

function localIssuer(): IssuerFact {
  return { builderId: LOCAL_BUILDER, version: versionOfHouse(), keyReachableBySteps: true };
}
