import type { LogLine } from '../../protocol/event.ts';
import type { StepView } from '../../protocol/run.ts';
import { safeCell, safeCode, safeText } from '../report/safe-text.ts';
import { answerTable } from './answer-table.ts';
import type { CommandContext } from './command-context.ts';
import { headRuns } from './head-runs.ts';
import { isStep, noStep } from './named-step.ts';
import { waitingGates } from './waiting-gates.ts';

const STEPS_MAX = 20;
const LOG_LINES_MAX = 40;
const LOG_CHARS_MAX = 8000;
const LOG_READ_CHARS_MAX = 200_000;
const REASONS_MAX = 5;

/** `/maestro status` */
export async function showStatus({ tools, request, pull }: CommandContext): Promise<string> {
  const runs = await headRuns(tools, request.repository.id, pull);
  if (runs.length === 0) return `No run of \`${pull.headSha.slice(0, 12)}\` yet.`;
  const rows = runs.map(({ view }) => [
    safeCell(view.pipeline),
    view.status,
    `${view.steps.filter(({ status }) => status === 'succeeded').length} of ${view.steps.length}`,
    safeCell(view.reason ?? openSteps(view.steps)),
    `\`${view.id}\``,
  ]);
  const waiting = waitingGates(runs).map(
    ({ run, gate }) => `- ${safeText(`${run.view.pipeline}${gate === null ? '' : `/${gate}`}`)} waits for an answer`,
  );
  return [
    `Newest commit: \`${pull.headSha.slice(0, 12)}\``,
    answerTable(['pipeline', 'status', 'steps done', 'now', 'run'], rows),
    waiting.slice(0, STEPS_MAX).join('\n'),
  ]
    .filter((part) => part !== '')
    .join('\n\n');
}

function openSteps(steps: readonly StepView[]): string {
  const telling = steps.filter(({ status }) => status === 'running' || status === 'failed' || status === 'denied');
  return telling
    .slice(0, REASONS_MAX)
    .map(({ id, status }) => `${id} ${status}`)
    .join(', ');
}

/** `/maestro logs [step]` */
export async function showLogs({ tools, request, pull }: CommandContext, step: string | undefined): Promise<string> {
  const runs = await headRuns(tools, request.repository.id, pull);
  const found = runs
    .flatMap((run) => run.view.steps.map((one) => ({ run, step: one })))
    .find(({ step: one }) => (step === undefined ? one.status === 'failed' : isStep(one.id, step)));
  if (!found) {
    if (step !== undefined) throw noStep(step);
    return 'No step of the newest commit has failed; name one to see its log.';
  }
  const text = await lastLines(
    tools.engine.readLogs(found.run.run, found.step.id, false, AbortSignal.timeout(LOG_READ_MS)),
  );
  const name = safeText(`${found.run.view.pipeline}/${found.step.id}`);
  if (text === '') return `**${name}** (${found.step.status}) has not written anything.`;
  return `Last lines of **${name}** (${found.step.status}):\n\n${safeCode(text, LOG_CHARS_MAX)}`;
}

const LOG_READ_MS = 10_000;

/** The end of what the last attempt wrote, in bounded memory however much it is. */
async function lastLines(chunks: AsyncIterable<Pick<LogLine, 'text' | 'attempt'>>): Promise<string> {
  let [text, latest] = ['', 0];
  for await (const chunk of chunks) {
    text = (chunk.attempt === latest ? text : '') + chunk.text;
    latest = chunk.attempt;
    if (text.length > 2 * LOG_READ_CHARS_MAX) text = text.slice(-LOG_READ_CHARS_MAX);
  }
  return text.trimEnd().split('\n').slice(-LOG_LINES_MAX).join('\n');
}
