import type { Deployment, Repository, WorkflowJob, WorkflowRun } from './model.ts';

/** What one app said about one deployment of a job. */
export interface Gate {
  readonly deployment: number;
  readonly app: string;
  readonly state: 'waiting' | 'approved' | 'rejected' | 'unanswered';
  readonly words: readonly { readonly comment: string; readonly at: string }[];
}

/** The answers of protection rules. GitHub shows them on a run's page and tells no caller. */
export function gatesOf(repository: Repository): readonly Gate[] {
  return [...repository.workflowRuns.values()].flatMap((run) =>
    run.jobs.flatMap((job) =>
      job.deployment === null ? [] : gatesBefore(repository, run, { ...job, deployment: job.deployment }),
    ),
  );
}

function gatesBefore(
  { environments }: Repository,
  run: WorkflowRun,
  { attempt, status, deployment }: Pick<WorkflowJob, 'attempt' | 'status'> & { readonly deployment: Deployment },
): readonly Gate[] {
  const apps = environments.get(deployment.environment)?.protectionApps ?? [];
  return [...apps].map(({ slug, name }) => {
    const said = run.reviews.filter(
      (review) => review.app === slug && review.environment === deployment.environment && review.attempt === attempt,
    );
    const answer = said.findLast(({ state }) => state !== null)?.state ?? null;
    const open = status === 'waiting' ? ('waiting' as const) : ('unanswered' as const);
    return {
      deployment: deployment.id,
      app: name,
      state: answer === null ? open : answer === 'approved' ? 'approved' : 'rejected',
      words: said.filter(({ comment }) => comment !== '').map(({ comment, createdAt: at }) => ({ comment, at })),
    };
  });
}
