import type { JsonObject } from '../../base/json.ts';
import type { GitHubRuns } from '../../protocol/github-run.ts';
import type { DeliveryHandler } from '../delivery-handler.ts';
import { numberAt, textAt } from '../intake/payload.ts';

/** Where each of these webhooks names the commit that it is about. */
const COMMITS = {
  'check_run.completed': 'check_run.head_sha',
  'check_suite.completed': 'check_suite.head_sha',
  status: 'sha',
  'deployment_status.created': 'deployment.sha',
  'workflow_run.completed': 'workflow_run.head_sha',
} as const;

export interface GateNewsOptions {
  readonly appId: number;
  readonly runs: Pick<GitHubRuns, 'ofCommit'>;
  /** Hears that facts may have changed which gates of these runs wait for; of most of them none does. */
  readonly revisitGates: (runIds: readonly string[]) => Promise<void>;
}

/** Handlers of the webhooks that a promotion may wait for: a check is green, the commit is deployed somewhere. */
export function gateNewsHandlers({
  appId,
  runs,
  revisitGates,
}: GateNewsOptions): Readonly<Record<string, DeliveryHandler>> {
  const handle = (path: string): DeliveryHandler => {
    return async ({ payload }) => {
      if (isOwnStep(payload, appId)) return 'ignored: a step of ours waits, or has ended';
      const [repositoryId, sha] = [numberAt(payload, 'repository.id'), textAt(payload, path)];
      if (repositoryId === undefined || sha === undefined) return 'ignored: names no commit';
      const runIds = (await runs.ofCommit(repositoryId, sha)).map(({ runId }) => runId);
      if (runIds.length === 0) return 'no run of the commit';
      await revisitGates(runIds);
      return `gates of ${runIds.length} runs look again`;
    };
  };
  return Object.fromEntries(Object.entries(COMMITS).map(([name, path]) => [name, handle(path)]));
}

/** A gate that looks again tells what it sees on its own check: that must not have it look again. */
function isOwnStep(payload: JsonObject, appId: number): boolean {
  if (numberAt(payload, 'deployment.performed_via_github_app.id') === appId) return true;
  return (
    numberAt(payload, 'check_run.app.id') === appId && textAt(payload, 'check_run.external_id')?.includes('/') === true
  );
}
