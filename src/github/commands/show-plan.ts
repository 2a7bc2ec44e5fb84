import type { PlanPreview, StartRun } from '../../protocol/client.ts';
import { safeCell, safeText } from '../report/safe-text.ts';
import { answerTable } from './answer-table.ts';
import type { CommandContext } from './command-context.ts';
import { pullEvent } from './pull.ts';

const STEPS_MAX = 30;

/** `/maestro plan`: what would run on the newest commit, and what policy says to it. */
export async function showPlan({ tools, request, pull, person, deliveryId }: CommandContext): Promise<string> {
  const event = pullEvent(request.repository, pull, { actor: person.login, deliveryId });
  const intents = await tools.pipelines.intents(event);
  if (intents.length === 0) return 'The repository has no pipelines.';
  const answers = intents.map(async ({ pipeline, request: run, reason }) =>
    run === null
      ? `**${safeText(pipeline)}** would not start: ${safeText(reason ?? 'its triggers do not match')}`
      : `**${safeText(pipeline)}** would start.\n\n${previewTable(await tools.engine.preview(run), run)}`,
  );
  return (await Promise.all(answers)).join('\n\n');
}

function previewTable(preview: PlanPreview, { plan }: StartRun): string {
  const rows = preview.steps.slice(0, STEPS_MAX).map(({ step, decision }, at) => {
    const planned = plan.steps[at];
    return [
      safeCell(step),
      safeCell(planned?.needs.join(', ') ?? ''),
      safeCell(planned?.runner ?? ''),
      safeCell([decision.verdict, ...decision.reasons].join('; '), 300),
    ];
  });
  const run = `Policy says to the run: ${safeText([preview.run.verdict, ...preview.run.reasons].join('; '))}`;
  const left = preview.steps.length - rows.length;
  const more = left > 0 ? `\n\n${left} more steps are not shown.` : '';
  return `${run}\n\n${answerTable(['step', 'needs', 'runner', 'policy'], rows)}${more}`;
}
