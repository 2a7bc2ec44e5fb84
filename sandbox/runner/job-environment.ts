import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { JsonObject } from '../../src/base/json.ts';
import { allowedEnvironment } from '../../src/worker/environment.ts';
import type { JobRequest } from './job.ts';
import { objectIn, textOf } from './json-text.ts';
import type { WorkflowFile } from './workflow-file.ts';

/** The folders of one job, laid out as on a real runner. */
export interface JobPlaces {
  readonly workspace: string;
  readonly runnerWorkspace: string;
  readonly temporary: string;
  readonly toolCache: string;
  readonly commandFiles: string;
  readonly eventPath: string;
}

const ARCHITECTURES: Readonly<Record<string, string>> = { x64: 'X64', arm64: 'ARM64', ia32: 'X86', arm: 'ARM' };
const SYSTEMS: Readonly<Record<string, string>> = { linux: 'Linux', darwin: 'macOS', win32: 'Windows' };

export function makePlaces({ workFolder, repository, event }: JobRequest): JobPlaces {
  const runnerWorkspace = join(workFolder, repository.name);
  const temporary = join(workFolder, '_temp');
  const places: JobPlaces = {
    runnerWorkspace,
    workspace: join(runnerWorkspace, repository.name),
    temporary,
    toolCache: join(workFolder, '_tool'),
    commandFiles: join(temporary, '_runner_file_commands'),
    eventPath: join(temporary, '_github_workflow', 'event.json'),
  };
  const folders = [places.workspace, places.toolCache, places.commandFiles, join(temporary, '_github_workflow')];
  for (const folder of folders) mkdirSync(folder, { recursive: true });
  writeFileSync(places.eventPath, JSON.stringify(event));
  return places;
}

/** The `runner` context. */
export function runnerContext(places: JobPlaces): JsonObject {
  return {
    os: SYSTEMS[process.platform] ?? process.platform,
    arch: ARCHITECTURES[process.arch] ?? process.arch,
    name: 'sandbox-runner',
    environment: 'self-hosted',
    temp: places.temporary,
    tool_cache: places.toolCache,
    workspace: places.runnerWorkspace,
  };
}

/** The `github` context, without what changes from step to step. */
export function githubContext(request: JobRequest, workflow: WorkflowFile, places: JobPlaces): JsonObject {
  const { repository, ref, sha, serverUrl, apiUrl, event } = request;
  const fullName = `${repository.owner}/${repository.name}`;
  return {
    actor: request.actor,
    actor_id: textOf(objectIn(event.sender).id),
    api_url: apiUrl,
    base_ref: '',
    event,
    event_name: request.eventName,
    event_path: places.eventPath,
    graphql_url: apiUrl.replace(/\/v3$/, '/graphql'),
    head_ref: '',
    job: workflow.jobId,
    ref,
    ref_name: ref.replace(/^refs\/(heads|tags)\//, ''),
    ref_protected: false,
    ref_type: ref.startsWith('refs/tags/') ? 'tag' : 'branch',
    repository: fullName,
    repository_id: String(repository.id),
    repository_owner: repository.owner,
    repository_owner_id: String(repository.ownerId),
    repositoryUrl: `git://${new URL(serverUrl).host}/${fullName}.git`,
    retention_days: '90',
    run_attempt: String(request.runAttempt),
    run_id: String(request.runId),
    run_number: String(request.runNumber),
    secret_source: 'Actions',
    server_url: serverUrl,
    sha,
    token: request.token,
    triggering_actor: request.actor,
    workflow: workflow.name,
    workflow_ref: `${fullName}/${request.workflowPath}@${ref}`,
    workflow_sha: sha,
    workspace: places.workspace,
  };
}

/** Members of the `github` context that are no variable: the token reaches an action only where an input asks for it. */
const NOT_VARIABLES = new Set(['event', 'token', 'repositoryUrl', 'secret_source']);

/** What every process of the job sees; nothing of the host's own environment but the harmless names. */
export function jobVariables(
  host: Readonly<Record<string, string | undefined>>,
  github: JsonObject,
  runner: JsonObject,
): Readonly<Record<string, string>> {
  return {
    ...allowedEnvironment(host),
    CI: 'true',
    GITHUB_ACTIONS: 'true',
    ...asVariables('GITHUB', github, NOT_VARIABLES),
    ...asVariables('RUNNER', runner, new Set()),
  };
}

function asVariables(prefix: string, context: JsonObject, except: ReadonlySet<string>): Record<string, string> {
  const members = Object.entries(context).filter(([name]) => !except.has(name));
  return Object.fromEntries(members.map(([name, value]) => [`${prefix}_${name.toUpperCase()}`, textOf(value)]));
}
