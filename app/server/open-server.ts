import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import type { Logger } from 'pino';
import { forwardedAddress } from '../../src/api/address.ts';
import { openHttpApi } from '../../src/api/http-api.ts';
import type { HttpApiTools } from '../../src/api/http-api-tools.ts';
import { requestListenerOf } from '../../src/api/http-server.ts';
import { rememberTroubles } from '../../src/api/remember-troubles.ts';
import { openIssuerKeys } from '../../src/auth/issuer-keys.ts';
import { admitDispatchedJob, type JobAdmission } from '../../src/auth/job-admission.ts';
import { verifyJobToken } from '../../src/auth/verify-job-token.ts';
import { SYSTEM_CLOCK } from '../../src/base/clock.ts';
import { MaestroError } from '../../src/base/errors.ts';
import { ulid } from '../../src/base/ids.ts';
import { Engine } from '../../src/engine/engine.ts';
import type { EngineOptions } from '../../src/engine/engine-options.ts';
import { openReleaseEvidence } from '../../src/engine/release-evidence.ts';
import { openAnswerCalls } from '../../src/github/commands/answer-call.ts';
import { grantFor } from '../../src/github/commands/pull.ts';
import { judgeWhenKnown } from '../../src/github/deployments/judge-when-known.ts';
import { openPromotionSource } from '../../src/github/deployments/promotion-source.ts';
import { openReceiver } from '../../src/github/intake/receive.ts';
import { openJobStarter } from '../../src/github/job-starter.ts';
import { openStarter } from '../../src/github/matching/start-matching.ts';
import { compilePipeline } from '../../src/pipeline/compile.ts';
import type { OwnRules } from '../../src/policy/own/own-rules.ts';
import { RulesFolder } from '../../src/policy/own/rules-folder.ts';
import type { IssuerFact } from '../../src/provenance/facts.ts';
import { STEP_CATALOG } from '../../src/steps/catalog.ts';
import { openFileBlobs } from '../../src/store/blobs.ts';
import { openCheckBoard } from '../../src/store/check-board.ts';
import { openClaimant } from '../../src/store/claimants.ts';
import { openCommandRecords } from '../../src/store/command-records.ts';
import type { Database } from '../../src/store/database.ts';
import { openDemand } from '../../src/store/demand.ts';
import { openDeploymentBoard } from '../../src/store/deployment-board.ts';
import { openDispatches } from '../../src/store/dispatches.ts';
import { openGitHubRuns } from '../../src/store/github-runs.ts';
import { openInbox } from '../../src/store/inbox.ts';
import { openInstallations } from '../../src/store/installations.ts';
import { openProtectionRules } from '../../src/store/protection-rules.ts';
import { openPruning } from '../../src/store/pruning.ts';
import { openReleaseBoard } from '../../src/store/release-board.ts';
import { jobsOfRun, type RunJob } from '../../src/store/run-jobs.ts';
import { openTestGrants } from '../../src/store/test-grants.ts';
import { openWorkerSessions } from '../../src/store/worker-sessions.ts';
import { openWriteAllowance } from '../../src/store/write-allowance.ts';
import type { OpenedPolicy } from '../default-policy.ts';
import { versionOfHouse } from '../house.ts';
import { openDatabase } from '../open-database.ts';
import { openSigner } from '../open-signer.ts';
import { knownKeysOf, publicKeysOf } from '../public-keys.ts';
import { openRegisterKey } from '../register-key.ts';
import { prepareStateFolder } from '../state-folder.ts';
import { type Conductor, type OnError, openConductor } from './conductor.ts';
import type { ServerConfig } from './config.ts';
import { openWholeFetch } from './fetch-whole.ts';
import { ANSWER_LIMITS, openGitHub } from './github-access.ts';
import { healthDoor } from './health-door.ts';
import { type Listening, listen } from './listen.ts';
import type { Rooms } from './rooms.ts';
import { openRunFeed } from './run-feed.ts';
import { openServerSecrets, type ServerSecrets } from './secret-source.ts';
import { openServerPolicy, readOperatorsPolicy } from './server-policy.ts';
import { webhookDoor } from './webhook-door.ts';
import { dispatchesOfTheOthers, reportsOfTheOthers } from './without-suspended.ts';

const ULID_BYTES = 16;
/** Workers far away live through a server that is away for a minute, as it is when it is replaced. */
const WORKER_SILENCE_MS_MAX = 90_000;
/** Long polls of workers are answered meanwhile, and they come back to another process or to the next one. */
const DRAIN_MS = 8000;

export interface RunningServer {
  readonly port: number;
  /** Takes nothing more, ends what it holds, and leaves. What is not done stands in the database. */
  drain(): Promise<void>;
}

/** Everything a server is made of, joined and running. */
export async function openServer(config: ServerConfig, log: Logger): Promise<RunningServer> {
  const onError: OnError = (error, context) => log.error({ err: error, ...context }, 'failed; it is tried again');
  const onGivenUp: OnError = (error, context) =>
    log.error({ err: error, ...context }, 'given up: see what it was about');
  const db = await openStore(config);
  const closing = new AbortController();
  try {
    const rooms = await openRooms(config, db, log, onError);
    const troubles = async (): Promise<readonly string[]> => [
      ...(closing.signal.aborted ? ['the server is draining'] : []),
      ...(await troublesOf(db)),
    ];
    const conductor = config.roles.has('conductor') ? openConductor(config, rooms, { onError, onGivenUp }) : undefined;
    const listening = await (config.roles.has('web')
      ? openDoors(config, rooms, log, { troubles, closing: closing.signal }, onError)
      : openHealthDoor(config, { troubles, closing: closing.signal }, onError));
    await conductor?.start();
    return {
      port: listening.port,
      drain: async () => {
        closing.abort();
        await drain(listening, conductor, rooms, db);
      },
    };
  } catch (error) {
    await db.close();
    throw error;
  }
}

async function drain(
  listening: Listening,
  conductor: Conductor | undefined,
  { engine, ownRules, secrets, signer }: Rooms,
  db: Database,
): Promise<void> {
  try {
    await Promise.all([listening.close(DRAIN_MS), conductor?.close(DRAIN_MS)]);
    await Promise.all([engine.close(), secrets.close(), ownRules?.close()]);
    await signer.close();
  } finally {
    await db.close();
  }
}

async function openStore(config: ServerConfig): Promise<Database> {
  await prepareStateFolder(config.stateFolder);
  return openDatabase(config);
}

function openSecrets({ secrets, publicUrl }: ServerConfig, log: Logger): Promise<ServerSecrets> {
  const onTrouble = (error: unknown): void => log.warn({ err: error }, 'trouble with a source of secrets');
  return openServerSecrets(secrets, { publicUrl, clock: SYSTEM_CLOCK, newId, onTrouble });
}

/** Rules of an organisation, as they come and go in their folder; undefined where there are none. */
async function openOwnRules(
  { ownRules }: ServerConfig,
  onError: (error: unknown) => void,
): Promise<RulesFolder | undefined> {
  if (!ownRules) return undefined;
  return RulesFolder.open({ folder: ownRules.bundles, keys: ownRules.keys, clock: SYSTEM_CLOCK, onError });
}

/** The rules of the server, and how to open them anew with other rules of its organisation. */
async function openRules(
  config: ServerConfig,
  onError: (error: unknown) => void,
): Promise<{
  readonly ownRules: RulesFolder | undefined;
  readonly opened: OpenedPolicy;
  readonly reopen: (own: OwnRules) => Promise<OpenedPolicy>;
}> {
  const ownRules = await openOwnRules(config, onError);
  const setting = { ...config, operators: await readOperatorsPolicy(config.policyFile) };
  const reopen = (own: OwnRules | undefined): Promise<OpenedPolicy> => openServerPolicy(setting, own);
  return { ownRules, opened: await reopen(ownRules?.current()), reopen };
}

async function openRooms(
  config: ServerConfig,
  db: Database,
  log: Logger,
  onError: (error: unknown) => void,
): Promise<Rooms> {
  const [{ ownRules, opened, reopen }, signer, logSigner, secrets] = await Promise.all([
    openRules(config, onError),
    openSigner(config.signing),
    openRegisterKey(config),
    openSecrets(config, log),
  ]);
  const claimant = openClaimant(db, newId());
  const inbox = openInbox(db, claimant.id);
  const receive = openReceiver(inbox);
  const github = await openGitHub(config, log, ({ id, name, payload }) => receive({ id, event: name, payload }));
  const books = openBooks(db);
  const { installations, rules, grants } = books;
  const blobs = openFileBlobs(join(config.stateFolder, 'blobs'));
  const engine = await openEngine(config, db, {
    ...opened,
    promotions: openPromotionSource({ access: github.access, runs: books.runs, rules, appId: Number(config.appId) }),
    signer,
    readTrustedKeys: () => knownKeysOf(config.signing, signer.publicKeyPem),
    logSigner,
    issuer: issuerOf(config),
    blobs,
    secrets: secrets.source,
    onError,
  });
  ownRules?.onChange(async (own) => engine.replacePolicy(await reopen(own)));
  const runs = judgeWhenKnown(books.runs, (runIds) => engine.revisitGates(runIds));
  const checks = reportsOfTheOthers(openCheckBoard(db, claimant.id), installations);
  const dispatches = dispatchesOfTheOthers(openDispatches(db, SYSTEM_CLOCK, claimant.id), installations);
  const starter = openStarter({
    access: github.access,
    engine,
    runs,
    board: checks,
    parsePolicy: opened.parsePolicy,
    compile: (request) => compilePipeline({ ...request, catalog: STEP_CATALOG }),
    isTrusted: async ({ repository, pull }) => pull !== null && (await grants.isGranted(grantFor(repository, pull))),
  });
  const evidence = openReleaseEvidence({ engine, db, blobs });
  const jobsOf = (runId: string, limit: number): Promise<readonly RunJob[]> => jobsOfRun(db, runId, limit);
  const feed = openRunFeed({ engine, dispatches, jobsOf, githubUrl: config.githubUrl });
  const own = { engine, signer, ownRules, secrets, claimant, inbox, github };
  return { ...books, ...own, runs, evidence, checks, dispatches, starter, feed };
}

type EngineParts = Pick<
  EngineOptions,
  'signer' | 'readTrustedKeys' | 'logSigner' | 'issuer' | 'blobs' | 'secrets' | 'onError'
> &
  Partial<Pick<EngineOptions, 'promotions'>> &
  OpenedPolicy;

function openEngine(config: ServerConfig, db: Database, parts: EngineParts): Promise<Engine> {
  return Engine.open({
    db,
    ...parts,
    home: { tenant: 'local', name: 'local' },
    clock: SYSTEM_CLOCK,
    isShared: true,
    mayFoundRegister: true,
    random: Math.random,
    randomBytes,
    times: { expireAfterMs: WORKER_SILENCE_MS_MAX },
  });
}

/** Jobs run elsewhere: no step reaches the key. */
function issuerOf({ publicUrl }: ServerConfig): IssuerFact {
  return { builderId: `${publicUrl}/builders/github-app/v1`, version: versionOfHouse(), keyReachableBySteps: false };
}

/** What the database alone keeps. */
function openBooks(db: Database) {
  return {
    installations: openInstallations(db),
    pruning: openPruning(db),
    runs: openGitHubRuns(db),
    deployments: openDeploymentBoard(db),
    releases: openReleaseBoard(db),
    rules: openProtectionRules(db),
    allowance: openWriteAllowance(db),
    grants: openTestGrants(db),
    records: openCommandRecords(db),
    demand: openDemand(db),
    sessions: openWorkerSessions(db),
  };
}

async function openDoors(
  config: ServerConfig,
  rooms: Rooms,
  log: Logger,
  state: Pick<HttpApiTools, 'troubles' | 'closing'>,
  onError: (error: unknown, context?: object) => void,
): Promise<Listening> {
  const { engine, github, runs, secrets, sessions } = rooms;
  const keys = openIssuerKeys(config.oidcIssuer, fetch);
  const expected = { issuer: config.oidcIssuer, audience: config.publicUrl, keys, clock: SYSTEM_CLOCK };
  const api = openHttpApi({
    leases: engine.leases,
    sessions,
    verifyJobToken: (token) => verifyJobToken(token, expected),
    admission: admissionOf(rooms),
    admitPerson: openAnswerCalls({
      access: github.access,
      engine,
      runs,
      github: { apiUrl: config.githubApiUrl, fetch: openWholeFetch(ANSWER_LIMITS) },
    }),
    readRun: async (run) => engine.readRun(await engine.resolve(run)),
    evidence: engine.evidence,
    ...state,
    version: versionOfHouse(),
    clock: SYSTEM_CLOCK,
    randomBytes,
    newId,
    onError: (error, requestId) => onError(error, { requestId }),
    ...(secrets.identity ? { identity: secrets.identity } : {}),
    trustedKeys: await publicKeysOf(config.signing, rooms.signer),
    ...(config.isBehindProxy ? { addressOf: addressBehindProxy } : {}),
  });
  const webhooks = webhookDoor(github.probot, (reason, status) => log.warn({ status }, `webhook refused: ${reason}`), {
    clock: SYSTEM_CLOCK,
    isBehindProxy: config.isBehindProxy,
  });
  return listen(config, { webhooks, api: requestListenerOf(api) }, onError);
}

function openHealthDoor(
  config: ServerConfig,
  state: Pick<HttpApiTools, 'troubles' | 'closing'>,
  onError: (error: unknown) => void,
): Promise<Listening> {
  const door = healthDoor(rememberTroubles({ ...state, clock: SYSTEM_CLOCK }));
  return listen(config, { webhooks: door, api: door }, onError);
}

function admissionOf({ dispatches, runs, github, starter }: Rooms): JobAdmission {
  return {
    admit: async (identity, dispatchId, key) => {
      const {
        runId,
        class: runnerClass,
        owner,
        repo,
      } = await admitDispatchedJob(dispatches, identity, dispatchId, key);
      const run = await runs.find(runId);
      if (!run) throw new MaestroError('JOB_REFUSED', `run ${runId} does not belong to a repository`);
      return { run: runId, class: runnerClass, checkout: { owner, repo, sha: run.headSha } };
    },
    start: openJobStarter({ access: github.access, starter, dispatches, newId }),
  };
}

function addressBehindProxy(request: Request, socketAddress: string): string {
  return forwardedAddress(request.headers.get('x-forwarded-for'), socketAddress);
}

async function troublesOf(db: Database): Promise<readonly string[]> {
  try {
    await db.query('ready', 'select 1', []);
    return [];
  } catch {
    return ['the database does not answer'];
  }
}

function newId(): string {
  return ulid(SYSTEM_CLOCK.now(), randomBytes(ULID_BYTES));
}
