import type { Json } from '../base/json.ts';
import type { Dispatches } from '../protocol/dispatch.ts';
import type { Delivery, DeliveryHandler } from './delivery-handler.ts';
import { workflowStatus } from './dispatch.ts';

const RUN_NAME = /^maestro ([0-9a-hjkmnp-tv-z]{26})$/;

export interface JobHandlersOptions {
  readonly dispatches: Pick<Dispatches, 'observe' | 'matched'>;
  /** The dispatcher looks at once. */
  readonly wake: () => void;
}

/**
 * What GitHub says of jobs, by event name. Most of it is about other people's workflows: one look at an index says so.
 * Deliveries may come twice and in any order.
 */
export function openJobHandlers(
  options: JobHandlersOptions,
): Readonly<Record<'workflow_job' | 'workflow_run', DeliveryHandler>> {
  return {
    workflow_job: (delivery) => observe(options, delivery, delivery.payload.workflow_job, 'run_id'),
    workflow_run: async (delivery) => {
      const run = delivery.payload.workflow_run;
      await match(options, delivery, run);
      return observe(options, delivery, run, 'id');
    },
  };
}

/** Where GitHub did not say which workflow run a dispatch became, the name of the run does. */
async function match({ dispatches }: JobHandlersOptions, delivery: Delivery, run: Json | undefined): Promise<void> {
  const [, dispatchId] = RUN_NAME.exec(text(field(run, 'display_title'))) ?? [];
  const workflowRunId = field(run, 'id');
  const repositoryId = field(delivery.payload.repository, 'id');
  if (dispatchId === undefined || field(run, 'event') !== 'workflow_dispatch') return;
  if (typeof workflowRunId !== 'number' || typeof repositoryId !== 'number') return;
  await dispatches.matched(dispatchId, repositoryId, workflowRunId);
}

async function observe(
  { dispatches, wake }: JobHandlersOptions,
  delivery: Delivery,
  subject: Json | undefined,
  idField: 'run_id' | 'id',
): Promise<string> {
  const workflowRunId = field(subject, idField);
  const repositoryId = field(delivery.payload.repository, 'id');
  if (typeof workflowRunId !== 'number' || typeof repositoryId !== 'number') return 'ignored: names no workflow run';
  const attempt = field(subject, 'run_attempt');
  const status = workflowStatus(text(field(subject, 'status')));
  const changed = await dispatches.observe({
    repositoryId,
    workflowRunId,
    runAttempt: typeof attempt === 'number' ? attempt : 1,
    status,
    conclusion: text(field(subject, 'conclusion')) || null,
    isWholeRun: idField === 'id',
  });
  if (!changed) return 'ignored: not a job of ours, or old news';
  wake();
  return `dispatch ${changed.dispatchId} of run ${changed.runId} is ${changed.status}`;
}

function field(value: Json | undefined, name: string): Json | undefined {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
    ? (value as Record<string, Json>)[name]
    : undefined;
}

function text(value: Json | undefined): string {
  return typeof value === 'string' ? value : '';
}
