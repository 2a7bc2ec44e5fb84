import type { ProtectionRequest } from '../../protocol/protection.ts';
import type { Delivery, DeliveryHandler } from '../delivery-handler.ts';
import { cancelRuns } from '../intake/code-handlers.ts';
import { numberAt } from '../intake/payload.ts';
import type { GitHubAccess } from '../octokit.ts';
import { type DecisionTools, decideDeployment } from './decide-deployment.ts';
import { deploymentAsks } from './deployment-ask.ts';

export interface ProtectionHandlersOptions extends DecisionTools {
  readonly access: GitHubAccess;
}

/**
 * Handlers of the webhooks about jobs that wait before an environment which the App protects. Jobs that wait no more need no
 * decision.
 */
export function protectionHandlers(options: ProtectionHandlersOptions): Readonly<Record<string, DeliveryHandler>> {
  return {
    'deployment_protection_rule.requested': async (delivery) => {
      const asked = await deploymentAsks(options.access, delivery);
      if (asked.asks === null) return asked.note;
      const notes: string[] = [];
      for (const ask of asked.asks) notes.push(await decideDeployment(options, ask));
      return notes.join('; ') || 'nothing to do: it waits for no environment';
    },
    'workflow_run.completed': (delivery) => ended(options, delivery),
  };
}

async function ended(options: ProtectionHandlersOptions, { payload }: Delivery): Promise<string> {
  const repositoryId = numberAt(payload, 'repository.id');
  const workflowRunId = numberAt(payload, 'workflow_run.id');
  if (repositoryId === undefined || workflowRunId === undefined) return 'ignored: names no workflow run';
  const attempt = numberAt(payload, 'workflow_run.run_attempt') ?? 1;
  const open = await options.rules.openOf(repositoryId, workflowRunId);
  // Word of an attempt may come when the next one waits already.
  const over = open.filter((one) => one.attempt <= attempt);
  return (await giveUp(options, over)) || 'no deployment of it waited for the App';
}

/** Ends decisions that nobody waits for. Answers a line for the record. */
export async function giveUp(
  { engine, runs }: Pick<DecisionTools, 'engine' | 'runs'>,
  requests: readonly ProtectionRequest[],
): Promise<string> {
  const rows = await Promise.all(requests.map(({ runId }) => runs.find(runId)));
  return cancelRuns(
    { engine },
    rows.filter((row) => row !== undefined),
    'the workflow run is over: nobody waits for this',
  );
}
