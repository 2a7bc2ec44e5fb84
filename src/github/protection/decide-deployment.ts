import type { Engine } from '../../engine/engine.ts';
import type { CheckBoard } from '../../protocol/check.ts';
import type { GitHubRuns } from '../../protocol/github-run.ts';
import type { ProtectionRules } from '../../protocol/protection.ts';
import { cancelRuns } from '../intake/code-handlers.ts';
import { queuedCheck } from '../matching/notices.ts';
import type { Compile } from '../matching/read-pipelines.ts';
import { plainLine } from '../report/safe-text.ts';
import { repositoryNamespace } from '../repository-namespace.ts';
import type { PolicyKeeper } from '../starter.ts';
import type { DeploymentAsk } from './deployment-ask.ts';
import { refOfDecision } from './deployment-decision.ts';
import { DEPLOYMENT_PIPELINE, deploymentPlan } from './deployment-pipeline.ts';
import { DEPLOYMENT_TRIGGER, deploymentTrigger } from './deployment-trigger.ts';

const NAME_CHARS_MAX = 150;

export interface DecisionTools {
  readonly engine: Pick<Engine, 'startRun' | 'readRun' | 'resolve' | 'cancelRun'>;
  readonly runs: Pick<GitHubRuns, 'find' | 'add'>;
  readonly rules: ProtectionRules;
  readonly board: Pick<CheckBoard, 'put'>;
  readonly compile: Compile;
  readonly policies: PolicyKeeper;
}

/**
 * Starts the run that decides whether a job may deploy, once however often it is asked: with a check, answers, an end and a
 * receipt like any other. What decided for an earlier attempt is cancelled. Answers a line for the record.
 */
export async function decideDeployment(tools: DecisionTools, ask: DeploymentAsk): Promise<string> {
  const { engine, rules, policies } = tools;
  const { repository, workflowRunId, attempt, environment, deploymentId } = ask;
  const { installationId, id: repositoryId } = repository;
  await policies.bringPolicy(repository);
  const { run } = await engine.startRun({
    plan: deploymentPlan(tools.compile, environment, messageOf(ask)),
    trigger: deploymentTrigger(ask),
    idempotencyKey: `deployment/${repositoryId}/${workflowRunId}/${attempt}/${deploymentId ?? 0}/${environment}`,
    isDedicated: true,
    namespace: repositoryNamespace(installationId, repositoryId),
  });
  const { id: runId } = await engine.readRun(run);
  await rules.add({ runId, repositoryId, workflowRunId, attempt, environment });
  await belong(tools, ask, runId);
  return `${environment} is decided by ${runId}${await cancelEarlier(tools, ask)}`;
}

function messageOf({ repository, sha, environment, workflowRunId }: DeploymentAsk): string {
  return `Workflow run ${workflowRunId} of ${repository.owner}/${repository.name} deploys ${sha.slice(0, 12)} to ${environment}`;
}

/** Its row is written last: where it is there, everything was done. */
async function belong({ runs, board }: DecisionTools, ask: DeploymentAsk, runId: string): Promise<void> {
  if (await runs.find(runId)) return;
  const { repository, sha: headSha, pullNumber, environment, workflowRunId, attempt } = ask;
  const { installationId, id: repositoryId, owner, name: repo, defaultBranch } = repository;
  const checkName = plainLine(`maestro / ${DEPLOYMENT_PIPELINE.name} to ${environment}`, NAME_CHARS_MAX);
  const target = { installationId, repositoryId, owner, repo, headSha, pullNumber };
  await board.put(target, queuedCheck(runId, checkName));
  await runs.add({
    ...target,
    runId,
    ref: refOfDecision(environment),
    defaultBranch,
    baseRef: null,
    isFork: ask.isFork,
    pipelinePath: DEPLOYMENT_PIPELINE.path,
    checkName,
    occasion: `${DEPLOYMENT_TRIGGER}/${workflowRunId}/${attempt}/${environment}`,
    survivesClosing: true,
  });
}

/** Nobody is to be asked about a job that is gone. */
async function cancelEarlier(
  { engine, runs, rules }: DecisionTools,
  { repository, workflowRunId, attempt, environment }: DeploymentAsk,
): Promise<string> {
  const open = await rules.openOf(repository.id, workflowRunId);
  const earlier = open.filter((one) => one.environment === environment && one.attempt < attempt);
  const rows = await Promise.all(earlier.map(({ runId }) => runs.find(runId)));
  const note = await cancelRuns(
    { engine },
    rows.filter((row) => row !== undefined),
    `attempt ${attempt} of the workflow run asks anew`,
  );
  return note === '' ? '' : `; ${note}`;
}
