import type { ExplainView, Explanation, PackView } from '../protocol/explain.ts';
import { shortDigest } from './format.ts';
import type { Paint } from './paint.ts';
import { safeText } from './terminal-text.ts';

/** For people: each question with its decision, and each pack with what it says; those with nothing to say in one line. */
export function explanationLines({ asked, more }: Explanation, paint: Paint): readonly string[] {
  if (asked.length === 0) return ['policy was not asked about this yet'];
  const lines = asked.flatMap((view, index) => [...(index === 0 ? [] : ['']), ...viewLines(view, paint)]);
  return more === 0 ? lines : [...lines, '', paint.dim(`and ${more} more: name a step to see it`)];
}

const ORDER: readonly PackView['verdict'][] = ['deny', 'ask', 'allow'];

function viewLines({ step, phase, decision, packs, packDigest }: ExplainView, paint: Paint): readonly string[] {
  const what = step === null ? 'the run' : safeText(step);
  const about = phase === (step === null ? 'run' : 'step') ? '' : ` (${safeText(phase)})`;
  const digests = paint.dim(
    `policy ${shortDigest(decision.packDigest)}  question ${shortDigest(decision.inputDigest)}`,
  );
  const telling = ORDER.flatMap((verdict) => packs.filter((pack) => pack.verdict === verdict && isTelling(pack)));
  const silent = packs.filter((pack) => !isTelling(pack));
  return [
    `${paint.bold(what)}${about}: ${verdictText(decision.verdict, paint)}  ${digests}`,
    ...(packDigest === decision.packDigest ? [] : [`  ${paint.dim(changedText(decision.reasons, packDigest))}`]),
    ...telling.flatMap((pack) => packLines(pack, paint)),
    ...(silent.length === 0
      ? []
      : [`  ${paint.green('allow')} ${silent.map(({ pack }) => safeText(pack)).join(', ')}`]),
  ];
}

/** What was decided then stands; the packs speak by the rules of today. */
function changedText(reasons: readonly string[], packDigest: ExplainView['packDigest']): string {
  const then = reasons.length === 0 ? '' : ` then: ${reasons.map(safeText).join('; ')};`;
  return `the rules have changed since;${then} by those of today (policy ${shortDigest(packDigest)}):`;
}

function packLines({ pack, verdict, reasons, obligations }: PackView, paint: Paint): readonly string[] {
  const duties = obligations.map(({ type, value }) => `obliges to ${type}=${String(value)}`);
  return [
    `  ${verdictText(verdict, paint)} ${safeText(pack)}`,
    ...[...reasons, ...duties].map((text) => `      ${safeText(text)}`),
  ];
}

function isTelling({ verdict, obligations }: PackView): boolean {
  return verdict !== 'allow' || obligations.length > 0;
}

function verdictText(verdict: PackView['verdict'], paint: Paint): string {
  if (verdict === 'deny') return paint.red(verdict);
  return verdict === 'ask' ? paint.yellow(verdict) : paint.green(verdict);
}
