import { formatDuration } from '../../base/duration.ts';
import type { Plan } from '../../pipeline/plan.ts';
import { isStepFinal, type RunView, type StepView } from '../../protocol/run.ts';
import { BODY_BYTES_MAX, fittingBody, paragraphs } from './body-size.ts';
import { plainLine, safeCell, safeText } from './safe-text.ts';

const TABLE_BYTES_MAX = 45_000;
const GRAPH_STEPS_MAX = 60;
const GRAPH_EDGES_MAX = 150;
const LABEL_CHARS_MAX = 40;
const REASONS_MAX = 3;
const JOBS_MAX = 3;

const ICONS: Readonly<Record<StepView['status'], string>> = {
  pending: '▫️',
  held: '⏸️',
  ready: '▫️',
  running: '🔵',
  succeeded: '✅',
  failed: '❌',
  skipped: '⏭️',
  cancelled: '🚫',
  denied: '⛔',
};

export interface SummaryOptions {
  /** Where people see the run on the server; null where the server has no public address. */
  readonly runUrl: string | null;
  /** Pages of the jobs that its steps ran in, the newest first. */
  readonly jobs: readonly string[];
}

/** The body of a pipeline's check run: totals, the steps as a table, their graph, and the receipt. */
export function summaryOf(run: RunView, plan: Plan, options: SummaryOptions): string {
  const [head, table, tail] = [
    paragraphs(totals(run, plan), consentLine(run), reasonLine(run)),
    stepTable(run, plan),
    paragraphs(receiptLine(run), footer(run, options)),
  ];
  const whole = paragraphs(head, table, graphOf(run), tail);
  return Buffer.byteLength(whole) <= BODY_BYTES_MAX ? whole : fittingBody(paragraphs(head, table, tail));
}

function durationOf(startedAt: string | null, finishedAt: string | null): string {
  if (startedAt === null || finishedAt === null) return '–';
  return formatDuration(Date.parse(finishedAt) - Date.parse(startedAt));
}

function totals(run: RunView, plan: Plan): string {
  const counts = new Map<string, number>();
  for (const step of run.steps) counts.set(step.status, (counts.get(step.status) ?? 0) + 1);
  const states = [...counts].map(([status, count]) => `${count} ${status}`).join(', ');
  const parts = [`**${run.steps.length} steps**: ${states || 'none'}`];
  if (run.finishedAt !== null) parts.push(`took ${durationOf(run.startedAt ?? run.createdAt, run.finishedAt)}`);
  if (plan.budget?.microUsd !== undefined) parts.push(`cost at most ${dollars(plan.budget.microUsd)}`);
  if (run.attempt > 1) parts.push(`attempt ${run.attempt}`);
  return parts.join(' · ');
}

function consentLine(run: RunView): string {
  return run.isConsentWanted ? 'Policy asks for consent before this run begins.' : '';
}

function reasonLine(run: RunView): string {
  const reasons = [run.reason ?? '', ...(run.decision?.verdict === 'allow' ? [] : (run.decision?.reasons ?? []))];
  const said = [...new Set(reasons.filter((reason) => reason !== ''))].slice(0, REASONS_MAX);
  return said.map((reason) => `Reason: ${safeText(reason, 500)}`).join('\n\n');
}

function stepTable(run: RunView, plan: Plan): string {
  const caps = new Map(plan.steps.map((step) => [step.id, step.budget?.microUsd]));
  const lines = ['| | Step | State | Needs | Duration | Attempts | Cost | Why |', '|---|---|---|---|---|---|---|---|'];
  let bytes = 0;
  for (const [index, step] of run.steps.entries()) {
    const row = stepRow(step, caps.get(step.id));
    bytes += Buffer.byteLength(row);
    if (bytes > TABLE_BYTES_MAX) return `${lines.join('\n')}\n\n… and ${run.steps.length - index} more steps.`;
    lines.push(row);
  }
  return lines.join('\n');
}

function stepRow(step: StepView, capMicroUsd: number | undefined): string {
  const cells = [
    ICONS[step.status],
    safeCell(step.isCompensation ? `${step.id} (undo)` : step.id, 80),
    step.isCacheHit ? 'cached' : step.hold ? `held: ${step.hold.kind}` : step.status,
    safeCell(step.needs.join(', '), 80) || '–',
    isStepFinal(step.status) ? durationOf(step.startedAt, step.finishedAt) : '–',
    step.attempts === 0 ? '–' : step.iteration > 1 ? `${step.attempts} (turn ${step.iteration})` : `${step.attempts}`,
    capMicroUsd === undefined ? '–' : `≤ ${dollars(capMicroUsd)}`,
    safeCell(whyOf(step)) || '–',
  ];
  return `| ${cells.join(' | ')} |`;
}

const VERDICTS = { allow: 'allowed', deny: 'denied', ask: 'asked' } as const;

function whyOf(step: StepView): string {
  const own = step.hold?.reason || step.reason || '';
  const decision = step.decision;
  if (decision === null || (decision.verdict === 'allow' && own !== '')) return own;
  const reasons = decision.reasons.slice(0, REASONS_MAX).join('; ');
  const verdict = reasons === '' ? VERDICTS[decision.verdict] : `${VERDICTS[decision.verdict]}: ${reasons}`;
  return [own, verdict].filter(Boolean).join(' · ');
}

/** Left out where it would be too large to read. Labels keep letters and digits: the rest could be Mermaid. */
function graphOf(run: RunView): string {
  const ids = new Map(run.steps.map((step, index) => [step.id, `s${index}`]));
  const edges = run.steps.flatMap((step) =>
    step.needs.flatMap((need) => (ids.has(need) ? [`  ${ids.get(need)} --> ${ids.get(step.id)}`] : [])),
  );
  if (run.steps.length < 2 || run.steps.length > GRAPH_STEPS_MAX || edges.length > GRAPH_EDGES_MAX) return '';
  const nodes = run.steps.map((step) => `  ${ids.get(step.id)}["${graphLabel(step.id)}"]:::${step.status}`);
  const styles = [
    '  classDef succeeded fill:#dafbe1,stroke:#1a7f37,color:#1f2328',
    '  classDef failed fill:#ffebe9,stroke:#cf222e,color:#1f2328',
    '  classDef denied fill:#ffebe9,stroke:#cf222e,color:#1f2328',
    '  classDef held fill:#fff8c5,stroke:#9a6700,color:#1f2328',
    '  classDef running fill:#ddf4ff,stroke:#0969da,color:#1f2328',
  ];
  return ['```mermaid', 'flowchart LR', ...nodes, ...edges, ...styles, '```'].join('\n');
}

function graphLabel(id: string): string {
  const label = plainLine(id.replace(/[^\p{L}\p{N} ,._/-]/gu, ' '), LABEL_CHARS_MAX);
  return label === '' ? 'step' : label;
}

function receiptLine(run: RunView): string {
  if (run.receipt === null) return '';
  return run.receipt.payloadSha256 === null
    ? 'Receipt: is being signed.'
    : `Receipt: \`${run.receipt.payloadSha256.replace(/[^0-9a-z:]/gi, '')}\``;
}

function footer(run: RunView, { runUrl, jobs }: SummaryOptions): string {
  const links = [
    runUrl === null ? '' : link('details', runUrl),
    ...jobs.slice(0, JOBS_MAX).map((url, index) => link(index === 0 ? 'job' : 'earlier job', url)),
  ];
  return [`Run \`${run.id.replace(/[^0-9a-z]/gi, '')}\``, ...links].filter((part) => part !== '').join(' · ');
}

function link(text: string, url: string): string {
  return `[${text}](${encodeURI(url)})`;
}

function dollars(microUsd: number): string {
  return `$${(microUsd / 1_000_000).toFixed(2)}`;
}
