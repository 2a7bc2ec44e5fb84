import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { ApiError, invalid } from '../api-error.ts';
import type { Account, App, Repository, Workflow, WorkflowJob, WorkflowRun } from '../model.ts';
import { fullName } from '../names.ts';
import { suiteOf } from '../refs.ts';
import type { JobRequest, JobResult } from '../runner/job.ts';
import { runJob, runNameOf } from '../runner/run-job.ts';
import type { Fields } from '../shape.ts';
import { deploymentView } from '../view/deployment.ts';
import { repositoryUrl } from '../view/repository.ts';
import { jobView, runView, workflowView } from '../view/run.ts';
import type { World } from '../world.ts';
import { claimsOf } from './claims.ts';
import { noteDeployment, openDeployment } from './job-deployment.ts';
import { issueJobToken, jobFacts } from './job-request.ts';
import { checkOf, newJob } from './new-job.ts';
import type { OidcIssuer } from './oidc.ts';

/** Machines of one kind. A job goes to one that has all of its labels. */
export interface RunnerGroup {
  readonly labels: readonly string[];
  readonly count: number;
  /** Runs a job in another way than the sandbox's own runner. The signal fires when it is cancelled, or its machine dies. */
  readonly run?: (request: JobRequest, signal: AbortSignal) => Promise<JobResult>;
}

export interface ActionsOptions {
  readonly world: World;
  readonly oidc: OidcIssuer;
  /** GitHub's own app, in whose name jobs act. */
  readonly app: App;
  readonly runners: readonly RunnerGroup[];
  readonly actionSources: Readonly<Record<string, string>>;
  readonly workFolder: string;
  readonly hostEnvironment: Readonly<Record<string, string | undefined>>;
}

export interface NewRun {
  readonly repository: Repository;
  readonly workflow: Workflow;
  readonly event: string;
  readonly payload: Fields;
  readonly inputs: Readonly<Record<string, string>>;
  readonly ref: string;
  readonly headSha: string;
  readonly actor: Account;
}

interface Queued {
  readonly repository: Repository;
  readonly run: WorkflowRun;
  readonly job: WorkflowJob;
}

/**
 * GitHub Actions: `queued → in_progress → completed`, or `waiting` first where the job's environment is protected.
 * A job whose labels no runner has stays queued.
 */
export class Actions {
  private readonly options: ActionsOptions;
  private readonly queue: Queued[] = [];
  private readonly busy = new Map<
    number,
    { readonly entry: Queued; readonly group: RunnerGroup; readonly done: Promise<void> }
  >();
  private readonly idTokens = new Map<string, Queued>();
  private runners: readonly RunnerGroup[];
  private isClosed = false;

  constructor(options: ActionsOptions) {
    this.options = options;
    this.runners = options.runners;
  }

  /** Brings a workflow into motion. */
  async start(wanted: NewRun): Promise<WorkflowRun> {
    const { world, app } = this.options;
    const { repository, workflow, headSha, ref, inputs } = wanted;
    const before = [...repository.workflowRuns.values()].filter((other) => other.workflow.id === workflow.id).length;
    const run: WorkflowRun = {
      ...wanted,
      id: world.nextId(),
      number: before + 1,
      suite: suiteOf(world, repository, app, headSha, ref.replace('refs/heads/', '')),
      title: runNameOf(workflow.text, inputs),
      createdAt: world.now(),
      updatedAt: world.now(),
      jobs: [],
      reviews: [],
      attempt: 1,
      attemptStartedAt: world.now(),
      status: 'queued',
      conclusion: null,
    };
    repository.workflowRuns.set(run.id, run);
    await this.emitRun(repository, run, 'requested');
    await this.addJob(repository, run);
    return run;
  }

  async rerun(repository: Repository, run: WorkflowRun): Promise<void> {
    if (run.status !== 'completed') throw new ApiError(403, 'This workflow is already running');
    run.attempt += 1;
    run.attemptStartedAt = this.options.world.now();
    run.status = 'queued';
    run.conclusion = null;
    await this.emitRun(repository, run, 'requested');
    await this.addJob(repository, run);
  }

  async cancel(repository: Repository, run: WorkflowRun): Promise<void> {
    if (run.status === 'completed') throw new ApiError(409, 'Cannot cancel a workflow run that is completed.');
    const job = run.jobs.at(-1);
    if (job === undefined) return;
    job.stop.abort();
    if (this.busy.has(job.id)) return; // its runner ends it
    const at = this.queue.findIndex((entry) => entry.job.id === job.id);
    if (at >= 0) this.queue.splice(at, 1);
    await this.finish({ repository, run, job }, { conclusion: 'cancelled', steps: [], summary: '', annotations: [] });
  }

  /** What a protection rule's app answers; the job goes on when every app approved. */
  async review(
    repository: Repository,
    run: WorkflowRun,
    app: App,
    answer: { readonly environment: string; readonly state: string | null; readonly comment: string },
  ): Promise<void> {
    const job = run.jobs.at(-1);
    if (job === undefined || job.status !== 'waiting' || job.environment !== answer.environment) {
      throw invalid(`No pending custom deployment requests to approve or reject`);
    }
    const { world } = this.options;
    run.reviews.push({ app: app.slug, ...answer, attempt: run.attempt, createdAt: world.now() });
    world.changed(fullName(repository));
    if (answer.state === null) return;
    if (answer.state === 'rejected') {
      await this.finish({ repository, run, job }, { conclusion: 'failure', steps: [], summary: '', annotations: [] });
      return;
    }
    const needed = [...(repository.environments.get(answer.environment)?.protectionApps ?? [])];
    const isApproved = needed.every(({ slug }) =>
      run.reviews.some(
        (review) =>
          review.app === slug &&
          review.state === 'approved' &&
          review.environment === answer.environment &&
          review.attempt === run.attempt,
      ),
    );
    if (isApproved) await this.enqueue({ repository, run, job });
  }

  /** The machine dies: its processes are gone and nothing is said any more. GitHub fails the job. */
  async killRunner(jobId: number): Promise<void> {
    const busy = this.busy.get(jobId);
    if (busy === undefined) throw new Error(`no runner runs job ${jobId}`);
    busy.entry.job.log.push('##[error]The self-hosted runner lost communication with the server.');
    busy.entry.job.death.abort();
    await busy.done;
  }

  setRunners(runners: readonly RunnerGroup[]): void {
    this.runners = runners;
    this.assign();
  }

  /** Resolves when no job runs. Jobs that nobody can run stay queued and are not waited for. */
  async settled(): Promise<void> {
    while (this.busy.size > 0) await Promise.all([...this.busy.values()].map(({ done }) => done));
  }

  async close(): Promise<void> {
    this.isClosed = true;
    for (const id of this.busy.keys()) await this.killRunner(id);
  }

  /** A token that proves to somebody else what the job is. */
  async idToken(bearer: string, jobId: number, audience: string | null): Promise<string> {
    const entry = this.idTokens.get(bearer);
    if (entry === undefined || entry.job.id !== jobId || entry.job.status !== 'in_progress')
      throw new ApiError(401, 'Bad credentials');
    const { repository, run, job } = entry;
    const aud = audience ?? `${this.options.world.origin}/${repository.owner.login}`;
    return await this.options.oidc.sign(aud, claimsOf(repository, run, job));
  }

  private async addJob(repository: Repository, run: WorkflowRun): Promise<void> {
    const { world } = this.options;
    const job = newJob(world, run);
    run.jobs.push(job);
    repository.checkRuns.set(job.id, checkOf(run, job));
    const entry = { repository, run, job };
    openDeployment(world, this.options.app, repository, run, job);
    const protectors =
      job.environment === null ? undefined : repository.environments.get(job.environment)?.protectionApps;
    if (protectors === undefined || protectors.size === 0) await this.enqueue(entry);
    else await this.askProtectors(entry, protectors);
  }

  private async askProtectors({ repository, run, job }: Queued, protectors: ReadonlySet<App>): Promise<void> {
    const { world } = this.options;
    job.status = 'waiting';
    run.status = 'waiting';
    this.emitJob(repository, run, job, 'waiting');
    for (const only of protectors) {
      const payload = {
        environment: job.environment ?? '',
        event: run.event,
        deployment: job.deployment === null ? null : deploymentView(world, repository, job.deployment),
        deployment_callback_url: `${repositoryUrl(world, repository)}/actions/runs/${run.id}/deployment_protection_rule`,
        pull_requests: [],
      };
      world.emit({
        event: 'deployment_protection_rule',
        action: 'requested',
        repository,
        sender: run.actor,
        payload,
        only,
      });
    }
  }

  private async enqueue(entry: Queued): Promise<void> {
    entry.job.status = 'queued';
    entry.run.status = 'queued';
    this.emitJob(entry.repository, entry.run, entry.job, 'queued');
    this.queue.push(entry);
    this.assign();
  }

  /** Gives waiting jobs to free runners, oldest first. */
  private assign(): void {
    if (this.isClosed) return;
    for (const entry of this.queue.slice()) {
      const group = this.runners.find((candidate) => this.isFree(candidate) && serves(candidate, entry.job));
      if (group === undefined) continue;
      this.queue.splice(this.queue.indexOf(entry), 1);
      const done = this.execute(entry, group).finally(() => {
        this.busy.delete(entry.job.id);
        this.assign();
      });
      this.busy.set(entry.job.id, { entry, group, done });
    }
  }

  private isFree(group: RunnerGroup): boolean {
    return [...this.busy.values()].filter((busy) => busy.group === group).length < group.count;
  }

  private async execute(entry: Queued, group: RunnerGroup): Promise<void> {
    const { world } = this.options;
    const { repository, run, job } = entry;
    await Promise.resolve(); // the caller first notes that this runner is taken
    job.status = 'in_progress';
    job.startedAt = world.now();
    job.runnerName = `sandbox-runner-${job.id}`;
    run.status = 'in_progress';
    this.emitJob(repository, run, job, 'in_progress');
    await this.emitRun(repository, run, 'in_progress');
    const result = await this.runOn(entry, group);
    await this.finish(entry, job.death.signal.aborted ? { ...result, conclusion: 'failure' } : result);
  }

  private async runOn(entry: Queued, group: RunnerGroup): Promise<JobResult> {
    const { world, app, actionSources, hostEnvironment } = this.options;
    const { repository, run, job } = entry;
    const requestToken = randomBytes(24).toString('hex');
    this.idTokens.set(requestToken, entry);
    const token = issueJobToken(world, app, repository, run);
    try {
      const request = {
        ...jobFacts(world, repository, run, job),
        token,
        idToken: {
          requestUrl: `${world.origin}/_services/token/jobs/${job.id}/idtoken?api-version=2.0`,
          requestToken,
        },
        actionSources,
        workFolder: join(this.options.workFolder, String(job.id)),
        onLog: (line: string) => {
          job.log.push(line);
        },
        onStep: (name: string, status: string) => {
          this.noteStep(entry, name, status);
        },
      };
      if (group.run) return await group.run(request, AbortSignal.any([job.stop.signal, job.death.signal]));
      return await runJob(request, job.stop.signal, { hostEnvironment, death: job.death.signal });
    } finally {
      this.idTokens.delete(requestToken);
      world.credentials.delete(token);
    }
  }

  private noteStep({ repository, job }: Queued, name: string, status: string): void {
    const isRunning = status === 'in_progress';
    const known = job.steps.findLast((step) => step.name === name && step.status !== 'completed');
    const step = known ?? { name, status: 'in_progress', conclusion: null };
    if (known === undefined) job.steps.push(step);
    step.status = isRunning ? 'in_progress' : 'completed';
    step.conclusion = isRunning ? null : status;
    this.options.world.changed(fullName(repository));
  }

  private async finish({ repository, run, job }: Queued, { conclusion, summary }: JobResult): Promise<void> {
    const { world } = this.options;
    job.status = 'completed';
    job.conclusion = conclusion;
    job.completedAt = world.now();
    job.startedAt ??= job.completedAt;
    job.summary = summary;
    for (const step of job.steps) {
      if (step.status !== 'completed') Object.assign(step, { status: 'completed', conclusion: 'cancelled' });
    }
    run.status = 'completed';
    run.conclusion = conclusion;
    run.updatedAt = world.now();
    const check = repository.checkRuns.get(job.id);
    if (check !== undefined)
      Object.assign(check, { status: 'completed', conclusion, completedAt: job.completedAt, summary });
    if (this.isClosed) return;
    this.emitJob(repository, run, job, 'completed');
    await this.emitRun(repository, run, 'completed');
  }

  private async emitRun(repository: Repository, run: WorkflowRun, action: string): Promise<void> {
    const { world } = this.options;
    run.updatedAt = world.now();
    const payload = {
      workflow: workflowView(world, repository, run.workflow),
      workflow_run: await runView(world, repository, run),
    };
    world.emit({ event: 'workflow_run', action, repository, sender: run.actor, payload });
  }

  private emitJob(repository: Repository, run: WorkflowRun, job: WorkflowJob, action: string): void {
    const { world } = this.options;
    const payload = { workflow_job: jobView(world, repository, run, job) };
    world.emit({ event: 'workflow_job', action, repository, sender: run.actor, payload });
    const check = repository.checkRuns.get(job.id);
    if (check !== undefined && job.status !== 'completed') check.status = job.status;
    noteDeployment(world, repository, run, job);
  }
}

/** Hosted machines are not for the sandbox: a job runs where all of its labels are, in any order and case. */
function serves({ labels }: RunnerGroup, job: WorkflowJob): boolean {
  const own = new Set(labels.map((label) => label.toLowerCase()));
  return job.labels.every((label) => own.has(label.toLowerCase()));
}
