import { createRequire } from 'node:module';
import type { JsonObject } from '../../../src/base/json.ts';
import type { SceneRepository } from './scene.ts';

/** A repository that webhooks are made for. */
export interface Target extends SceneRepository {
  readonly installationId: number;
}

/** `examples`: those that GitHub publishes, as they are. `adapted`: of repositories that exist. `mix`: what a busy App gets. */
export interface Load {
  readonly url: string;
  readonly secret: string;
  readonly kind: 'examples' | 'adapted' | 'mix' | 'pushes';
  /** Names this load: a load of the same name has the same delivery ids. */
  readonly name: string;
  readonly perSecond: number;
  /** How many; the examples are as many as they are. */
  readonly count: number;
  readonly targets: readonly Target[];
  /** Commits of each target that earlier loads have used. */
  readonly used: number;
}

export interface SentDelivery {
  readonly guid: string;
  readonly event: string;
  /** Milliseconds since 1970. */
  readonly atMs: number;
  /** Of a push that starts a run. */
  readonly starts?: { readonly repositoryId: number; readonly sha: string };
}

export interface PlannedDelivery {
  readonly atMs: number;
  readonly guid: string;
  readonly event: string;
  /** Made when it is sent: it says when things happened, and old word of a commit starts nothing. */
  readonly body: () => string;
  readonly marks: Pick<SentDelivery, 'starts'>;
}

type Example = { readonly name: string; readonly examples: readonly JsonObject[] };
const EXAMPLES = createRequire(import.meta.url)('@octokit/webhooks-examples') as readonly Example[];
const SHA = /"[0-9a-f]{40}"/g;

/**
 * Twenty deliveries as an App of this kind sees them: a push and the pull request of the same commit, a push that starts
 * nothing, a comment that asks for nothing, and what GitHub says about jobs and checks meanwhile. Every second push starts
 * a run: what the sandbox itself delivers about such a run comes on top.
 */
const MIX = [
  'push',
  'workflow_job',
  'check_run',
  'pull_request',
  'workflow_run',
  'check_suite',
  'workflow_job',
  'check_run',
  'workflow_job',
  'other push',
  'check_run',
  'workflow_run',
  'workflow_job',
  'check_suite',
  'check_run',
  'workflow_job',
  'issue_comment',
  'workflow_run',
  'check_suite',
  'check_run',
] as const;

export function planOf(load: Load): readonly PlannedDelivery[] {
  if (load.kind === 'examples' || load.kind === 'adapted') return examplesOf(load);
  return Array.from({ length: load.count }, (_, n) => oneOf(load, n));
}

function examplesOf(load: Load): readonly PlannedDelivery[] {
  const all = EXAMPLES.flatMap(({ name, examples }) => examples.map((payload) => ({ name, payload })));
  return all.map(({ name, payload }, n) => ({
    ...placeOf(load, n),
    event: name,
    // All of one installation: what suspends it is followed by what ends that.
    body: () =>
      load.kind === 'examples'
        ? JSON.stringify(payload)
        : adapted(payload, targetOf(load, name === 'installation' ? 0 : n)),
    marks: {},
  }));
}

/** A mix ends with whole runs: pushes are spread over the repositories in turn, each with a commit that is new. */
function oneOf(load: Load, n: number): PlannedDelivery {
  const word = load.kind === 'pushes' ? 'push' : (MIX[n % MIX.length] ?? 'push');
  const turn = Math.floor(n / MIX.length);
  const kind = word === 'push' && turn % 2 === 1 && load.kind === 'mix' ? 'other push' : word;
  const round = load.kind === 'pushes' ? n : Math.floor(turn / 2);
  const target = targetOf(load, round);
  const place = placeOf(load, n);
  const at = load.used + Math.floor(round / load.targets.length);
  const sha = target.shas[at];
  const before = target.shas[at - 1] ?? sha;
  if (sha === undefined || before === undefined) throw new Error(`${target.owner} has no commit ${at}: make more`);
  if (kind === 'push') {
    const body = (): string => pushOf(target, { ref: 'refs/heads/feature/change', before, after: sha });
    return { ...place, event: 'push', body, marks: { starts: { repositoryId: target.id, sha } } };
  }
  if (kind === 'other push') {
    const body = (): string => pushOf(target, { ref: `refs/heads/wip/${n}`, before, after: sha });
    return { ...place, event: 'push', body, marks: {} };
  }
  const body = (): string => (kind === 'pull_request' ? pullOf(target, sha) : noiseOf(kind, target, n));
  return { ...place, event: kind, body, marks: {} };
}

function placeOf({ name, perSecond }: Load, n: number): Pick<PlannedDelivery, 'atMs' | 'guid'> {
  return { atMs: (n * 1000) / perSecond, guid: `${name}-${n}` };
}

function targetOf({ targets }: Load, n: number): Target {
  const target = targets[n % targets.length];
  if (target === undefined) throw new Error('expected a repository');
  return target;
}

function pushOf(
  target: Target,
  change: { readonly ref: string; readonly before: string; readonly after: string },
): string {
  const { payload } = exampleOf('push', (one) => one['head_commit'] !== null);
  const head = { ...(payload['head_commit'] as JsonObject), id: change.after, message: 'a change' };
  const { repository, ...rest } = placed(payload, target) as Record<string, JsonObject>;
  const pushed = { ...repository, pushed_at: Math.floor(Date.now() / 1000) };
  const facts = { created: false, deleted: false, head_commit: head, repository: pushed };
  return JSON.stringify({ ...rest, ...change, ...facts });
}

function pullOf(target: Target, sha: string): string {
  const { payload } = exampleOf('pull_request', (one) => one['action'] === 'synchronize');
  const { pull_request: pull, ...rest } = placed(payload, target) as Record<string, JsonObject>;
  const repo = { id: target.id };
  const [base, head] = [
    { ...(pull?.['base'] as JsonObject), repo, sha: target.shas[0] as string, ref: 'main' },
    { ...(pull?.['head'] as JsonObject), repo, sha, ref: 'feature/change' },
  ];
  const facts = { number: target.pull, base, head, updated_at: new Date().toISOString() };
  return JSON.stringify({ ...rest, number: target.pull, pull_request: { ...pull, ...facts } });
}

/** Of jobs, checks and comments that are none of ours; workflow runs of their own, so that each is in a lane of its own. */
function noiseOf(event: string, target: Target, n: number): string {
  const { payload } = exampleOf(
    event,
    (one) => one['action'] !== 'rerequested' && one['action'] !== 'requested_action',
  );
  const text = JSON.stringify(placed(payload, target));
  return text.replaceAll(/"run_id":\d+/g, `"run_id":${9e9 + n}`);
}

/** Every commit becomes one that exists, and every pull request the one that is open. */
function adapted(payload: JsonObject, target: Target): string {
  const text = JSON.stringify(placed(payload, target));
  return text.replaceAll(SHA, `"${target.shas[0]}"`).replaceAll(/"number":\d+/g, `"number":${target.pull}`);
}

function placed(payload: JsonObject, { id, owner, name, installationId }: Target): JsonObject {
  const repository = payload['repository'] as JsonObject | undefined;
  if (repository === undefined) return { ...payload, installation: { id: installationId } };
  const login = { ...(repository['owner'] as JsonObject), login: owner, name: owner };
  const here = { ...repository, id, name, full_name: `${owner}/${name}`, owner: login, default_branch: 'main' };
  return { ...payload, repository: here, installation: { id: installationId } };
}

function exampleOf(event: string, isRight: (payload: JsonObject) => boolean): { readonly payload: JsonObject } {
  const payload = EXAMPLES.find(({ name }) => name === event)?.examples.find(isRight);
  if (payload === undefined) throw new Error(`there is no example of ${event}`);
  return { payload };
}
